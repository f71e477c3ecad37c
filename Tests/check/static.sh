#!/bin/sh
# static.sh ARCHIVE HEADER: the static library exposes the functions of the header and nothing else,
# and links into programs in C, with other copies of Swift code, and with the Swift runtime. The C
# tests run with it in another step.
set -eu
archive=$1 header=$2
source=$(cd "$(dirname "$0")" && pwd)/static/embedded.swift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "static.sh: $*" >&2; exit 1; }

# exposes ARCHIVE: prints how its global symbols differ from the functions of the header.
sed -n '/^TW_API /{ s/(.*//; s/.*[ *]//; p; }' "$header" | sort >"$work/declared"
exposes() {
    nm -g --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort >"$work/global"
    comm -3 --output-delimiter=+ "$work/declared" "$work/global"
}
[ "$(wc -l <"$work/declared")" -ge 50 ] || fail "$header declares too few functions"
different=$(exposes "$archive")
[ -z "$different" ] || fail "global symbols are missing, or (+) not declared: $different"

# The comparison detects another symbol.
cp "$archive" "$work/more.a"
echo 'int other_symbol;' | cc -x c -c - -o "$work/other.o"
ar rcs "$work/more.a" "$work/other.o"
[ "$(exposes "$work/more.a")" = +other_symbol ] || fail "a global symbol is not detected"

# Nothing of the Swift runtime and of the C++ library is needed.
needed=$(nm -u "$archive" | awk '/ U / { print $2 }' | grep -E '^(swift_|\$s|_Z|__cxa)' || true)
[ -z "$needed" ] || fail "needs $needed"
readelf -SW "$archive" | grep -q '\.note\.GNU-stack' || fail "programs get an executable stack"

mkdir "$work/module"
cp "$header" "$(dirname "$header")/module.modulemap" "$work/module"
# swift NAME FLAG…: the Swift program links, and runs.
swift() {
    name=$1
    shift
    swiftc -O -wmo -I "$work/module" "$@" "$source" "$archive" -lcurl -o "$work/$name" \
        >"$work/log" 2>&1 || fail "$name: $(cat "$work/log")"
    [ "$("$work/$name")" = linked ] || fail "$name does not run"
}
swift embedded -enable-experimental-feature Embedded
swift regular

echo "static: $(wc -l <"$work/declared") functions, and no other global symbol;" \
    "$(wc -c <"$archive") bytes; links with C and Swift programs"
