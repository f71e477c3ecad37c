#!/bin/sh
# install.sh PREFIX SOURCE: an installed library can be used through pkg-config and CMake. Compiles
# and runs every example, including those in the header and in the README files, against PREFIX.
set -eu
prefix=$1 source=$2
work=$(mktemp -d)
mock= slow_mock=
trap 'kill $mock $slow_mock 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "install.sh: $*" >&2; exit 1; }

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
unset THINKWIRE_API_KEY AIMLAPI_API_KEY OPENAI_API_KEY OPENAI_BASE_URL
unset THINKWIRE_MODEL THINKWIRE_DEBUG NO_COLOR
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY
mkfifo "$work/url"
"$prefix/bin/thinkwire-mock" --port 0 >"$work/url" &
mock=$!
read -r THINKWIRE_BASE_URL <"$work/url"
export THINKWIRE_BASE_URL THINKWIRE_API_KEY=key

# compile SOURCE NAME [PACKAGE]
compile() {
    # shellcheck disable=SC2046,SC2086
    cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$1" \
        $(pkg-config --cflags --libs thinkwire ${3:-}) -o "$work/$2"
}

# The recorded answer, which each example must print to standard output.
greeting='Hello! How can I assist you today?'
# run NAME
run() {
    "$work/$1" >"$work/$1.out" 2>"$work/$1.err" ||
        fail "$1 ended with status $?: $(cat "$work/$1.out" "$work/$1.err")"
    grep -q "^$greeting" "$work/$1.out" ||
        fail "$1 does not print \"$greeting\": $(cat "$work/$1.out")"
    echo "install: $1 prints the answer"
}

for name in send stream pull; do compile "$source/bindings/c/examples/$name.c" "$name"; done
run send
run stream
run pull
grep -q '^Okay' "$work/stream.err" || fail "stream does not print the reasoning"
grep -q '^Okay' "$work/pull.err" || fail "pull does not print the reasoning"
PATH="$prefix/bin:$PATH" "$source/Tests/check/chat.sh" thinkwire-chat
for file in man/man1/thinkwire-chat.1 man/man1/thinkwire-mock.1 man/man3/tw_chat_open.3 \
    bash-completion/completions/thinkwire-chat zsh/site-functions/_thinkwire-chat \
    fish/vendor_completions.d/thinkwire-chat.fish; do
    [ -s "$prefix/share/$file" ] || fail "share/$file is not installed"
done

# Other languages read the installed declarations.
luajit "$source/Tests/ffi/chat.lua" "$prefix/include" "$prefix/lib/libthinkwire.so" \
    >"$work/lua.out" 2>"$work/lua.err" || fail "LuaJIT: $(cat "$work/lua.out" "$work/lua.err")"
php -d ffi.enable=1 "$source/Tests/ffi/chat.php" "$prefix/include" "$prefix/lib/libthinkwire.so" \
    >"$work/php.out" 2>"$work/php.err" || fail "PHP: $(cat "$work/php.out" "$work/php.err")"
python3 "$source/Tests/ffi/chat.py" "$prefix/include" "$prefix/lib/libthinkwire.so" \
    >"$work/cffi.out" 2>"$work/cffi.err" || fail "cffi: $(cat "$work/cffi.out" "$work/cffi.err")"
for language in lua php cffi; do
    grep -q "^$greeting" "$work/$language.out" && grep -q '^[0-9]* tokens$' "$work/$language.out" &&
        grep -q '^Okay' "$work/$language.err" ||
        fail "$language prints: $(cat "$work/$language.out" "$work/$language.err")"
    echo "install: the declarations for other languages work in $language"
done

# shellcheck disable=SC2046
c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror "$source/Tests/ffi/exceptions.cpp" \
    $(pkg-config --cflags --libs thinkwire) -o "$work/exceptions"
"$work/exceptions" >"$work/exceptions.out" 2>"$work/exceptions.err" ||
    fail "exceptions: $(cat "$work/exceptions.out" "$work/exceptions.err")"
echo "install: an exception in a callback can be caught there, and otherwise ends the process"

