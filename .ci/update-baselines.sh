#!/usr/bin/env bash
# Writes docker/*/baseline.json and docker/durations.json: what the installed servers really do. Read the diff before you
# commit it. Arguments go to `ftpspec run` (targets, filters); every installed target without any.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --locked
ftpspec=target/debug/ftpspec
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

what=("$@")
[ ${#what[@]} -gt 0 ] || what=(--all-targets)
# Three times each: what does not happen every time is marked as varying.
code=0
"$ftpspec" run "${what[@]}" --repeat 3 --baseline docker --update-baseline --reports "$reports" -q || code=$?
case "$code" in 0 | 3) ;; *) exit "$code" ;; esac
# Durations are only whole when everything was run.
if [ $# -eq 0 ]; then
    "$ftpspec" report durations "$reports/latest" >docker/durations.json.part
    mv docker/durations.json.part docker/durations.json
fi
