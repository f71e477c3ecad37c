#!/bin/sh
# run.sh [BUILD]: prints what the library costs, beside what else does the same in the same run. BUILD is where the library and
# thinkwire-mock are (.build/release). Nothing here is judged: what is slow on one machine is not on another.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "${1:-$root/.build/release}" && pwd)
work=$root/.build/bench
strict="-std=c99 -Wall -Wextra -Wpedantic -Werror -O2 -I$root/include"
mkdir -p "$work"

# simdjson is one of those compared, where it is or can be had.
if [ ! -e /usr/include/simdjson.h ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libsimdjson-dev; } \
        >"$work/install.log" 2>&1 || true
fi
simdjson= with=
if echo '#include <simdjson.h>' | c++ -std=c++17 -x c++ -E - >/dev/null 2>&1; then
    c++ -std=c++17 -Wall -Wextra -Werror -O2 -c "$here/by_simdjson.cpp" -o "$work/by_simdjson.o"
    simdjson="$work/by_simdjson.o -lsimdjson -lstdc++" with=-DWITH_SIMDJSON
else
    echo "without simdjson: libsimdjson-dev is not installed"
fi

# shellcheck disable=SC2086
cc $strict $with "$here"/bench.c "$here"/../support/process.c "$here"/by_*.c $simdjson -o "$work/bench" -L"$build" -lthinkwire -lcurl -lpthread \
    -Wl,-rpath,"$build"
# shellcheck disable=SC2086
cc $strict -Wno-pedantic "$here/load.c" -o "$work/load" -ldl
"$work/bench" "$build/thinkwire-mock" "$work/load" "$build/libthinkwire.so"

# The binding for Python beside openai-python, where that is or can be had.
venv=$root/.build/venv-bench
if ! { [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import openai' 2>/dev/null; }; then
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check openai; } >"$work/pip.log" 2>&1 || {
        echo "without Python: openai is not installed, see $work/pip.log"
        exit 0
    }
fi
rm -f "$work/url"
"$build/thinkwire-mock" --port 0 >"$work/url" &
mock=$!
trap 'kill $mock 2>/dev/null' EXIT
trap 'exit 1' INT TERM HUP
until [ -s "$work/url" ]; do sleep 0.05; done
THINKWIRE_LIBRARY="$build/libthinkwire.so" PYTHONPATH="$root/bindings/python" "$venv/bin/python" "$here/python.py" "$(cat "$work/url")"
