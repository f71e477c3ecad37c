#!/bin/sh
# inside.sh PACKAGES EXAMPLES: tests the packages in a system that is deleted afterwards (run.py).
set -eu
packages=$1 examples=$2
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
fail() { echo "deb: $*" >&2; exit 1; }
install() { apt-get install -qq --no-install-recommends "$@" >/dev/null; }
find_files() { find / -xdev -path "$packages" -prune -o -name '*thinkwire*' -print; }
[ -z "$(find_files)" ] || fail "the new system has $(find_files)"

apt-get update -qq
# Each package brings what it needs.
install "$packages"/libthinkwire0_*.deb "$packages"/thinkwire-tools_*.deb
mkfifo /root/url
thinkwire-mock --port 0 >/root/url &
mock=$!
# The system cannot be deleted while a program of it runs.
trap 'kill $mock 2>/dev/null || true' EXIT
read -r THINKWIRE_BASE_URL </root/url
export THINKWIRE_BASE_URL THINKWIRE_API_KEY=key
greeting='Hello! How can I assist you today?'
answers() { grep -q "^$greeting" || fail "$1 does not print the answer"; }
thinkwire-chat -m alibaba/qwen3-32b Hello | answers thinkwire-chat

install "$packages"/python3-thinkwire_*.deb
cd /
program='from thinkwire import Client
print(Client().send("alibaba/qwen3-32b", "Hello").content)'
python3 -c "$program" | answers "the Python package"
thinkwire >/root/report
grep -q "$(dpkg-query -W -f '${Version}' python3-thinkwire)" /root/report ||
    fail "the command thinkwire does not print its version"

install "$packages"/libthinkwire-dev_*.deb gcc libc6-dev pkg-config man-db
for name in send stream pull; do
    # shellcheck disable=SC2046
    gcc -Wall -Werror "$examples/$name.c" $(pkg-config --cflags --libs thinkwire) -o "/root/$name"
    "/root/$name" 2>/dev/null | answers "$name"
done
ldd /root/send | grep -q 'libthinkwire\.so\.0 => /' || fail "send is not linked dynamically"
# shellcheck disable=SC2046
gcc "$examples/send.c" -l:libthinkwire.a $(pkg-config --static --libs thinkwire |
    sed 's/-lthinkwire//') -o /root/static
! ldd /root/static | grep thinkwire || fail "static is linked dynamically"
/root/static | answers "a program with the static library"
for page in 3:tw_chat_open 3:thinkwire 1:thinkwire-chat 1:thinkwire-mock 1:thinkwire; do
    [ -e "$(man -w "${page%:*}" "${page#*:}")" ] || fail "there is no manual page $page"
done

install "$packages"/*-dbgsym_*.deb
for file in /usr/lib/*/libthinkwire.so.0 /usr/bin/thinkwire-mock /usr/bin/thinkwire-chat; do
    id=$(readelf -n "$file" | sed -n 's/.*Build ID: //p')
    symbols=/usr/lib/debug/.build-id/$(echo "$id" | cut -c 1-2)/$(echo "$id" | cut -c 3-).debug
    readelf --debug-dump=line "$symbols" | grep -qE 'Exchange\.swift|mock\.c|main\.c' ||
        fail "$symbols does not describe $file"
done

kill $mock
apt-get purge -qq '*thinkwire*' >/dev/null
rm -r "$packages"
[ -z "$(find_files)" ] || fail "the packages leave $(find_files)"
echo "deb: the packages were installed, used and removed"