# run_loop NAME [PACKAGE]: the example for an event loop prints the answers of all models, and its
# timer expires meanwhile. The pieces of the answers arrive with pauses; Valgrind reports what the
# program does not free.
run_loop() {
    compile "$source/bindings/c/examples/$1.c" "$1" "${2:-}"
    THINKWIRE_BASE_URL=$slow_url valgrind --quiet --error-exitcode=1 --leak-check=full \
        --errors-for-leak-kinds=definite,indirect "$work/$1" >"$work/$1.out" 2>"$work/$1.err" ||
        fail "$1 ended with status $?: $(cat "$work/$1.out" "$work/$1.err")"
    [ "$(grep -c '^alibaba/' "$work/$1.out")" = 4 ] &&
        grep -q "^alibaba/qwen3-32b: $greeting" "$work/$1.out" ||
        fail "$1 does not print four answers: $(cat "$work/$1.out")"
    grep -q '^waiting for [1-4] answers$' "$work/$1.err" || fail "the timer of $1 does not expire"
    echo "install: $1 prints four answers"
}
mkfifo "$work/slow-url"
"$prefix/bin/thinkwire-mock" --port 0 --pace 30 >"$work/slow-url" &
slow_mock=$!
read -r slow_url <"$work/slow-url"
run_loop loop_epoll
run_loop loop_libuv libuv
run_loop loop_glib glib-2.0
run_loop loop_libevent libevent

# write_program FILE: writes standard input to the file, as the body of main unless it contains one.
write_program() {
    cat >"$work/body"
    [ -s "$work/body" ] || fail "no example was found for $1"
    if grep -q 'int main' "$work/body"; then
        cp "$work/body" "$1"
        return
    fi
    {
        printf '#include <stdio.h>\n#include <thinkwire.h>\nint main(void)\n{\n'
        cat "$work/body"
        printf 'return 0;\n}\n'
    } >"$1"
}

# The header's example is the first indented block of its first comment: " *     code".
awk '/^ \*     / { sub(/^ \*     /, ""); print; seen = 1; next } seen { exit }' \
    "$prefix/include/thinkwire.h" | write_program "$work/header.c"
compile "$work/header.c" header
run header

# run_blocks FILE NAME: runs every block of C in a Markdown file; each is a program of its own.
run_blocks() {
    blocks=$(grep -c '^```c$' "$1" || true)
    block=0
    while [ "$block" -lt "$blocks" ]; do
        block=$((block + 1))
        awk -v wanted="$block" '
            /^```c$/ { n++; inside = n == wanted; next }
            /^```/ { inside = 0 }
            inside' "$1" | write_program "$work/$2$block.c"
        compile "$work/$2$block.c" "$2$block"
        run "$2$block"
    done
}
run_blocks "$source/README.md" readme
run_blocks "$source/bindings/c/README.md" bindings
[ "$block" -ge 1 ] || fail "bindings/c/README.md contains no block of C"

# The CMake project of bindings/c/README.md, with one of the examples as its program.
command -v cmake >/dev/null || fail "cmake is required to test the CMake package"
mkdir "$work/cmake"
cp "$source/bindings/c/examples/send.c" "$work/cmake/program.c"
sed -n '/^```cmake$/,/^```$/{ /^```/!p; }' "$source/bindings/c/README.md" \
    >"$work/cmake/CMakeLists.txt"
{
    cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$prefix" &&
        cmake --build "$work/cmake/build"
} >"$work/cmake.log" 2>&1 || fail "$(cat "$work/cmake.log")"
cp "$work/cmake/build/program" "$work/program"
run program
# The name of the package may be written in lower case.
sed 's/find_package(Thinkwire/find_package(thinkwire/' "$work/cmake/CMakeLists.txt" >"$work/lower"
! cmp -s "$work/lower" "$work/cmake/CMakeLists.txt" || fail "the example has no find_package"
mv "$work/lower" "$work/cmake/CMakeLists.txt"
cmake -S "$work/cmake" -B "$work/cmake/lower" -DCMAKE_PREFIX_PATH="$prefix" \
    >"$work/cmake.log" 2>&1 || fail "$(cat "$work/cmake.log")"

# The module map is found and names the library to link with, for Swift and for clang.
printf 'import CThinkwire\nprint(String(cString: tw_version()))\n' >"$work/version.swift"
swiftc -I "$prefix/include/thinkwire" -L "$prefix/lib" "$work/version.swift" -o "$work/version" ||
    fail "a Swift program cannot import CThinkwire"
"$work/version" >"$work/version.out" || fail "the Swift program ended with status $?"

installed=$("$prefix/bin/thinkwire-chat" --version | sed 's/.* //')
[ "$(pkg-config --modversion thinkwire)" = "$installed" ] ||
    fail "pkg-config and the library report different versions"
[ "$(readlink "$prefix/lib/libthinkwire.so")" = libthinkwire.so.0 ] ||
    fail "libthinkwire.so is not a link to libthinkwire.so.0"
env -u LD_LIBRARY_PATH "$prefix/bin/thinkwire-chat" --version >/dev/null ||
    fail "the installed program does not find its library"
echo "install: pkg-config, CMake and the programs work from $prefix"
