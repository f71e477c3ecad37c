#!/bin/sh
# Runs the tests and the example. Variables: THINKWIRE_LIBRARY, THINKWIRE_MOCK.
set -eu
cd "$(dirname "$0")"
out=$PWD/../../.build/bindings/node
mkdir -p "$out/node_modules"
ln -sfn "$PWD" "$out/node_modules/thinkwire"
: "${THINKWIRE_LIBRARY:=$PWD/../../.build/release/libthinkwire.so}"
THINKWIRE_ADDON=$out/thinkwire.node
CFLAGS="-O1 -Wall -Wextra -Werror"
export THINKWIRE_LIBRARY THINKWIRE_ADDON CFLAGS
./build.sh "$THINKWIRE_ADDON"
# Node and tsc resolve the package from the directory of a program.
cp test/test.mjs test/types.ts examples/conversation.mjs "$out"
! command -v tsc >/dev/null || (cd "$out" && tsc --noEmit --strict --target es2022 \
    --module commonjs --moduleResolution node --lib es2022,dom types.ts)
exec ../../Tests/bindings/run.sh "node --expose-gc $out/test.mjs" "node $out/conversation.mjs" js \
    "cd $out && node --input-type=module <"
