#!/bin/sh
# Holds the files for CI services and clusters against the schemas of those services. The schemas come with the validators, so
# nothing is asked of the services themselves. Needs python3-venv and, the first time, the package index.
set -eu
cd "$(dirname "$0")/.."
venv=${FTPSPEC_TARGET_PREFIX:-${HOME:-/root}/.local/share/ftpspec/targets}/recipes
wanted=.ci/recipes-requirements.txt
if ! cmp -s "$wanted" "$venv/.requirements"; then
    rm -rf "$venv"
    mkdir -p "$(dirname "$venv")"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$venv/.requirements"
fi
"$venv/bin/check-jsonschema" --builtin-schema vendor.github-actions action.yml
"$venv/bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$venv/bin/kubernetes-validate" --strict docker/kubernetes/job.yaml docker/kubernetes/merge.yaml
