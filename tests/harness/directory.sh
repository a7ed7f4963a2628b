# A directory of users of the test's own, for programs that are started with it: what the machine's
# NSS says of a login is what directory() was told last. After shell.sh.
# shellcheck shell=bash

SHIM=$BIN/../tests/fault/passwd_shim.so
if [ -n "${SANITIZE-}" ] || [ ! -e "$SHIM" ]; then
    echo "SKIPPED: needs passwd_shim.so, in a build without a sanitizer"
    exit 77
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root, to be several users"
    exit 77
fi
chmod 755 "$T"
export PASSWD_SHIM=$T/directory

directory() { # ERRNO [NAME UID]...
    printf '%s\n' "$*" >"$PASSWD_SHIM.new"
    mv "$PASSWD_SHIM.new" "$PASSWD_SHIM"
}

as() { # UID COMMAND...
    local uid=$1
    shift
    setpriv --reuid "$uid" --regid "$uid" --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent "$@"
}

as_known() { # UID COMMAND...: that asks the directory
    local uid=$1
    shift
    as "$uid" env LD_PRELOAD="$SHIM${LD_PRELOAD:+:$LD_PRELOAD}" "$@"
}
