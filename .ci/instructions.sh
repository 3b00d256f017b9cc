#!/usr/bin/env bash
# Counts the instructions of three fixed workloads (benches/guard) with callgrind and holds them against the committed budget.
#
# usage: .ci/instructions.sh                    red when a workload takes more than its budget and the slack
#        .ci/instructions.sh --update REASON    makes the counts of today the budget; the reason is kept with them
#
# Counts of the same program differ by less than one in ten thousand from run to run. Another compiler makes another
# program, so more slack is given when it is not the one that the budget was counted with.
set -euo pipefail
cd "$(dirname "$0")/.."

budget=benches/guard/budget.tsv
same_compiler=5 other_compiler=25

die() { printf 'instructions: %s\n' "$*" >&2; exit 1; }

command -v valgrind >/dev/null || die "valgrind is missing: .ci/install-targets.sh clients installs it"
reason=
if [ "${1-}" = --update ]; then
    reason=${2-}
    [ -n "$reason" ] || die "--update needs a reason: why may it take more (or less) now?"
elif [ $# -gt 0 ]; then
    die "no such option: $1"
fi

compiler=$(rustc --version)
program=$(cargo build --locked --quiet --bench guard --message-format json \
    | python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == "guard":
        print(message["executable"])')
[ -x "$program" ] || die "the workloads were not built"

count() {
    local log
    log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" 2>&1) || die "$1 failed:
$log"
    awk '/Collected :/ { print $NF }' <<<"$log"
}

if [ -n "$reason" ]; then
    {
        printf '# Instructions of each workload; written by .ci/instructions.sh --update REASON\n'
        printf '# compiler\t%s\n# reason\t%s\n' "$compiler" "$reason"
        for workload in load parse run; do
            printf '%s\t%s\n' "$workload" "$(count "$workload")"
        done
    } >"$budget.new"
    mv "$budget.new" "$budget"
    cat "$budget"
    exit
fi

slack=$same_compiler
if [ "$(awk -F'\t' '$1 == "# compiler" { print $2 }' "$budget")" != "$compiler" ]; then
    slack=$other_compiler
fi
bad=0
while IFS=$'\t' read -r workload allowed; do
    case $workload in '#'*) continue ;; esac
    counted=$(count "$workload")
    [ -n "$counted" ] || die "callgrind counted nothing for $workload"
    verdict=$(awk -v counted="$counted" -v allowed="$allowed" -v slack="$slack" 'BEGIN {
        change = (counted - allowed) * 100 / allowed
        word = "fine"
        if (change > slack) word = "TOO MUCH"
        printf "%+.1f %% (%s %% allowed): %s\n", change, slack, word
    }')
    printf '%-6s %s instructions, budget %s, %s\n' "$workload" "$counted" "$allowed" "$verdict"
    case $verdict in *"TOO MUCH") bad=1 ;; esac
done <"$budget"
[ "$bad" = 0 ] || die "more work than the budget allows; if it is worth it: .ci/instructions.sh --update REASON"
