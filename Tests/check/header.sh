#!/bin/sh
# header.sh HEADER: the header compiles alone, without a warning, in C and C++, with every compiler
# that is installed; and it can be read as a reference (see header.awk).
set -eu
header=$1
directory=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "header.sh: $*" >&2; exit 1; }

compilations=0
# compile COMPILER FLAG…: nothing happens if the compiler is not installed.
compile() {
    command -v "$1" >/dev/null 2>&1 || return 0
    "$@" -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$header"
    compilations=$((compilations + 1))
}
# A program may define TW_API, as nothing or as attributes of its own.
for definition in -DUNRELATED= -DTW_API= '-DTW_API=__attribute__((visibility("hidden")))'; do
    for c in gcc clang; do
        compile $c -x c -std=c99 -Wstrict-prototypes "$definition"
        compile $c -x c -std=c17 -Wstrict-prototypes "$definition"
    done
    for cxx in g++ clang++; do
        compile $cxx -x c++ -std=c++11 "$definition"
        compile $cxx -x c++ -std=c++17 "$definition"
    done
done
[ "$compilations" -ge 12 ] || fail "a C compiler and a C++ compiler are required"

read_reference() { LC_ALL=C awk -f "$directory/header.awk" "$1"; }

# expect PROBLEM: the header on standard input is rejected with that problem, and no other.
expect() {
    cat >"$work/bad.h"
    if read_reference "$work/bad.h" >"$work/problems"; then fail "not detected: $1"; fi
    [ "$(wc -l <"$work/problems")" = 1 ] && grep -q "$1" "$work/problems" ||
        fail "expected \"$1\", but found: $(cat "$work/problems")"
}
expect 'exceeds 100' <<END
/* $(printf '%098d' 0) */
/** Does it. */
TW_API void tw_a(void);
END
expect 'tw_a has no doc comment' <<'END'
/** Is separated from the declaration. */

TW_API void tw_a(void);
END
expect 'first sentence' <<END
/**
 * Does $(printf '%080d' 0)
 * and  $(printf '%080d' 0). Really.
 */
TW_API void tw_a(void);
END
expect 'tw_a names no error' <<'END'
/** Does it, and returns TW_OK. */
TW_API tw_status tw_a(int number);
END
expect 'tw_a does not say what happens for NULL' <<'END'
/** Does it. */
TW_API void tw_a(int number,
                 const char *text);
END
expect 'the type has no doc comment' <<'END'
/** Does it. */
TW_API void tw_a(void);
typedef struct tw_b tw_b;
END
expect 'no function was found' </dev/null

read_reference "$header" >&2 || fail "the header cannot be read as a reference"
echo "header: compiles in C99, C17, C++11 and C++17 ($compilations compilations);" \
    "every function is documented"
