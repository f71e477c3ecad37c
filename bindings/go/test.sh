#!/bin/sh
# Runs the tests and the example. Variables: GO, THINKWIRE_LIBRARY, THINKWIRE_MOCK.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
out=$root/.build/bindings/go
go=${GO:-go}
: "${THINKWIRE_LIBRARY:=$root/.build/release/libthinkwire.so}"
library=$(cd "$(dirname "$THINKWIRE_LIBRARY")" && pwd)
LD_LIBRARY_PATH=$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
PKG_CONFIG_PATH=$out
GOCACHE=$out/cache
GOFLAGS=-mod=mod
export THINKWIRE_LIBRARY LD_LIBRARY_PATH PKG_CONFIG_PATH GOCACHE GOFLAGS
mkdir -p "$out/readme"
../c/configure.sh ../c/thinkwire.pc.in "$out/thinkwire.pc" 0 / "$library" "$root/include"
# shellcheck disable=SC2046 # No name contains a space.
../../Tests/bindings/declared.py omitted.txt $(ls ./*.go | grep -v _test)

sed -n '/^```go$/,/^```$/{/^```/!p;}' README.md >"$out/readme/main.go"
printf 'module readme\n\nrequire thinkwire v0.0.0\n\nreplace thinkwire => %s\n' "$PWD" \
    >"$out/readme/go.mod"
"$go" build -o "$out/conversation" ./examples/conversation
(cd "$out/readme" && "$go" build -o ../program .)
exec ../../Tests/bindings/run.sh "$go test -count=1 . && $out/program >/dev/null 2>&1" \
    "$out/conversation"
