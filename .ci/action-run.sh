#!/usr/bin/env bash
# The step of action.yml that runs ftpspec: adds the summary to the job and hands the exit code on, so that the reports are
# uploaded whatever it is. Reads FTPSPEC_BINARY, FTPSPEC_RUN, FTPSPEC_BASELINE, FTPSPEC_SHARD, FTPSPEC_REPORTS.
set -uo pipefail

binary=${FTPSPEC_BINARY:-$RUNNER_TEMP/ftpspec/bin/ftpspec}
# Words as a shell would split them, quotes included; nothing is expanded or executed.
words=()
if [ -n "${FTPSPEC_RUN-}" ]; then
    while IFS= read -r word; do
        words+=("$word")
    done < <(xargs printf '%s\n' <<<"$FTPSPEC_RUN")
fi
options=(--reports "$FTPSPEC_REPORTS")
if [ -n "${FTPSPEC_BASELINE-}" ]; then options+=(--baseline "$FTPSPEC_BASELINE"); fi
if [ -n "${FTPSPEC_SHARD-}" ]; then options+=(--shard "$FTPSPEC_SHARD"); fi

"$binary" run "${options[@]}" "${words[@]}"
code=$?
summary=$FTPSPEC_REPORTS/latest/summary.md
if [ -f "$summary" ] && [ -n "${GITHUB_STEP_SUMMARY-}" ]; then
    cat "$summary" >>"$GITHUB_STEP_SUMMARY"
fi
# An artifact has no links in it: the run gets a name of its own.
if [ -d "$FTPSPEC_REPORTS/latest/" ]; then
    rm -rf "$FTPSPEC_REPORTS/run"
    cp -R "$FTPSPEC_REPORTS/latest/." "$FTPSPEC_REPORTS/run"
fi
echo "exit-code=$code" >>"$GITHUB_OUTPUT"
