#!/bin/sh
# sysroot.sh ARCH DIRECTORY: unpacks the C library and headers of Debian 11 for x86_64 or aarch64.
#
# apt runs with sources and state of its own and verifies Debian's signatures; this system's
# sources do not change. The hashes in sources.txt pin the versions.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
arch=$1
target=$(realpath -m "$2")
case $arch in
x86_64) debian=amd64 ;;
aarch64) debian=arm64 ;;
*) echo "sysroot: unknown architecture $arch; use x86_64 or aarch64" >&2; exit 1 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"
: >"$work/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
    "http://deb.debian.org/debian bullseye main" >"$work/sources.list"
apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State="$work" -o Dir::State::status="$work/status" -o Dir::Cache="$work" \
        -o APT::Architecture="$debian" -o APT::Architectures::="$debian" \
        -o APT::Sandbox::User=root "$@"
}
apt update
cd "$work/root"
mkdir packages unpacked
cd packages
grep -v '^#' "$here/sources.txt" | while read -r package version architecture hash; do
    [ "$architecture" = "$debian" ] || continue
    apt download "$package=$version" || {
        echo "sysroot: $package $version is not available; update sources.txt" >&2
        exit 1
    }
    # shellcheck disable=SC2086
    file=$(ls ${package}_*.deb)
    echo "$hash  $file" | sha256sum --check --quiet
    dpkg-deb -x "$file" ../unpacked
done
cd ../unpacked
# The packages link to absolute paths, which would lead out of the directory.
find . -type l -lname '/*' | while read -r link; do
    ln -srf "$PWD$(readlink "$link")" "$link"
done
cd ..
mkdir -p "$(dirname "$target")"
rm -rf "$target"
mv unpacked "$target"
