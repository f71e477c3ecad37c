#!/bin/sh
# Runs the tests and the example. Variables: CARGO, THINKWIRE_LIBRARY, THINKWIRE_MOCK.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
: "${THINKWIRE_LIBRARY:=$root/.build/release/libthinkwire.so}"
THINKWIRE_LIB_DIR=$(cd "$(dirname "$THINKWIRE_LIBRARY")" && pwd)
CARGO_TARGET_DIR=$root/.build/bindings/rust
THINKWIRE_LAYOUT=$CARGO_TARGET_DIR/layout
LD_LIBRARY_PATH=$THINKWIRE_LIB_DIR${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
RUSTFLAGS="-D warnings -C debuginfo=0"
export THINKWIRE_LIBRARY THINKWIRE_LIB_DIR THINKWIRE_LAYOUT
export CARGO_TARGET_DIR LD_LIBRARY_PATH RUSTFLAGS
mkdir -p "$CARGO_TARGET_DIR"
../../Tests/bindings/layout.py >"$THINKWIRE_LAYOUT"
# shellcheck disable=SC2046 # No name contains a space.
../../Tests/bindings/declared.py omitted.txt $(ls src/*.rs | grep -v ffi.rs)
# The tests include the program in README.md, as a documentation test.
exec ../../Tests/bindings/run.sh "${CARGO:-cargo} test --offline --quiet -- --test-threads 4" \
    "$CARGO_TARGET_DIR/debug/examples/conversation"
