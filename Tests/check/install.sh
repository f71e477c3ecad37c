#!/bin/sh
# install.sh PREFIX SOURCE: what was installed there can be used from there, and only from there: every example, the header's own,
# and a CMake project are built against it and run.
set -eu
prefix=$1 source=$2
work=$(mktemp -d)
mock=
trap 'test -z "$mock" || kill "$mock" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "install.sh: $*" >&2; exit 1; }

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
unset THINKWIRE_API_KEY AIMLAPI_API_KEY OPENAI_API_KEY OPENAI_BASE_URL THINKWIRE_MODEL THINKWIRE_DEBUG NO_COLOR
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY
mkfifo "$work/url"
"$prefix/bin/thinkwire-mock" --port 0 >"$work/url" &
mock=$!
read -r THINKWIRE_BASE_URL <"$work/url"
export THINKWIRE_BASE_URL THINKWIRE_API_KEY=key

strict='-std=c99 -Wall -Wextra -Wpedantic -Werror'
# What the recording answers; each example must print it.
greeting='Hello! How can I assist you today?'

# run NAME: the program answers, and the answer is on standard output.
run() {
    "$work/$1" >"$work/$1.out" 2>"$work/$1.err" || fail "$1 ended with $?: $(cat "$work/$1.out" "$work/$1.err")"
    grep -q "^$greeting" "$work/$1.out" || fail "$1 does not say \"$greeting\": $(cat "$work/$1.out")"
    echo "install: $1 answers"
}

for name in send stream pull chat; do
    # shellcheck disable=SC2046,SC2086
    cc $strict "$source/bindings/c/examples/$name.c" $(pkg-config --cflags --libs thinkwire) -o "$work/$name"
done
run send
run stream
run pull
grep -q '^Okay' "$work/stream.err" || fail "stream shows no thinking"
grep -q '^Okay' "$work/pull.err" || fail "pull shows no thinking"
PATH="$prefix/bin:$PATH" "$source/Tests/check/chat.sh" thinkwire-chat

# program FILE: what it reads becomes the body of main, unless it has one.
program() {
    cat >"$work/body"
    [ -s "$work/body" ] || fail "no example was found for $1"
    if grep -q 'int main' "$work/body"; then cp "$work/body" "$1"; return; fi
    { printf '#include <stdio.h>\n#include <thinkwire.h>\nint main(void)\n{\n'; cat "$work/body"; printf 'return 0;\n}\n'; } >"$1"
}
# The header's example is the first block of its comment that is indented: " *     code".
awk '/^ \*     / { sub(/^ \*     /, ""); print; seen = 1; next } seen { exit }' "$prefix/include/thinkwire.h" |
    program "$work/header.c"
# shellcheck disable=SC2046,SC2086
cc $strict "$work/header.c" $(pkg-config --cflags --libs thinkwire) -o "$work/header"
run header

# Every block of C in the README, on its own.
count=0
if [ -e "$source/README.md" ]; then
    blocks=$(grep -c '^```c$' "$source/README.md" || true)
    while [ "$count" -lt "$blocks" ]; do
        count=$((count + 1))
        awk -v wanted="$count" '/^```c$/ { n++; on = n == wanted; next } /^```/ { on = 0 } on' "$source/README.md" |
            program "$work/readme$count.c"
        # shellcheck disable=SC2046,SC2086
        cc $strict "$work/readme$count.c" $(pkg-config --cflags --libs thinkwire) -o "$work/readme$count"
        run "readme$count"
    done
fi

command -v cmake >/dev/null || fail "cmake is not here to try the CMake package with"
mkdir "$work/cmake"
cp "$source/bindings/c/examples/send.c" "$work/cmake/"
cat >"$work/cmake/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(consumer C)
find_package(Thinkwire 0.1 REQUIRED)
add_executable(consumer send.c)
target_link_libraries(consumer PRIVATE Thinkwire::thinkwire)
END
{ cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$work/cmake/build"; } \
    >"$work/cmake.log" 2>&1 || fail "$(cat "$work/cmake.log")"
cp "$work/cmake/build/consumer" "$work/consumer"
run consumer

[ "$(pkg-config --modversion thinkwire)" = "$("$prefix/bin/thinkwire-chat" --version | sed 's/.* //')" ] ||
    fail "pkg-config and the library differ about the version"
[ "$(readlink "$prefix/lib/libthinkwire.so")" = libthinkwire.so.0 ] || fail "libthinkwire.so does not lead to libthinkwire.so.0"
env -u LD_LIBRARY_PATH "$prefix/bin/thinkwire-chat" --version >/dev/null || fail "the installed program does not find its library"
echo "install: pkg-config, CMake and the programs work from $prefix"
