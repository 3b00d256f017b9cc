#!/bin/sh
# Installs the FTPS servers, clients and the browser that the tests run natively, on Debian 12, as root.
#
# usage: .ci/install-targets.sh [PART...]        (aioftp, libunftp, proftpd, pure-ftpd, pyftpdlib, vsftpd, clients; nothing named: all)
#
# The servers go into a prefix of their own: as packages they exclude each other (all provide ftp-server) and would
# start a service. Only their shared libraries are installed as packages. Running it again is quick and changes nothing.
#
#   FTPSPEC_TARGET_PREFIX   where the servers go; default ~/.local/share/ftpspec/targets
set -eu

here=$(cd "$(dirname "$0")" && pwd)
prefix=${FTPSPEC_TARGET_PREFIX:-${HOME:-/root}/.local/share/ftpspec/targets}
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

# In an image build: how this machine reaches its archives, put beside this script by the context (.ci/docker.sh context).
[ ! -e "$here/apt.conf" ] || export APT_CONFIG="$here/apt.conf"
[ ! -e "$here/pip.conf" ] || export PIP_CONFIG_FILE="$here/pip.conf"
[ ! -e "$here/ca.crt" ] || export PIP_CERT="$here/ca.crt"

say() { printf 'install-targets: %s\n' "$*"; }
die() { printf 'install-targets: %s\n' "$*" >&2; exit 1; }

# apt-get update, at most once per call, and only when something is really needed.
updated=
update() {
    [ -z "$updated" ] || return 0
    [ "$(id -u)" = 0 ] || die "must run as root to install packages"
    say "updating the package lists"
    apt-get update -qq
    updated=1
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

# need PACKAGE...: install those that are missing. None of the packages named in this file has a service.
need() {
    missing=
    for package; do
        installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    update
    say "installing$missing"
    # shellcheck disable=SC2086  # a list of package names
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# unpack NAME PACKAGE...: the files of the packages below $prefix/NAME, nothing run, nothing registered. Whole or not at all.
unpack() {
    name=$1
    shift
    if [ -e "$prefix/$name/.packages" ] && [ "$(cat "$prefix/$name/.packages")" = "$*" ]; then
        return 0
    fi
    update
    work=$(mktemp -d)
    chmod 755 "$work"
    (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$@")
    mkdir -p "$prefix"
    rm -rf "${prefix:?}/$name.new"
    for deb in "$work"/*.deb; do
        dpkg-deb -x "$deb" "$prefix/$name.new"
    done
    rm -rf "$work" "${prefix:?}/$name"
    printf '%s\n' "$*" >"$prefix/$name.new/.packages"
    mv "$prefix/$name.new" "$prefix/$name"
}

install_vsftpd() {
    need libc6 libcap2 libpam0g libpam-modules libssl3 libwrap0 mount openssl util-linux
    unpack vsftpd vsftpd
}

install_proftpd() {
    need libacl1 libcap2 libcrypt1 libhiredis0.14 libidn2-0 libmemcached11 libmemcachedutil2 libncursesw6 libpam0g \
        libpcre2-8-0 libpcre2-posix3 libsodium23 libssl3 libtinfo6 mount openssl util-linux zlib1g
    unpack proftpd proftpd-core proftpd-mod-crypto
}

install_pure_ftpd() {
    need libcap2 libcrypt1 libpam0g libsodium23 libssl3 mount openssl perl-base util-linux
    unpack pure-ftpd pure-ftpd pure-ftpd-common
}

# python_server NAME: a virtual environment with what docker/NAME/requirements.txt names.
python_server() {
    need openssl python3 python3-venv
    wanted="$here/../docker/$1/requirements.txt"
    venv="$prefix/$1"
    if [ -e "$venv/.requirements" ] && cmp -s "$wanted" "$venv/.requirements"; then
        return 0
    fi
    say "making a virtual environment for $1"
    mkdir -p "$prefix"
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$venv/.requirements"
}

install_aioftp() {
    python_server aioftp
}

# Built by the Rust toolchain that is there; its own lock file pins every crate. An image build brings it along.
install_libunftp() {
    need openssl
    if [ -x "$here/ftpspec-libunftp" ]; then
        mkdir -p "$prefix/libunftp/bin"
        cp "$here/ftpspec-libunftp" "$prefix/libunftp/bin/"
        return 0
    fi
    source="$here/../docker/libunftp/server"
    sum=$(cat "$source/Cargo.toml" "$source/Cargo.lock" "$source/src/main.rs" | sha256sum)
    binary="$prefix/libunftp/bin/ftpspec-libunftp"
    if [ -x "$binary" ] && [ "$(cat "$prefix/libunftp/.source")" = "$sum" ]; then
        return 0
    fi
    command -v cargo >/dev/null || die "libunftp needs cargo (https://rustup.rs)"
    say "building the libunftp server"
    build=$(mktemp -d)
    cargo build --quiet --release --locked --manifest-path "$source/Cargo.toml" --target-dir "$build"
    mkdir -p "$prefix/libunftp/bin"
    mv "$build/release/ftpspec-libunftp" "$binary"
    printf '%s\n' "$sum" >"$prefix/libunftp/.source"
    rm -rf "$build"
}

# For the image docker/netem alone.
install_netem() {
    need iproute2
}

install_pyftpdlib() {
    python_server pyftpdlib
}

install_clients() {
    # chromium opens the HTML report of the tests; fonts-dejavu-core is what it writes with.
    # valgrind counts instructions (.ci/instructions.sh).
    need ca-certificates chromium curl fonts-dejavu-core lftp openssl python3 tshark valgrind
}

parts="aioftp libunftp proftpd pure-ftpd pyftpdlib vsftpd clients"
# shellcheck disable=SC2086  # a list of words
[ $# -gt 0 ] || set -- $parts
for part; do
    case $part in
        aioftp) install_aioftp ;;
        libunftp) install_libunftp ;;
        netem) install_netem ;;
        proftpd) install_proftpd ;;
        pure-ftpd) install_pure_ftpd ;;
        pyftpdlib) install_pyftpdlib ;;
        vsftpd) install_vsftpd ;;
        clients) install_clients ;;
        *) die "no such part: $part ($parts)" ;;
    esac
done
say "ready below $prefix: $*"
