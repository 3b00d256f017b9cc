#!/bin/sh
# Runs Pure-FTPd with virtual accounts in the foreground; the contract is in ../README.md.
#
# Pure-FTPd has no configuration file, only options. It logs to /dev/log alone, which is its own in a mount namespace.
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

find_server usr/sbin/pure-ftpd
if [ "${1-}" = --check ]; then
    "$server" --help | head -n 1
    exit
fi
read_environment
need_root "pure-ftpd changes to the account that logs in and to its home as root folder"
private_mounts "$@"

case $FTPSPEC_VARIANT in
    pure-ftpd) tls=1 ;;
    pure-ftpd-tls-required) tls=2 ;;
    pure-ftpd-data-tls-required) tls=3 ;;
    *) fail "$EX_USAGE" "no such variant: $FTPSPEC_VARIANT" ;;
esac

make_homes
(
    umask 077
    # The fields are those of pureftpd.passwd; the hash is ours because the default one of pure-pw takes seconds to check.
    account() { printf '%s:%s:%s:%s::%s/./::::::::::::\n' "$1" "$(hash "$2")" "$3" "$3" "$homes/$1"; }
    {
        account "$FTPSPEC_USER" "$FTPSPEC_PASSWORD" "$uid1"
        account "$FTPSPEC_USER2" "$FTPSPEC_PASSWORD2" "$uid2"
    } >"$state/accounts"
    cat "$FTPSPEC_KEY" "$FTPSPEC_CERT" >"$state/server.pem"
)
pure_pw="$prefix/pure-ftpd/usr/bin/pure-pw"
[ -x "$pure_pw" ] || pure_pw=pure-pw
"$pure_pw" mkdb "$state/accounts.pdb" -f "$state/accounts"

# A /dev of its own, with the few devices it needs and a log socket. The reader ends with the server.
mkdir -p "$state/dev"
if [ -n "$private" ]; then
    for device in null zero random urandom; do
        : >"$state/dev/$device"
        mount --no-mtab --bind "/dev/$device" "$state/dev/$device"
    done
    mount --no-mtab --rbind "$state/dev" /dev
fi
setpriv --pdeathsig KILL perl "$folder/syslog.pl" /dev/log </dev/null >>"$log" 2>&1 &
for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -S /dev/log ] || break
    sleep 0.05
done

# shellcheck disable=SC2086  # two words or none
exec "$server" ${FTPSPEC_PASV_ADDRESS:+--forcepassiveip "$FTPSPEC_PASV_ADDRESS"} \
    --bind "$FTPSPEC_ADDRESS,$FTPSPEC_PORT" \
    --passiveportrange "$FTPSPEC_PASSIVE_MIN:$FTPSPEC_PASSIVE_MAX" \
    --login "puredb:$state/accounts.pdb" \
    --noanonymous \
    --chrooteveryone \
    --dontresolve \
    --maxclientsnumber 60 \
    --maxclientsperip 60 \
    --tls "$tls" \
    --certfile "$state/server.pem" \
    --pidfile "$state/pure-ftpd.pid" \
    --altlog "clf:$state/transfers.log" \
    --verboselog \
    </dev/null >>"$log" 2>&1
