#!/bin/sh
# inside.sh WHEEL: tests a wheel in a system that has neither libcurl nor a compiler (run.py).
# TESTS: arguments for pytest in place of all tests of the Python package.
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
[ -z "$EMULATED" ] || export THINKWIRE_SLOWNESS=10
export THINKWIRE_LIBRARY="$package/libthinkwire.so.0" THINKWIRE_MOCK=/root/mock/thinkwire-mock
# There is no compiler. The pip of Debian 11 cannot build the package in a checkout.
/root/venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: \
    'pip>=21.3' pytest pytest-xdist cryptography pycurl certifi 'setuptools>=77' aiohttp httpx \
    opentelemetry-sdk pyarrow 'pydantic>=2' rich tqdm trio uvloop mypy
/root/venv/bin/python -m pytest -q -p no:cacheprovider Tests/wheel
cd bindings/python/tests
run() { /root/venv/bin/python -m pytest -q -p no:cacheprovider -n 2 --dist loadfile "$@"; }
# shellcheck disable=SC2086
[ -z "${TESTS:-}" ] || { run $TESTS; exit; }
rest="test_abi.py test_library.py::test_incompatible_library_is_rejected"
# shellcheck disable=SC2046
run . $(printf -- '--deselect tests/%s ' $rest)
echo "wheel: the tests that need a compiler: $rest"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends gcc libc6-dev >/dev/null
# shellcheck disable=SC2086
run $rest
