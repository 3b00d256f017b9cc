# What the serve scripts share; sourced, never run. See README.md for the contract between harness and serve script.
# shellcheck shell=sh disable=SC2034  # variables that the serve scripts read

set -eu
umask 022
PATH=${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
export PATH LC_ALL=C

folder=$(cd "$(dirname "$0")" && pwd)
target=$(basename "$folder")
prefix=${FTPSPEC_TARGET_PREFIX:-${HOME:-/root}/.local/share/ftpspec/targets}

# Exit codes from sysexits.h: the harness tells a missing server from a broken set-up by them.
readonly EX_USAGE=64 EX_UNAVAILABLE=69 EX_NOPERM=77

fail() {
    code=$1
    shift
    printf '%s: %s\n' "$target" "$*" >&2
    exit "$code"
}

# What --check says when the server is not there: the command that installs it.
not_installed() {
    echo ".ci/install-targets.sh $target"
    exit "$EX_UNAVAILABLE"
}

# find_server PATH: sets $server to the binary of the private prefix, else to one that is installed in the system.
find_server() {
    server="$prefix/$target/$1"
    [ -x "$server" ] || server=$(command -v "$(basename "$1")") || not_installed
}

# The environment that the harness gives to every serve script; a missing variable is named, not guessed. Only in a container of
# ours, which may be started by hand or by compose, there are defaults.
read_environment() {
    [ ! -e "$container" ] || container_defaults
    for variable in STATE PORT PASSIVE_MIN PASSIVE_MAX VARIANT CERT KEY CA USER PASSWORD USER2 PASSWORD2; do
        eval "[ -n \"\${FTPSPEC_$variable-}\" ]" || fail "$EX_USAGE" "FTPSPEC_$variable is not set"
    done
    : "${FTPSPEC_ADDRESS:=127.0.0.1}"
    export FTPSPEC_ADDRESS
    case $FTPSPEC_USER$FTPSPEC_USER2 in
        *[!a-z0-9_-]*) fail "$EX_USAGE" "account names are made of a-z, 0-9, _ and -" ;;
    esac
    [ -d "$FTPSPEC_STATE" ] || fail "$EX_USAGE" "FTPSPEC_STATE is no folder: $FTPSPEC_STATE"
    state=$(cd "$FTPSPEC_STATE" && pwd)
    log="$state/server.log"
    case $FTPSPEC_ADDRESS in
        *:*) ip=6 ;;
        *) ip=4 ;;
    esac
}

# What `docker run` and compose need not say: state, ports, accounts, and a certificate of its own for localhost.
container_defaults() {
    : "${FTPSPEC_STATE:=/ftpspec-run/state}" "${FTPSPEC_ADDRESS:=0.0.0.0}" "${FTPSPEC_PORT:=2121}"
    : "${FTPSPEC_PASSIVE_MIN:=20000}" "${FTPSPEC_PASSIVE_MAX:=20059}" "${FTPSPEC_VARIANT:=$target}"
    : "${FTPSPEC_USER:=ftpspec-one}" "${FTPSPEC_USER2:=ftpspec-two}"
    export FTPSPEC_STATE FTPSPEC_ADDRESS FTPSPEC_PORT FTPSPEC_PASSIVE_MIN FTPSPEC_PASSIVE_MAX FTPSPEC_VARIANT
    export FTPSPEC_USER FTPSPEC_USER2
    mkdir -p "$FTPSPEC_STATE"
    [ -z "${FTPSPEC_CERT-}" ] || return 0
    given=$(dirname "$FTPSPEC_STATE")/given
    export FTPSPEC_CERT="$given/server.pem" FTPSPEC_KEY="$given/server.key" FTPSPEC_CA="$given/server.pem"
    [ ! -e "$FTPSPEC_CERT" ] || return 0
    mkdir -p "$given"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$FTPSPEC_KEY" -out "$FTPSPEC_CERT" 2>/dev/null ||
        fail "$EX_USAGE" "no certificate was given and none could be made"
}

need_root() {
    [ "$(id -u)" = 0 ] || fail "$EX_NOPERM" "must run as root: $*"
}

# Ids that no account of the machine has; the two accounts exist only in what the serve script writes.
readonly uid1=64101 uid2=64102

# Home folders, one per account and owned by it: $state/homes/NAME. With mounts of our own the server sees them as /srv/NAME,
# because an account cannot pass through private folders above the state folder. Sets $homes to what the server sees.
make_homes() {
    homes="$state/homes"
    mkdir -p "$homes/$FTPSPEC_USER" "$homes/$FTPSPEC_USER2"
    if [ "$(id -u)" = 0 ]; then
        chown "$uid1:$uid1" "$homes/$FTPSPEC_USER"
        chown "$uid2:$uid2" "$homes/$FTPSPEC_USER2"
    fi
    if [ -n "$private" ]; then
        cover "$homes" /srv
        homes=/srv
    fi
}

# A crypt(3) hash that is cheap to check: memory-hard ones make PASS take seconds. The password stays off the command line.
hash() {
    printf '%s' "$1" | openssl passwd -6 -stdin
}

# fill TEMPLATE: prints it with every @NAME@ replaced by the environment variable NAME.
fill() {
    awk '{
        line = ""
        while (match($0, /@[A-Z0-9_]+@/)) {
            name = substr($0, RSTART + 1, RLENGTH - 2)
            if (!(name in ENVIRON)) { print FILENAME ": " name " is not set" > "/dev/stderr"; exit 1 }
            line = line substr($0, 1, RSTART - 1) ENVIRON[name]
            $0 = substr($0, RSTART + RLENGTH)
        }
        print line $0
    }' "$1"
}

# private_mounts "$@": starts the script again in a mount namespace of its own (same process id). What `cover` does there is seen
# by this server alone and vanishes with it. In our containers the whole file system is ours and nothing is needed; a file that
# only the Dockerfiles make tells them, because a wrong belief would overwrite files of the machine.
container=/.ftpspec-container
private=
private_mounts() {
    [ ! -e "$container" ] || return 0
    if [ "${1-}" = --in-private-mounts ]; then
        private=1
        mkdir -p "$state/run"
        cover "$state/run" /run
        return 0
    fi
    case $state/:$FTPSPEC_CERT:$FTPSPEC_KEY:$FTPSPEC_CA in
        /run/* | /srv/* | /dev/* | *:/run/* | *:/srv/* | *:/dev/*)
            fail "$EX_USAGE" "no state, certificate or key below /run, /srv or /dev: the server has its own" ;;
    esac
    unshare --mount true || fail "$EX_NOPERM" "needs a mount namespace (CAP_SYS_ADMIN)"
    exec unshare --mount --propagation private -- "$folder/serve.sh" --in-private-mounts
}

# cover FILE PLACE: the server finds FILE (or all of a folder) at PLACE. Without mtab, or an empty /run/mount is left behind.
cover() {
    if [ -n "$private" ]; then
        mount --no-mtab --bind "$1" "$2"
    else
        cp -R -T "$1" "$2"
    fi
}
