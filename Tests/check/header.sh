#!/bin/sh
# header.sh HEADER: the header stands alone, without a warning, in C and in C++, in every compiler here.
set -eu
header=$1
tried=0
try() {
    command -v "$1" >/dev/null 2>&1 || return 0
    "$@" -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$header"
    tried=$((tried + 1))
}
for c in gcc clang; do
    try $c -x c -std=c99 -Wstrict-prototypes
    try $c -x c -std=c17 -Wstrict-prototypes
done
for cxx in g++ clang++; do
    try $cxx -x c++ -std=c++17
done
[ "$tried" -ge 3 ] || { echo "header.sh: there must be a C and a C++ compiler" >&2; exit 1; }
echo "header: stands alone in C99, C17 and C++17 ($tried compilations)"
