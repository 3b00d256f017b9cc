#!/bin/sh
# Runs vsftpd in the foreground; the contract is in ../README.md.
#
# vsftpd only knows accounts of the machine, checked by PAM. Ours live in /etc/passwd, /etc/shadow and /etc/pam.d of a mount
# namespace of its own: the machine's own files are not touched, and nothing stays behind.
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

find_server usr/sbin/vsftpd
if [ "${1-}" = --check ]; then
    # It prints its version to standard input.
    "$server" -v 0>&1
    exit
fi
read_environment
need_root "vsftpd changes to the account that logs in"
private_mounts "$@"

export REQUIRE_SSL_REUSE=YES FORCE_TLS=YES STRICT_SHUTDOWN=NO IMPLICIT=NO
case $FTPSPEC_VARIANT in
    vsftpd) ;;
    vsftpd-implicit) IMPLICIT=YES ;;
    vsftpd-no-reuse) REQUIRE_SSL_REUSE=NO ;;
    vsftpd-optional) FORCE_TLS=NO ;;
    vsftpd-strict-shutdown) STRICT_SHUTDOWN=YES ;;
    *) fail "$EX_USAGE" "no such variant: $FTPSPEC_VARIANT" ;;
esac

make_homes
etc="$state/etc"
mkdir -p "$etc/pam.d" "$state/empty"

account() { printf '%s:x:%s:%s::%s:/bin/sh\n' "$1" "$2" "$2" "$homes/$1"; }
{
    echo root:x:0:0::/root:/bin/sh
    echo nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
    account "$FTPSPEC_USER" "$uid1"
    account "$FTPSPEC_USER2" "$uid2"
} >"$etc/passwd"
printf '%s\n' root:x:0: nogroup:x:65534: "$FTPSPEC_USER:x:$uid1:" "$FTPSPEC_USER2:x:$uid2:" >"$etc/group"
(
    umask 077
    {
        echo 'root:*:19000::::::'
        echo "$FTPSPEC_USER:$(hash "$FTPSPEC_PASSWORD"):19000::::::"
        echo "$FTPSPEC_USER2:$(hash "$FTPSPEC_PASSWORD2"):19000::::::"
    } >"$etc/shadow"
)
printf '%s\n' 'passwd: files' 'group: files' 'shadow: files' 'hosts: files' >"$etc/nsswitch.conf"
printf '%s\n' 'auth required pam_unix.so nodelay' 'account required pam_unix.so' 'session required pam_permit.so' \
    >"$etc/pam.d/ftpspec"

export EMPTY="$state/empty" LOG="$log" PASV_ADDRESS="${FTPSPEC_PASV_ADDRESS:+pasv_address=$FTPSPEC_PASV_ADDRESS}"
case $ip in
    4) export LISTEN4=YES LISTEN6=NO LISTEN_ADDRESS="listen_address=$FTPSPEC_ADDRESS" ;;
    6) export LISTEN4=NO LISTEN6=YES LISTEN_ADDRESS="listen_address6=$FTPSPEC_ADDRESS" ;;
esac
fill "$folder/vsftpd.conf.in" >"$state/vsftpd.conf"

for place in passwd group shadow nsswitch.conf pam.d; do
    cover "$etc/$place" "/etc/$place"
done

# Errors of the configuration go to standard input, too.
exec "$server" "$state/vsftpd.conf" 0>>"$log" 1>&0 2>&0
