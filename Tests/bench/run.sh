#!/bin/sh
# run.sh [BUILD]: measures what the library costs, and compares it with alternatives.
# BUILD is the directory of the library and thinkwire-mock (.build/release). The output is Markdown.
# All clients receive the same text, whose checksums are compared. The numbers depend on the
# machine, so the script does not judge them. It takes less than five minutes on a quiet machine.
set -eu
started=$(date +%s)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "${1:-$root/.build/release}" && pwd)
work=$root/.build/bench
strict="-std=c99 -Wall -Wextra -Wpedantic -Werror -O2 -I$root/include"
# The best that simdjson can do on this machine.
fast="-std=c++17 -Wall -Wextra -Werror -O3 -march=native"
mkdir -p "$work"

# One alternative is simdjson, if it is installed or can be installed.
if [ ! -e /usr/include/simdjson.h ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    {
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -qq --no-install-recommends libsimdjson-dev
    } >"$work/install.log" 2>&1 || true
fi
simdjson= with= ctypes=
if echo '#include <simdjson.h>' | c++ -std=c++17 -x c++ -E - >/dev/null 2>&1; then
    ctypes=$work/by_ctypes.so
    # shellcheck disable=SC2086
    {
        c++ $fast -c "$here/by_simdjson.cpp" -o "$work/by_simdjson.o"
        c++ $fast -shared -fPIC "$here/by_ctypes.cpp" -o "$ctypes" -lsimdjson -lcurl
    }
    simdjson="$work/by_simdjson.o -lsimdjson -lstdc++" with=-DWITH_SIMDJSON
else
    echo "without simdjson: install libsimdjson-dev to include it"
fi

# shellcheck disable=SC2086
cc $strict $with "$here"/bench.c "$here"/../support/process.c "$here"/common.c \
    "$here"/comparison.c "$here"/exchanges.c "$here"/paces.c "$here"/report.c \
    "$here"/by_libcurl.c "$here"/by_hand.c "$here"/by_thinkwire.c $simdjson \
    -o "$work/bench" -L"$build" -lthinkwire -lcurl -lpthread -Wl,-rpath,"$build"
# shellcheck disable=SC2086
cc $strict "$here"/streams.c "$here"/../support/process.c "$here"/common.c \
    "$here"/report.c "$here"/by_libcurl.c "$here"/by_*_loop.c \
    -o "$work/streams" -L"$build" -lthinkwire -lcurl -Wl,-rpath,"$build"
# shellcheck disable=SC2086
cc $strict "$here"/load.c "$here"/../support/process.c "$here"/common.c -o "$work/load" -ldl

rm -f "$work/url" "$work/tls"
mocks=
trap 'kill $mocks 2>/dev/null' EXIT
trap 'exit 1' INT TERM HUP
"$build/thinkwire-mock" --port 0 --tls >"$work/tls" &
mocks="$mocks $!"
"$build/thinkwire-mock" --port 0 >"$work/url" &
mocks="$mocks $!"
until [ "$(wc -l <"$work/tls")" = 2 ] && [ -s "$work/url" ]; do
    # shellcheck disable=SC2086
    kill -0 $mocks
    sleep 0.05
done

"$work/bench" "$build/thinkwire-mock" "$work/load" "$build/libthinkwire.so" \
    "$(sed -n 1p "$work/tls")" "$(sed -n 2p "$work/tls")"
"$work/streams" "$build/thinkwire-mock"

# The Python package is compared with others, if they are installed or can be installed.
venv=$root/.build/venv-bench
if ! "$venv/bin/python" -c 'import aiohttp, liter_llm, openai, orjson' 2>/dev/null; then
    {
        python3 -m venv "$venv" &&
            "$venv/bin/pip" install --quiet --disable-pip-version-check \
                aiohttp liter-llm openai orjson
    } >"$work/pip.log" 2>&1 || {
        echo "without Python: the other packages cannot be installed, see $work/pip.log"
        exit 0
    }
fi
url=$(cat "$work/url")
export THINKWIRE_LIBRARY="$build/libthinkwire.so"
PYTHONPATH="$root/bindings/python" "$venv/bin/python" "$here/python.py" "$url" $ctypes
PYTHONPATH="$root/bindings/python" "$venv/bin/python" "$here/python_async.py" "$url"
"$venv/bin/python" "$here/python_start.py" "$url" "$root/bindings/python"
printf '\nMeasured in %s s.\n' $(($(date +%s) - started))
