#!/bin/sh
# Makes the pictures of the README from a real run: docs/images/*.png. Needs chromium and the servers
# (.ci/install-targets.sh); pngquant makes the pictures smaller where it is installed.
#
# usage: .ci/screenshots.sh [TARGET...]      (nothing named: the embedded server and every server that is installed)
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
targets=--all-targets
if [ $# -gt 0 ]; then
    targets=
    for target; do targets="$targets --target $target"; done
fi
cargo build --quiet
# The verdicts of the servers are no matter here.
# shellcheck disable=SC2086  # a list of options
target/debug/ftpspec run $targets --quiet --reports "$work/reports" >/dev/null || true
page=$work/reports/latest/index.html
[ -s "$page" ] || { echo "screenshots: the run wrote no report" >&2; exit 1; }

# picture NAME WIDTH HEIGHT HASH [DARK]
picture() {
    HOME=$work chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars \
        --disable-background-networking --disable-component-update --disable-sync --user-data-dir="$work/chromium" \
        ${5:+--blink-settings=preferredColorScheme=0} --window-size="$2,$3" --virtual-time-budget=3000 \
        --screenshot="$work/$1.png" "file://$page$4" >/dev/null 2>&1
    if command -v pngquant >/dev/null; then
        pngquant --force --skip-if-larger --output "$work/$1.png" 48 "$work/$1.png" || true
    fi
    mkdir -p docs/images
    mv "$work/$1.png" "docs/images/$1.png"
}

case_of() { grep -o 'href="#case?[^"]*shutdown[^"]*"' "$page" | head -n 1 | sed 's/^href="//; s/"$//; s/&#38;/\&/g'; }

picture overview 1200 780 ''
picture matrix 1200 780 '#matrix?sort=worst'
picture case 1200 1100 "$(case_of)" dark
ls -l docs/images
