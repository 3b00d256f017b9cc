#!/usr/bin/env bash
# The regression matrix: every scenario against real servers, held against the committed baselines; red for what got worse.
#
# usage: .ci/matrix.sh process FOLDER [SOFTWARE...]   these servers (nothing named: every one of docker/) in all variants, as
#                                                     processes; all must be installed (.ci/install-targets.sh)
#        .ci/matrix.sh docker FOLDER [SOFTWARE...]    these (nothing named: vsftpd, ProFTPD and pyftpdlib) in all variants, in
#                                                     containers; a daemon must answer (.ci/docker.sh run starts one)
#
# The run is kept in FOLDER/process or FOLDER/docker; tests/matrix.rs compares the two (FTPSPEC_MATRIX=FOLDER).
set -euo pipefail
cd "$(dirname "$0")/.."

how=${1:-}
folder=${2:-}

die() { printf 'matrix: %s\n' "$*" >&2; exit 1; }

[ -n "$folder" ] || die "usage: .ci/matrix.sh process|docker FOLDER [SOFTWARE...]"
shift 2
case $how in
    process) software=$* ;;
    docker) software=${*:-vsftpd proftpd pyftpdlib} ;;
    *) die "usage: .ci/matrix.sh process|docker FOLDER [SOFTWARE...]" ;;
esac
cargo build --locked --quiet
ftpspec=target/debug/ftpspec
targets=$("$ftpspec" targets list)
# A target is named after its software, with its variant behind a hyphen.
[ -z "$software" ] || targets=$(grep -E "^(${software// /|})(-| )" <<<"$targets")
if [ "$how" = process ]; then
    ! grep 'not installed' <<<"$targets" >&2 || die "a server is missing; .ci/install-targets.sh installs them"
fi
mapfile -t chosen < <(awk '{ print $1 }' <<<"$targets")
options=()
for target in "${chosen[@]}"; do options+=(--target "$target"); done

"$ftpspec" run "${options[@]}" --via "$how" --baseline docker --reports "$folder/$how" --quiet
