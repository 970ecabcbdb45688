#!/bin/bash
# Installs Apptainer where the distribution has none. Does nothing when it is there. Needs root and Debian's apt.
#
# Only Debian sid packages Apptainer, built for a newer glibc than a stable release has. So the package is unpacked, not
# installed, and its two programs are pointed at a private copy of trixie's glibc; nothing of the system is replaced.
# Exit status 0: `apptainer` runs. 1: it could not be had, and stderr says why; tests that need it skip, naming it, and
# those on `siftool`-made images still run.
set -euo pipefail

glibc=/opt/apptainer-glibc

lost() {
    printf '\n*** Apptainer is NOT installed: %s\n*** Tests marked `apptainer` cannot run here; images made by siftool are still read.\n\n' "$1" >&2
    exit 1
}

works() { apptainer version >/dev/null 2>&1; }

usable() {
    ln -sf apptainer "$(dirname "$(command -v apptainer)")/singularity" # spython calls only this name
    # a plain user mounts images through FUSE; some machines keep the device for root
    if [ -e /dev/fuse ]; then chmod 666 /dev/fuse || true; fi
    apptainer version
    exit 0
}

if works; then
    if [ "$(id -u)" = 0 ] && ! command -v singularity >/dev/null; then usable; fi
    apptainer version
    exit 0
fi
[ "$(id -u)" = 0 ] || lost "it takes root to install"
[ "$(uname -m)" = x86_64 ] || lost "the recipe is for x86_64, this is $(uname -m)"
command -v apt-get >/dev/null || lost "no apt-get"

export DEBIAN_FRONTEND=noninteractive
need=()
for package in patchelf squashfs-tools squashfuse fuse3 uidmap ca-certificates; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || need+=("$package")
done
if [ ${#need[@]} -gt 0 ]; then
    apt-get -q install -y --no-install-recommends "${need[@]}" >/dev/null || {
        apt-get -q update >/dev/null && apt-get -q install -y --no-install-recommends "${need[@]}" >/dev/null
    } || lost "apt-get install ${need[*]} failed"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mirror=$(sed -n 's/^URIs: *\([^ ]*\/debian\)\/*$/\1/p; s/^deb .*\(https\?:\/\/[^ ]*\/debian\)\/* .*/\1/p' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null | head -1 || true)
mirror=${mirror:-http://deb.debian.org/debian}
key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
printf 'deb %s %s %s main\n' "$key" "$mirror" sid "$key" "$mirror" trixie >"$work/sources.list"
apt=(apt-get -q
    -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
cd "$work"
"${apt[@]}" update >log 2>&1 || lost "no package index of sid and trixie at $mirror: $(tail -1 log)"
"${apt[@]}" download apptainer/sid libc6/trixie >log 2>&1 || lost "sid has no apptainer any more: $(tail -1 log)"
dpkg -x apptainer_*.deb stage
dpkg -x libc6_*.deb libc

mkdir -p "$glibc"
cp -a libc/usr/lib/x86_64-linux-gnu/. "$glibc/"
for program in stage/usr/bin/apptainer stage/usr/lib/x86_64-linux-gnu/apptainer/bin/starter; do
    patchelf --set-interpreter "$glibc/ld-linux-x86-64.so.2" "$program"
    patchelf --force-rpath --set-rpath "$glibc" "$program" # for its libraries too, else two libm meet
done
cp -a stage/. / # the packaged prefix: the starter derives its paths from it
works || lost "the unpacked program does not start: $(apptainer version 2>&1 | tail -1)"
usable
