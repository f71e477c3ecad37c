#!/bin/sh
# run.sh [BUILD]: measures what the library costs, and compares it with alternatives.
# BUILD is the directory of the library and thinkwire-mock (.build/release). The numbers depend on
# the machine, so the script does not judge them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "${1:-$root/.build/release}" && pwd)
work=$root/.build/bench
strict="-std=c99 -Wall -Wextra -Wpedantic -Werror -O2 -I$root/include"
mkdir -p "$work"

# One alternative is simdjson, if it is installed or can be installed.
if [ ! -e /usr/include/simdjson.h ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    {
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -qq --no-install-recommends libsimdjson-dev
    } >"$work/install.log" 2>&1 || true
fi
simdjson= with=
if echo '#include <simdjson.h>' | c++ -std=c++17 -x c++ -E - >/dev/null 2>&1; then
    c++ -std=c++17 -Wall -Wextra -Werror -O2 -c "$here/by_simdjson.cpp" -o "$work/by_simdjson.o"
    simdjson="$work/by_simdjson.o -lsimdjson -lstdc++" with=-DWITH_SIMDJSON
else
    echo "without simdjson: install libsimdjson-dev to include it"
fi

# shellcheck disable=SC2086
cc $strict $with "$here"/bench.c "$here"/../support/process.c "$here"/clock.c \
    "$here"/by_libcurl.c "$here"/by_hand.c "$here"/by_thinkwire.c $simdjson \
    -o "$work/bench" -L"$build" -lthinkwire -lcurl -lpthread -Wl,-rpath,"$build"
cc $strict "$here"/streams.c "$here"/../support/process.c "$here"/clock.c \
    "$here"/by_libcurl.c "$here"/by_*_loop.c \
    -o "$work/streams" -L"$build" -lthinkwire -lcurl -Wl,-rpath,"$build"
# shellcheck disable=SC2086
cc $strict -Wno-pedantic "$here/load.c" -o "$work/load" -ldl
"$work/bench" "$build/thinkwire-mock" "$work/load" "$build/libthinkwire.so"
"$work/streams" "$build/thinkwire-mock"

# The Python binding is compared with openai-python and aiohttp, if they are installed or can be
# installed.
venv=$root/.build/venv-bench
if ! "$venv/bin/python" -c 'import aiohttp, openai' 2>/dev/null; then
    {
        python3 -m venv "$venv" &&
            "$venv/bin/pip" install --quiet --disable-pip-version-check aiohttp openai
    } >"$work/pip.log" 2>&1 || {
        echo "without Python: aiohttp and openai cannot be installed, see $work/pip.log"
        exit 0
    }
fi
rm -f "$work/url"
"$build/thinkwire-mock" --port 0 >"$work/url" &
mock=$!
trap 'kill $mock 2>/dev/null' EXIT
trap 'exit 1' INT TERM HUP
until [ -s "$work/url" ]; do sleep 0.05; done
for program in python.py python_async.py; do
    THINKWIRE_LIBRARY="$build/libthinkwire.so" PYTHONPATH="$root/bindings/python" \
        "$venv/bin/python" "$here/$program" "$(cat "$work/url")"
done
