#!/usr/bin/env bash
# Docker for the tests: a daemon of its own, and what image builds need from this machine. Debian 12, as root.
#
# usage: .ci/docker.sh context           fill .ci/context (authorities, pip.conf, apt.conf, the libunftp server)
#        .ci/docker.sh run COMMAND…      start a daemon with socket and data of its own, make the base image, run COMMAND
#                                        with DOCKER_HOST set, stop the daemon; the exit code is the command's
#
#   FTPSPEC_DOCKER_ROOT   where the daemon keeps its data; default ~/.local/share/ftpspec/docker. Images stay there.
set -euo pipefail
cd "$(dirname "$0")/.."

data=${FTPSPEC_DOCKER_ROOT:-${HOME:-/root}/.local/share/ftpspec/docker}
prefix=${FTPSPEC_TARGET_PREFIX:-${HOME:-/root}/.local/share/ftpspec/targets}
context=.ci/context

die() { printf 'docker: %s\n' "$*" >&2; exit 1; }

install_packages() {
    local missing=() package
    for package in debootstrap docker.io iptables; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "must run as root to install ${missing[*]}"
    # A package that starts its service would leave a second daemon behind.
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made=1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    [ -z "$made" ] || rm -f "$policy"
}

# Nothing of it is in the repository: it is how this machine, and no other, reaches its archives.
make_context() {
    rm -rf "$context"
    mkdir -p "$context"
    local authorities
    for authorities in "${PIP_CERT:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
        if [ -n "$authorities" ] && [ -r "$authorities" ]; then
            cp "$authorities" "$context/ca.crt"
            break
        fi
    done
    apt-config dump | grep -E '^Acquire::(Check-|https?::(Proxy|Verify))' >"$context/apt.conf" || true
    local name
    {
        echo '[global]'
        for name in index-url extra-index-url trusted-host proxy; do
            variable=PIP_$(tr 'a-z-' 'A-Z_' <<<"$name")
            value=${!variable:-}
            [ -z "$value" ] || printf '%s = %s\n' "$name" "$value"
        done
    } >"$context/pip.conf"
    local program="$prefix/libunftp/bin/ftpspec-libunftp"
    [ ! -x "$program" ] || cp "$program" "$context/"
}

# The network namespace of a daemon stays mounted in its folder when it ends.
stop_daemon() {
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    local mounted
    while read -r mounted; do
        umount "$mounted" || true
    done < <(cut -d' ' -f2 /proc/mounts | grep -F "$2/" || true)
    rm -rf "$2"
}

run_with_daemon() {
    install_packages
    mkdir -p "$data"
    local run pid
    run=$(mktemp -d)
    export DOCKER_HOST="unix://$run/docker.sock"
    dockerd --data-root "$data" --exec-root "$run/exec" --pidfile "$run/dockerd.pid" --host "$DOCKER_HOST" \
        >"$run/dockerd.log" 2>&1 &
    pid=$!
    # shellcheck disable=SC2064  # this pid and this folder
    trap "stop_daemon $pid '$run'" EXIT
    local deadline=$((SECONDS + 60))
    until docker version >/dev/null 2>&1; do
        if ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            tail -n 20 "$run/dockerd.log" >&2
            die "the docker daemon did not start; it takes root with all capabilities (in a container: --privileged).
FTPSPEC_WITHOUT_DOCKER=1 .ci/run leaves containers out."
        fi
        sleep 0.1
    done
    docker/base.sh
    make_context
    "$@"
}

case ${1:-} in
    context) make_context ;;
    run)
        shift
        [ $# -gt 0 ] || die "usage: .ci/docker.sh run COMMAND…"
        run_with_daemon "$@"
        ;;
    *) die "usage: .ci/docker.sh context | run COMMAND…" ;;
esac
