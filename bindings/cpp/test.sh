#!/bin/sh
# Runs the tests and the example. Variables: CXX, THINKWIRE_LIBRARY, THINKWIRE_MOCK.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
out=$root/.build/bindings/cpp
: "${THINKWIRE_LIBRARY:=$root/.build/release/libthinkwire.so}"
export THINKWIRE_LIBRARY
library=$(cd "$(dirname "$THINKWIRE_LIBRARY")" && pwd)
mkdir -p "$out"
../../Tests/bindings/declared.py omitted.txt thinkwire.hpp

# compile SOURCE PROGRAM FLAG…
compile() {
    source=$1 program=$2
    shift 2
    ${CXX:-c++} -std=c++17 -O0 -Wall -Wextra -Wpedantic -Wshadow -Werror -I. -I"$root/include" \
        "$@" "$source" -o "$out/$program" -L"$library" -lthinkwire -Wl,-rpath,"$library" -lpthread
}
# Leaks and undefined behaviour end the test with a failure.
compile test/test.cpp test -g -fsanitize=address,undefined -fno-sanitize-recover=undefined &
test=$!
compile test/without_exceptions.cpp without -fno-exceptions -fno-rtti
sed -n '/^```cpp$/,/^```$/{/^```/!p;}' README.md >"$out/readme.cpp"
compile "$out/readme.cpp" readme
compile examples/conversation.cpp conversation
wait $test
export ASAN_OPTIONS=detect_leaks=1
exec ../../Tests/bindings/run.sh "$out/test && $out/without && $out/readme >/dev/null 2>&1" \
    "$out/conversation"
