#!/bin/sh
# deb.sh DIRECTORY VERSION: builds the Debian packages in DIRECTORY, from a copy of the sources with
# the directory debian at its top. What the last call has built is reused.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
directory=$1 version=$2
tree=$directory/thinkwire-$version
mkdir -p "$tree"
find "$tree" -mindepth 1 -maxdepth 1 ! -name .build -exec rm -rf {} +
rm -f "$directory"/*.deb "$directory"/*.changes "$directory"/*.buildinfo
for tool in dpkg-buildpackage:dpkg-dev dh:debhelper lintian:lintian; do
    command -v "${tool%:*}" >/dev/null || {
        echo "deb.sh: ${tool%:*} is missing: apt-get install ${tool#*:}" >&2
        exit 1
    }
done
# Sources that are not committed belong to a build, too. tar keeps the times that Swift compares.
git ls-files -z --cached --others --exclude-standard | tar -cf - --null -T - | tar -xf - -C "$tree"
cp -R "$here/debian" "$tree"
date=$(date -u -R -d "@$SOURCE_DATE_EPOCH")
maintainer=$(sed -n 's/^Maintainer: //p' "$here/debian/control")
cat >"$tree/debian/changelog" <<END
thinkwire ($version) unstable; urgency=medium

  * Version $version: .github/CHANGELOG.md lists what has changed.

 -- $maintainer  $date
END
cd "$tree"
dpkg-buildpackage --build=binary --no-sign --no-pre-clean
