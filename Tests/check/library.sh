#!/bin/sh
# library.sh LIBRARY HEADER [TESTS]: the library exports what the header declares and nothing else,
# the C tests call every function, the library depends only on libcurl and libc, it is small, and it
# is hardened. BUNDLED=yes: the library contains libcurl.
set -eu
library=$1 header=$2 tests=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
report() { echo "$library: $*" >&2; failed=1; }

# A declaration begins its line with TW_API; the function's name precedes the parenthesis.
sed -n '/^TW_API /{ s/(.*//; s/.*[ *]//; p; }' "$header" | sort >"$work/declared"
nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
count=$(wc -l <"$work/declared")
[ "$count" -ge 50 ] || report "only $count declarations were found in $header"
for name in $(comm -23 "$work/declared" "$work/exported"); do
    report "declared but not exported: $name"
done
for name in $(comm -13 "$work/declared" "$work/exported"); do
    report "exported but not declared: $name"
done
if [ -n "$tests" ]; then
    # The formatter may have split a line inside the parentheses.
    tr -d '[:space:]\\' <"$tests/calls.c" >"$work/calls"
    for name in $(cat "$work/declared"); do
        grep -qw "$name" "$tests"/*.c || report "no test in $tests calls $name"
        grep -qF "OF($name)" "$work/calls" ||
            report "$tests/calls.c does not call $name in a callback"
    done
fi

# The library creates no thread, changes no signal, locale or environment variable of its host,
# prints nothing, and registers nothing for the end of the process. At fork it only waits.
forbidden="signal sigprocmask pthread_sigmask thrd_create
    setenv unsetenv putenv setlocale uselocale
    atexit __cxa_atexit on_exit fork exit _exit abort raise kill
    printf puts putchar perror syslog"
# libcurl has threads that resolve names, handlers of SIGPIPE (unused: CURLOPT_NOSIGNAL), and code
# that prints (unused: CURLOPT_VERBOSE).
[ -n "${BUNDLED:-}" ] || forbidden="$forbidden sigaction pthread_create fputs fwrite"
nm -D --undefined-only "$library" >"$work/undefined"
for name in $forbidden; do
    ! grep -q " $name\(@.*\)\?$" "$work/undefined" || report "calls $name"
done

readelf -dW "$library" >"$work/dynamic"
readelf -lW "$library" >"$work/segments"
# has FILE EXPRESSION PROBLEM, lacks FILE EXPRESSION PROBLEM: report the problem if that is not so.
has() { grep -Eq -e "$2" "$work/$1" || report "$3"; }
lacks() { ! grep -Eq -e "$2" "$work/$1" || report "$3"; }
has dynamic 'Library soname: \[libthinkwire\.so\.0\]' "the soname is not libthinkwire.so.0"
for needed in $(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$work/dynamic"); do
    case $needed in
    libcurl.so.4 | libc.so.6 | ld-linux*) ;;
    # Parts of the C library before glibc 2.34; OLD_LIBC says that the library is for such a one.
    libpthread.so.0 | libdl.so.2) [ -n "${OLD_LIBC:-}" ] || report "depends on $needed" ;;
    *) report "depends on $needed" ;;
    esac
done
if [ -n "${BUNDLED:-}" ]; then
    lacks dynamic 'libcurl' "depends on another libcurl than its own"
    limit=1000000
else
    has dynamic 'libcurl\.so\.4' "libcurl is not among the dependencies: check readelf's output"
    limit=400000
fi
has dynamic 'BIND_NOW|Flags:.*NOW' "symbols are bound lazily (no BIND_NOW)"
has dynamic 'NODELETE' "it can be unloaded (no NODELETE), which the Swift runtime does not support"
# SwiftPM writes $ORIGIN, the directory of the library, which is no path of the build machine.
! grep -E 'RPATH|RUNPATH' "$work/dynamic" | grep -vqF '[$ORIGIN]' ||
    report "it contains a path of the build machine"
lacks dynamic 'TEXTREL' "it has text relocations"
has segments 'GNU_RELRO' "it has no RELRO segment"
has segments 'GNU_STACK.* RW ' "the stack is not marked as non-executable"
lacks segments 'LOAD.* RWE ' "a segment is writable and executable"

size=$(wc -c <"$library")
[ "$size" -lt $limit ] || report "it has $size bytes; the limit is $limit"
[ "$failed" = 0 ] || exit 1
echo "library: $(wc -l <"$work/exported") functions, declared and exported; $size bytes"
