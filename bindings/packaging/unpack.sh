#!/bin/sh
# unpack.sh DIRECTORY: unpacks the source packages in sources.txt, with Debian's patches and
# PACKAGE.patch, each into a directory with the name of the package.
set -eu
packaging=$(cd "$(dirname "$0")" && pwd)
. "$packaging/apt.sh"
target=$(realpath -m "$1")
command -v dpkg-source >/dev/null || {
    echo "unpack.sh: needs dpkg-source; apt-get install dpkg-dev" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
start_apt amd64 "deb-src trixie" "deb-src trixie-updates" "deb-src trixie-security"
mkdir -p "$work/packages" "$work/unpacked"
cd "$work/packages"
pinned source | while read -r package version _ hash; do
    apt source --download-only --only-source "$package=$version" ||
        unavailable "$package" "$version"
    # shellcheck disable=SC2086
    file=$(ls ${package}_*.dsc)
    echo "$hash  $file" | sha256sum --check --quiet
    # dpkg-source verifies the other files. The hash makes the signature unnecessary.
    dpkg-source --no-check --extract "$file" "../unpacked/$package" >/dev/null
    patch=$packaging/$package.patch
    [ ! -e "$patch" ] || patch --quiet --fuzz=0 -p1 -d "../unpacked/$package" <"$patch"
done
mkdir -p "$(dirname "$target")"
rm -rf "$target"
mv "$work/unpacked" "$target"
