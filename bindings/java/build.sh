#!/bin/sh
# build.sh [DIRECTORY]: builds the classes and libthinkwire_jni.so in DIRECTORY, by default build.
#
# It needs a JDK, 17 or later, and a C compiler. It links the library in THINKWIRE_LIBRARY; without
# that variable, the installed one (pkg-config).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/build}
java=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
if [ -n "${THINKWIRE_LIBRARY:-}" ]; then
    library=$(cd "$(dirname "$THINKWIRE_LIBRARY")" && pwd)
    flags="-I$here/../../include -L$library -lthinkwire -Wl,-rpath,$library"
else
    flags=$(pkg-config --cflags --libs thinkwire)
fi
mkdir -p "$out/classes"
# shellcheck disable=SC2086 # The flags are several words.
"${CC:-cc}" -shared -fPIC -std=c11 ${CFLAGS:--O2} -fvisibility=hidden \
    -isystem "$java/include" -isystem "$java/include/linux" "$here/thinkwire_jni.c" $flags \
    -o "$out/libthinkwire_jni.so"
# shellcheck disable=SC2086
javac --release 17 ${JAVACFLAGS:-} -d "$out/classes" "$here"/src/thinkwire/*.java
