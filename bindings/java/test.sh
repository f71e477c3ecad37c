#!/bin/sh
# Runs the tests and the example. Variables: THINKWIRE_LIBRARY, THINKWIRE_MOCK.
set -eu
cd "$(dirname "$0")"
out=$PWD/../../.build/bindings/java
: "${THINKWIRE_LIBRARY:=$PWD/../../.build/release/libthinkwire.so}"
CFLAGS="-O1 -Wall -Wextra -Werror"
JAVACFLAGS="-Xlint:all -Werror"
export THINKWIRE_LIBRARY CFLAGS JAVACFLAGS
./build.sh "$out"
# The statements in README.md.
mkdir -p "$out/readme"
{
    echo "import thinkwire.*; final class Readme { public static void main(String[] arguments) {"
    sed -n '/^```java$/,/^```$/{/^```/!p;}' README.md
    echo "}}"
} >"$out/readme/Readme.java"
# shellcheck disable=SC2086 # The flags are several words.
javac --release 17 $JAVACFLAGS -cp "$out/classes" -d "$out/test" test/*.java examples/*.java \
    "$out/readme/Readme.java"
java="java -Xshare:auto -XX:TieredStopAtLevel=1 -Dthinkwire.jni=$out/libthinkwire_jni.so \
-cp $out/classes:$out/test"
tests="$java -Xcheck:jni -Xmx64m ThinkwireTest $PWD && $java Readme >/dev/null 2>&1"
../../Tests/bindings/run.sh "$tests" "$java Conversation" >"$out/log" 2>&1 || {
    cat "$out/log"
    exit 1
}
cat "$out/log"
# What -Xcheck:jni reports is no failure of the process.
! grep -q "WARNING" "$out/log"
