#!/bin/sh
# Runs pyftpdlib in the foreground; the contract is in ../README.md. It needs no root and serves with the id that it is started with.
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

server="$prefix/pyftpdlib/bin/python"
[ -x "$server" ] || not_installed
if [ "${1-}" = --check ]; then
    "$server" -c 'import pyftpdlib, OpenSSL; print("pyftpdlib", pyftpdlib.__ver__, "pyOpenSSL", OpenSSL.__version__)'
    exit
fi
read_environment
case $FTPSPEC_VARIANT in
    pyftpdlib) export TLS_REQUIRED= ;;
    pyftpdlib-required) export TLS_REQUIRED=1 ;;
    *) fail "$EX_USAGE" "no such variant: $FTPSPEC_VARIANT" ;;
esac
make_homes

export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$server" "$folder/server.py" </dev/null >>"$log" 2>&1
