#!/bin/sh
# library.sh LIBRARY HEADER [TESTS]: the library is what it promises to be. What is declared is exported and the other way round,
# and used somewhere in the C tests; nothing but libcurl and libc is needed; it is small, and hardened.
set -eu
library=$1 header=$2 tests=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() { echo "$library: $*" >&2; bad=1; }

# A declaration begins its line with TW_API; its name is what stands before the parenthesis.
sed -n '/^TW_API /{ s/(.*//; s/.*[ *]//; p; }' "$header" | sort >"$work/declared"
nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
[ "$(wc -l <"$work/declared")" -ge 50 ] || complain "only $(wc -l <"$work/declared") declarations were found in $header"
for name in $(comm -23 "$work/declared" "$work/exported"); do complain "declared and not exported: $name"; done
for name in $(comm -13 "$work/declared" "$work/exported"); do complain "exported and not declared: $name"; done
if [ -n "$tests" ]; then
    # The formatter may break a line within the parentheses.
    tr -d '\\\n ' <"$tests/calls.c" >"$work/calls"
    for name in $(cat "$work/declared"); do
        grep -qw "$name" "$tests"/*.c || complain "no test in $tests calls $name"
        grep -q "OF($name)" "$work/calls" || complain "what $name does in a callback is not in $tests/calls.c"
    done
fi

# A guest has no thread, no signals, no locale and no environment of its own, and nothing to do or say at the end. What it does at fork
# is to wait.
for name in sigaction signal sigprocmask pthread_sigmask pthread_create thrd_create setenv unsetenv putenv setlocale uselocale \
    atexit __cxa_atexit on_exit fork exit _exit abort raise kill printf puts putchar fputs fwrite perror syslog; do
    ! nm -D --undefined-only "$library" | grep -q " $name\(@.*\)\?$" || complain "calls $name"
done

readelf -dW "$library" >"$work/dynamic"
readelf -lW "$library" >"$work/segments"
grep -q 'Library soname: \[libthinkwire\.so\.0\]' "$work/dynamic" || complain "the soname is not libthinkwire.so.0"
for needed in $(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$work/dynamic"); do
    case $needed in
    libcurl.so.4 | libc.so.6 | ld-linux*) ;;
    *) complain "needs $needed" ;;
    esac
done
grep -q 'libcurl\.so\.4' "$work/dynamic" || complain "does not need libcurl: was this read at all?"
grep -Eq 'BIND_NOW|Flags:.*NOW' "$work/dynamic" || complain "symbols are bound late (no BIND_NOW)"
grep -q 'NODELETE' "$work/dynamic" || complain "can be unloaded (no NODELETE), which the Swift runtime does not expect"
# SwiftPM writes $ORIGIN, "beside this file", which is no path of the machine that built it.
! grep -E 'RPATH|RUNPATH' "$work/dynamic" | grep -vqF '[$ORIGIN]' || complain "carries a path of this machine"
! grep -q 'TEXTREL' "$work/dynamic" || complain "has text relocations"
grep -q 'GNU_RELRO' "$work/segments" || complain "no RELRO"
grep -q 'GNU_STACK.* RW ' "$work/segments" || complain "the stack is executable, or not said not to be"
! grep -q 'LOAD.* RWE ' "$work/segments" || complain "a segment is writable and executable"

size=$(wc -c <"$library")
[ "$size" -lt 400000 ] || complain "$size bytes: 400000 is the limit"
[ "$bad" = 0 ] || exit 1
echo "library: $(wc -l <"$work/exported") functions, declared and exported; $size bytes"
