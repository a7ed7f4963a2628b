#!/bin/bash
# `make install` puts everything where the standard directories are, a program builds against the
# installed library and talks through it, and `make uninstall` leaves nothing.
# test: timeout=300
# shellcheck source=tests/harness/shell.sh
. "${HARNESS:-$(dirname "$0")/../harness}/shell.sh"

root=$(realpath "$(dirname "$0")/../..")
compiler=${CC:-gcc}
unset MAKEFLAGS MFLAGS MAKELEVEL

# Only what `make` says it would do for an install; the programs themselves are built already.
make_install() { # TARGET VARIABLE=...
    make -C "$root" --no-print-directory -o all BUILD="${BIN%/bin}" "$@" >"$T/make.log" 2>&1
}

files_in() {
    (cd "$1" && find . ! -type d | sed 's/^\.//' | sort)
}

try make_install install DESTDIR="$T/root" PREFIX=/usr
check "make install" test "$STATUS" -eq 0
[ "$STATUS" -eq 0 ] || cat "$T/make.log"
files_in "$T/root" >"$T/files"
for file in /usr/bin/earshot /usr/bin/earshotd /usr/include/earshot.h /usr/lib/libearshot.a \
    /usr/lib/libearshot.so /usr/lib/libearshot.so.1 /usr/lib/pkgconfig/earshot.pc \
    /usr/lib/systemd/system/earshot.service /usr/lib/systemd/user/earshot.service \
    /usr/lib/systemd/user/earshot-hook.service \
    /usr/lib/systemd/user/earshot-irc.service /usr/lib/systemd/user/earshot-irc.socket \
    /usr/lib/sysusers.d/earshot.conf /usr/lib/tmpfiles.d/earshot.conf \
    /usr/share/bash-completion/completions/earshot /usr/share/fish/vendor_completions.d/earshot.fish \
    /usr/share/zsh/site-functions/_earshot /usr/share/man/man1/earshot.1 \
    /usr/share/man/man3/libearshot.3 /usr/share/man/man7/earshot.7 /usr/share/man/man8/earshotd.8; do
    STATUS='' check "$file is there" grep -qxF "$file" "$T/files"
