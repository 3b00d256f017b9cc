#!/bin/sh
# Runs ProFTPD with mod_tls in the foreground; the contract is in ../README.md.
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

find_server usr/sbin/proftpd
if [ "${1-}" = --check ]; then
    "$server" -v 2>&1
    exit
fi
read_environment
need_root "proftpd changes to the account that logs in and to its home as root folder"
private_mounts "$@"

case $FTPSPEC_VARIANT in
    proftpd) TLS_SETTING= ;;
    proftpd-implicit) TLS_SETTING='TLSOptions UseImplicitSSL' ;;
    proftpd-no-reuse) TLS_SETTING='TLSOptions NoSessionReuseRequired' ;;
    proftpd-tickets) TLS_SETTING='TLSSessionTickets on' ;;
    proftpd-tls1.2) TLS_SETTING='TLSProtocol TLSv1.2' ;;
    *) fail "$EX_USAGE" "no such variant: $FTPSPEC_VARIANT" ;;
esac

make_homes
(
    # proftpd refuses accounts and keys that others can read.
    umask 077
    {
        echo "$FTPSPEC_USER:$(hash "$FTPSPEC_PASSWORD"):$uid1:$uid1::$homes/$FTPSPEC_USER:/bin/sh"
        echo "$FTPSPEC_USER2:$(hash "$FTPSPEC_PASSWORD2"):$uid2:$uid2::$homes/$FTPSPEC_USER2:/bin/sh"
    } >"$state/accounts"
    printf '%s\n' "$FTPSPEC_USER:x:$uid1:" "$FTPSPEC_USER2:x:$uid2:" >"$state/groups"
    cp "$FTPSPEC_CERT" "$state/chain.pem"
    cp "$FTPSPEC_KEY" "$state/key.pem"
)

modules="$prefix/proftpd/usr/lib/proftpd"
[ -d "$modules" ] || modules=/usr/lib/proftpd
# The directive depends on the kind of key.
case $(openssl x509 -in "$FTPSPEC_CERT" -noout -text | grep 'Public Key Algorithm') in
    *rsa*) kind=RSA ;;
    *) kind=EC ;;
esac
PASV_ADDRESS="${FTPSPEC_PASV_ADDRESS:+MasqueradeAddress $FTPSPEC_PASV_ADDRESS}"
export TLS_SETTING PASV_ADDRESS STATE="$state" MODULES="$modules" KIND="$kind" USE_IPV6=off
[ "$ip" = 4 ] || USE_IPV6=on
fill "$folder/proftpd.conf.in" >"$state/proftpd.conf"

exec "$server" --nodaemon --quiet --config "$state/proftpd.conf" </dev/null >>"$log" 2>&1
