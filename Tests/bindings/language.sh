#!/bin/sh
# language.sh LANGUAGE: runs the tests of a binding, and prints their output when they have ended.
start=$(date +%s)
result=ok
output=$(bindings/"$1"/test.sh 2>&1) || result=FAILED
printf '%s\n%s: %s, %s s\n' "$output" "$1" $result $(($(date +%s) - start))
[ $result = ok ]
