#!/bin/sh
# run.sh ARCHIVE EXAMPLES: an unpacked archive can be used wherever it is: with pkg-config and
# CMake, dynamically and statically, without variables for the loader.
#
# Without these variables, the archive is for this machine. CC: the compiler. EMULATOR: the command
# that runs a program. MOCK: the thinkwire-mock to use in place of the archive's.
set -eu
export CC="${CC:-cc}"
EMULATOR=${EMULATOR:-}
readme=$(realpath "$(dirname "$0")/../../README.md")
archive=$(realpath "$1") examples=$(realpath "$2")
work=$(mktemp -d)
mock=
trap 'kill $mock 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "dist: $*" >&2; exit 1; }
(cd "$(dirname "$archive")" && sha256sum --check --quiet "$(basename "$archive").sha256")
# With a space in its path, and moved after it was unpacked.
mkdir "$work/first" "$work/a place"
tar -xf "$archive" -C "$work/first"
mv "$work/first/"* "$work/a place/thinkwire"
prefix="$work/a place/thinkwire"
(cd "$prefix" && sha256sum --check --quiet SHA256SUMS)
for file in bin/thinkwire-chat include/thinkwire.h lib/libthinkwire.a lib/libthinkwire.so.0 \
    sbom.spdx.json share/licenses/thinkwire/LICENSE share/man/man1/thinkwire-mock.1 \
    share/man/man3/tw_chat_open.3 SHA256SUMS; do
    [ -s "$prefix/$file" ] || fail "$file is missing"
done

unset AIMLAPI_API_KEY OPENAI_API_KEY OPENAI_BASE_URL LD_LIBRARY_PATH
mkfifo "$work/url"
# shellcheck disable=SC2086
$EMULATOR "$prefix/bin/thinkwire-mock" --version | grep -q '^thinkwire-mock [0-9]' ||
    fail "thinkwire-mock does not print its version"
"${MOCK:-$prefix/bin/thinkwire-mock}" --port 0 >"$work/url" &
mock=$!
read -r THINKWIRE_BASE_URL <"$work/url"
export THINKWIRE_BASE_URL THINKWIRE_API_KEY=key
greeting='Hello! How can I assist you today?'
# answers NAME COMMAND…: the command prints the recorded answer.
answers() {
    name=$1
    shift
    # shellcheck disable=SC2086
    $EMULATOR "$@" 2>"$work/err" | grep -q "^$greeting" || fail "$name: $(cat "$work/err")"
    echo "dist: $name prints the answer"
}
answers thinkwire-chat "$prefix/bin/thinkwire-chat" -m alibaba/qwen3-32b Hello

# The program of README.md. pkg-config escapes the space for a shell.
sed -n '/^```c$/,/^```$/{//!p}' "$readme" >"$work/readme.c"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
for source in "$examples/send.c" "$work/readme.c"; do
    eval "$CC -Wall -Werror '$source' $(pkg-config --cflags --libs thinkwire) \
        '-Wl,-rpath,$prefix/lib' -o '$work/dynamic'"
    answers "$(basename "$source") by pkg-config" "$work/dynamic"
done
eval "$CC -Wall -Werror '$examples/send.c' -Wl,-Bstatic $(pkg-config --cflags --libs thinkwire) \
    -Wl,-Bdynamic $(pkg-config --static --libs-only-l thinkwire | sed 's/-lthinkwire//') \
    -o '$work/static'"
needs_library() { readelf -dW "$1" | grep 'NEEDED.*thinkwire'; }
needs_library "$work/static" && fail "the static program needs libthinkwire.so"
answers "a static program by pkg-config" "$work/static"

mkdir "$work/cmake"
cp "$examples/send.c" "$work/cmake/send.c"
cat >"$work/cmake/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.16)
project(send C)
find_package(Thinkwire REQUIRED)
add_executable(dynamic send.c)
target_link_libraries(dynamic Thinkwire::thinkwire)
add_executable(static send.c)
target_link_libraries(static Thinkwire::static)
END
{
    cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$prefix" &&
        cmake --build "$work/cmake/build"
} >"$work/cmake.log" 2>&1 || fail "$(cat "$work/cmake.log")"
needs_library "$work/cmake/build/static" && fail "CMake links the shared library"
for name in dynamic static; do answers "a $name program by CMake" "$work/cmake/build/$name"; done
