#!/bin/sh
# publish.sh [--upload REPOSITORY] DIRECTORY: checks the distributions of the Python package in a
# directory, and writes their hashes into its SHA256SUMS. Only with --upload, it uploads them to a
# repository of twine, such as "testpypi" or "pypi".
#
# `make wheel sdist PROJECT_URL=https://…` builds them. twine takes the login from its variables or
# from ~/.pypirc. TWINE names the program.
set -eu
fail() { echo "publish.sh: $*" >&2; exit 1; }
repository=
if [ "${1:-}" = --upload ]; then
    repository=${2:?"--upload needs a repository"}
    shift 2
fi
cd "${1:?"the directory of the distributions is missing"}"
twine=${TWINE:-twine}
set -- *.whl *.tar.gz
for wanted in '*-none-manylinux_*_x86_64.whl' '*-none-manylinux_*_aarch64.whl' '*.tar.gz'; do
    # shellcheck disable=SC2086
    [ "$(ls $wanted 2>/dev/null | wc -l)" = 1 ] || fail "$PWD has not exactly one $wanted"
done
# thinkwire-VERSION-… and thinkwire-VERSION.tar.gz
versions=$(printf '%s\n' "$@" | sed 's/^thinkwire-\([0-9.]*[0-9]\).*/\1/' | sort -u)
[ "$(echo "$versions" | wc -l)" = 1 ] || fail "the versions differ:" $versions
"$twine" check --strict "$@"
sha256sum "$@" >SHA256SUMS
cat SHA256SUMS
[ -n "$repository" ] || { echo "publish.sh: version $versions is not uploaded"; exit 0; }
tar -xzOf "thinkwire-$versions.tar.gz" "thinkwire-$versions/PKG-INFO" | grep -q '^Project-URL: ' ||
    fail "the metadata has no address of the project: build with PROJECT_URL"
"$twine" upload --repository "$repository" --non-interactive "$@"
