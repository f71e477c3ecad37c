#!/bin/sh
# inside.sh WHEEL: tests a wheel in a system that has neither libcurl nor a compiler (run.py).
# TESTS: arguments for pytest in place of the Python package's tests.
set -eu
wheel=$1
cd /root/thinkwire
. /etc/os-release
echo "wheel: $PRETTY_NAME, $(uname -m), $(python3 --version)"
for name in cc gcc clang curl; do
    ! command -v "$name" >/dev/null || { echo "wheel: this system has $name" >&2; exit 1; }
done
found=$(find / -xdev -path /root -prune -o -name 'libcurl*' -print)
[ -z "$found" ] || { echo "wheel: this system has $found" >&2; exit 1; }

# From `pip install` to the first token of the program in README.md.
python3 -m venv /root/venv
Tests/wheel/first_token.py "$wheel" /root/venv /root/mock/thinkwire-mock

# The tests import the installed package.
find='import os, thinkwire; print(os.path.dirname(thinkwire.__file__))'
package=$(cd / && /root/venv/bin/python -c "$find")
rm -rf bindings/python/thinkwire
ln -s "$package" bindings/python/thinkwire
/root/venv/bin/python -m thinkwire --base-url http://127.0.0.1:9 | head -n 4
export THINKWIRE_LIBRARY="$package/libthinkwire.so.0" THINKWIRE_MOCK=/root/mock/thinkwire-mock
# There is no compiler.
/root/venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: \
    pytest pytest-xdist cryptography pycurl certifi 'setuptools>=77' aiohttp httpx \
    opentelemetry-sdk pyarrow 'pydantic>=2' rich tqdm trio uvloop mypy
/root/venv/bin/python -m pytest -q -p no:cacheprovider Tests/wheel
cd bindings/python/tests
# exclude REASON FILE…: leaves out all tests of the files.
exclude() {
    reason=$1
    shift
    echo "wheel: excluded: $*: $reason"
    rm "$@"
}
exclude "needs a compiler" test_abi.py
exclude "builds the package in a checkout" test_install.py test_package.py
/root/venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    exclude "needs Python 3.11: asyncio.timeout, or the mypy of its time" \
        test_asyncio.py test_readme.py test_typing.py
compiles=test_incompatible_library_is_rejected kills=test_no_line_is_lost_or_duplicated_by_kills
echo "wheel: excluded: $compiles: needs a compiler"
[ -z "$EMULATED" ] || echo "wheel: excluded: $kills: its processes start too slowly under qemu"
# shellcheck disable=SC2086
/root/venv/bin/python -m pytest -q -p no:cacheprovider -n 2 --dist loadfile ${TESTS:-.} \
    -k "not $compiles${EMULATED:+ and not $kills}"