done
for file in "$root"/{client,server}/man/*.[1-8]; do
    STATUS='' check "${file##*/} is installed" grep -q "/man${file##*.}/${file##*/}\$" "$T/files"
done
if command -v python3 >/dev/null; then
    module=$(dirname "$(cd "$T/root" && find . -path '*/earshot/__init__.py')")
    check "the Python module loads, and the library that was installed with it" \
        env PYTHONPATH="$T/root/$module/.." PYTHONDONTWRITEBYTECODE=1 ${SANITIZE:+EARSHOT_NO_PYTHON=1} python3 -c '
import os, sys
if "EARSHOT_NO_PYTHON" not in os.environ:
    import earshot
    sys.exit(not any(sys.argv[1] in line for line in open("/proc/self/maps")))' "$T/root/usr/lib/libearshot.so"
fi
check "no template is left unfilled" \
    test -z "$(grep -rlE '@[a-z]+@' "$T/root/usr/lib/pkgconfig" "$T/root/usr/lib/systemd")"
check "the unit starts the hub that was installed" \
    grep -q '^ExecStart=/usr/bin/earshotd ' "$T/root/usr/lib/systemd/system/earshot.service"
is "the library's name" \
    "$(readelf -d "$T/root/usr/lib/libearshot.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" \
    libearshot.so.1
for library in libearshot.a "-D libearshot.so"; do
    # shellcheck disable=SC2086 # the flag is a word of its own
    (cd "$T/root/usr/lib" && nm -g --defined-only $library) |
        awk 'NF == 3 && $2 != "A" { sub("@.*", "", $3); print $3 }' | sort >"$T/${library#-D }"
    is "${library#-D } exports its header and nothing else" "$(grep -v '^earshot_' "$T/${library#-D }")" ''
done
is "both export the same" "$(<"$T/libearshot.a")" "$(<"$T/libearshot.so")"

# A client that is installed finds the hub that is installed beside it.
HUB=$XDG_RUNTIME_DIR/earshot
try env PATH=/usr/bin:/bin "$T/root/usr/bin/earshot" --hub "$HUB" --start status --json
check "a client starts the private hub" test "$STATUS" -eq 0
HUB_PID=$(jq .pid <<<"$OUT")
SEEN+=("$HUB_PID")
is "it is the installed one" "$(readlink "/proc/$HUB_PID/exe")" "$T/root/usr/bin/earshotd"

cat >"$T/probe.c" <<'END'
#include <earshot.h>
#include <stdio.h>

int main(void) {
    struct earshot_options options = {.handle = "probe-bot"};
    struct earshot_hub_info hub;
    earshot *link;
    /* What a program of earlier calls these is there still. */
    (void)earshot_offered, (void)earshot_offers, (void)earshot_posted, (void)earshot_posts;
    int result = earshot_open(&link, &options);
    if (result == EARSHOT_OK) {
        earshot_hub(link, &hub);
        printf("%s in %s\n", hub.handle, hub.dir);
    } else {
        fprintf(stderr, "%s\n", earshot_error(link));
    }
    earshot_close(link);
    return result;
}
END
# Each name that the library uses between its own files is a function of the program's, too.
{
    echo '#include <stdlib.h>'
    nm -g --defined-only "${BIN%/bin}/lib/libclient.a" |
        awk '$2 == "T" && $3 !~ /^earshot_/ { print "void " $3 "(void) { abort(); }" }'
} >"$T/own.c"
check "there are such names" grep -q ' queue_send(void)' "$T/own.c"
probe() { # so|a FLAG...: with what pkg-config says of the installed library
    local name=$1
    shift
    read -ra flags < <(PKG_CONFIG_PATH=$T/root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$T/root \
        PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
        pkg-config "$@" --cflags --libs earshot)
    "$compiler" ${SANITIZE:+"-fsanitize=$SANITIZE"} "$T/probe.c" "$T/own.c" -o "$T/$name" \
        "${flags[@]/#-learshot/-l:libearshot.$name}"
}
try probe so
check "a program with those names builds with the shared library" test "$STATUS" -eq 0
try env EARSHOT_HUB="$HUB" LD_LIBRARY_PATH="$T/root/usr/lib" "$T/so"
is "and talks to the hub" "$OUT" "probe-bot in $HUB"
check "without the library it does not start: it is really shared" \
    test -n "$(readelf -d "$T/so" | grep 'NEEDED.*libearshot\.so\.1')"
try probe a --static
check "it builds with the static library" test "$STATUS" -eq 0
try env EARSHOT_HUB="$HUB" "$T/a"
is "and talks to the hub, too" "$OUT" "probe-bot in $HUB"

try "$BIN/earshotd" --dir "$HUB" --stop
HUB_PID=
try make_install uninstall DESTDIR="$T/root" PREFIX=/usr
check "make uninstall" test "$STATUS" -eq 0
is "nothing is left" "$(files_in "$T/root")" ''

try make_install install DESTDIR="$T/other" PREFIX=/opt/earshot libdir=/opt/lib64 mandir=/opt/man \
    systemdsystemdir=/opt/units
check "other directories" test "$STATUS" -eq 0
check "libdir is obeyed" test -e "$T/other/opt/lib64/libearshot.so.1"
check "mandir is obeyed" test -e "$T/other/opt/man/man1/earshot.1"
check "the unit names the other place" grep -q '^ExecStart=/opt/earshot/bin/earshotd ' \
    "$T/other/opt/units/earshot.service"
check "the .pc file names the other place" grep -qx 'libdir=/opt/lib64' \
    "$T/other/opt/lib64/pkgconfig/earshot.pc"
check "nothing goes elsewhere" test -z "$(files_in "$T/other" | grep -v '^/opt/')"
