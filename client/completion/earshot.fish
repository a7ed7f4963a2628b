# fish completion for earshot. What can come next is asked from the program itself.

function __earshot_candidates
    set -l words (commandline -opc) (commandline -ct)
    # What is typed may be quoted; names need no quotes but for the # of a room.
    set words (string replace -ra '[\\\\\'"]' '' -- $words)
    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path $words[-1]
            case ':directories'
                __fish_complete_directories $words[-1]
            case '*'
                echo $line
        end
    end
end

complete -c earshot -f -a '(__earshot_candidates)'
