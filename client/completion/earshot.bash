# bash completion for earshot. What can come next is asked from the program itself.
# shellcheck shell=bash

_earshot() {
    local line=() word candidate kept
    # Readline has cut --wait=stored into three words; here it is one again.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [ "${#line[@]}" -gt 0 ] && { [ "$word" = = ] || [[ ${line[-1]} == --*= ]]; }; then
            line[-1]+=$word
        else
            line+=("$word")
        fi
    done
    # As the program will see them: names need no quotes but for the # of a room.
    line=("${line[@]//[\\\'\"]/}")
    word=${line[-1]}
    kept=
    [[ $word == --*=* ]] && kept=${word%%=*}=
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        case $candidate in
        :files)
            compopt -o filenames
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "${word#"$kept"}")
            ;;
        :directories)
            compopt -o filenames
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "${word#"$kept"}")
            ;;
        *)
            candidate=${candidate#"$kept"}
            case ${COMP_WORDS[COMP_CWORD]} in
            [\'\"]*) ;;
            *) candidate=${candidate/#\#/\\#} ;;
            esac
            COMPREPLY+=("$candidate")
            ;;
        esac
    done < <("${COMP_WORDS[0]}" complete -- "${line[@]}" 2>/dev/null)
}

complete -F _earshot earshot
