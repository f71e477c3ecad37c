#!/bin/sh
# sysroot.sh ARCH DIRECTORY: unpacks the C library and headers of Debian 11 for x86_64 or aarch64.
# The hashes in sources.txt pin the versions.
set -eu
packaging=$(cd "$(dirname "$0")" && pwd)
. "$packaging/apt.sh"
arch=$1
target=$(realpath -m "$2")
case $arch in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) echo "sysroot.sh: unknown architecture $arch; use x86_64 or aarch64" >&2; exit 1 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
start_apt "$architecture" "deb bullseye"
mkdir -p "$work/root/packages" "$work/root/unpacked"
cd "$work/root/packages"
pinned "$architecture" | while read -r package version _ hash; do
    apt download "$package=$version" || unavailable "$package" "$version"
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
