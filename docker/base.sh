#!/bin/sh
# Makes the image debian:bookworm-slim out of the Debian archive, for machines that cannot pull it. As root.
#
# usage: docker/base.sh            nothing is done when docker has the image already
#
#   DOCKER_HOST          the daemon, as for docker itself
#   FTPSPEC_DEBIAN       the archive; default: what this machine's apt uses, else debootstrap's own
set -eu

image=debian:bookworm-slim
export LC_ALL=C

die() { printf 'base: %s\n' "$*" >&2; exit 1; }

command -v docker >/dev/null || die "there is no docker (Debian: apt-get install docker.io)"
docker version >/dev/null || die "docker does not answer; start its daemon or set DOCKER_HOST"
if docker image inspect "$image" >/dev/null 2>&1; then
    printf 'base: %s is there\n' "$image"
    exit 0
fi
command -v debootstrap >/dev/null || die "there is no debootstrap (Debian: apt-get install debootstrap)"
[ "$(id -u)" = 0 ] || die "debootstrap must run as root"

# The first archive that apt was told for this release; its signature is checked by debootstrap.
archive=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 2>/dev/null | sed -n 's/ bookworm$//p' | head -n 1)
mirror=${FTPSPEC_DEBIAN:-$archive}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT INT TERM
printf 'base: debootstrap bookworm\n'
debootstrap --variant=minbase bookworm "$root/bookworm" ${mirror:+"$mirror"} \
    >"$root/log" 2>&1 || { tail -n 20 "$root/log" >&2; die "debootstrap failed"; }
# What the slim image of Debian leaves out, too.
rm -rf "$root"/bookworm/usr/share/doc/* "$root"/bookworm/usr/share/man/* "$root"/bookworm/usr/share/locale/* \
    "$root"/bookworm/var/lib/apt/lists/* "$root"/bookworm/var/cache/apt/archives/*.deb
tar -C "$root/bookworm" -c . | docker import --message "debootstrap --variant=minbase bookworm" - "$image" >/dev/null
printf 'base: made %s\n' "$image"
