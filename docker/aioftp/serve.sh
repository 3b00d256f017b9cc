#!/bin/sh
# Runs aioftp in the foreground; the contract is in ../README.md. It needs no root and serves with the id that it is started with.
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

server="$prefix/aioftp/bin/python"
[ -x "$server" ] || not_installed
if [ "${1-}" = --check ]; then
    "$server" -c 'import sys, importlib.metadata as m; print("aioftp", m.version("aioftp"), "Python", sys.version.split()[0])'
    exit
fi
read_environment
[ "$FTPSPEC_VARIANT" = aioftp ] || fail "$EX_USAGE" "no such variant: $FTPSPEC_VARIANT"
make_homes

export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$server" "$folder/server.py" </dev/null >>"$log" 2>&1
