#!/usr/bin/env bash
# The regression matrix: every scenario against real servers, held against the committed baselines; red for what got worse.
#
# usage: .ci/matrix.sh process FOLDER    every server of docker/, as a process; all must be installed (.ci/install-targets.sh)
#        .ci/matrix.sh docker FOLDER     vsftpd, ProFTPD and pyftpdlib in all variants, in containers; a daemon must answer
#                                        (.ci/docker.sh run starts one)
#
# The run is kept in FOLDER/process or FOLDER/docker; tests/matrix.rs compares the two (FTPSPEC_MATRIX=FOLDER).
set -euo pipefail
cd "$(dirname "$0")/.."

how=${1:-}
folder=${2:-}
in_containers='vsftpd|proftpd|pyftpdlib'

die() { printf 'matrix: %s\n' "$*" >&2; exit 1; }

[ -n "$folder" ] || die "usage: .ci/matrix.sh process|docker FOLDER"
cargo build --locked --quiet
ftpspec=target/debug/ftpspec
targets=$("$ftpspec" targets list)
chosen=()
case $how in
    process)
        ! grep 'not installed' <<<"$targets" >&2 || die "a server is missing; .ci/install-targets.sh installs them all"
        mapfile -t chosen < <(awk '{ print $1 }' <<<"$targets")
        ;;
    docker) mapfile -t chosen < <(awk '{ print $1 }' <<<"$targets" | grep -E "^($in_containers)(-|\$)") ;;
    *) die "usage: .ci/matrix.sh process|docker FOLDER" ;;
esac
options=()
for target in "${chosen[@]}"; do options+=(--target "$target"); done

"$ftpspec" run "${options[@]}" --via "$how" --baseline docker --reports "$folder/$how" --quiet
