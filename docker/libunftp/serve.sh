#!/bin/sh
# Runs a server on the libunftp crate (its source is in server/) in the foreground; the contract is in ../README.md. It needs no
# root and serves with the id that it is started with.
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

find_server bin/ftpspec-libunftp
if [ "${1-}" = --check ]; then
    "$server" --version
    exit
fi
read_environment
case $FTPSPEC_VARIANT in
    libunftp | libunftp-tls1.3) ;;
    *) fail "$EX_USAGE" "no such variant: $FTPSPEC_VARIANT" ;;
esac
make_homes
FTPSPEC_STATE=$state
export FTPSPEC_STATE

exec "$server" </dev/null >>"$log" 2>&1
