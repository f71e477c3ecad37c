#!/bin/sh
# build.sh [FILE]: compiles the addon to FILE, by default thinkwire.node beside this script.
#
# It needs a C compiler and the headers of Node and libuv (Debian: libnode-dev). It links the
# library in THINKWIRE_LIBRARY; without that variable, the installed one (pkg-config).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
node=$(node -p 'require("path").resolve(process.execPath, "../../include/node")')
if [ -n "${THINKWIRE_LIBRARY:-}" ]; then
    library=$(cd "$(dirname "$THINKWIRE_LIBRARY")" && pwd)
    flags="-I$here/../../include -L$library -lthinkwire -Wl,-rpath,$library"
else
    flags=$(pkg-config --cflags --libs thinkwire)
fi
# shellcheck disable=SC2086 # The flags are several words.
"${CC:-cc}" -shared -fPIC -std=c11 -D_GNU_SOURCE ${CFLAGS:--O2} -fvisibility=hidden \
    -isystem "$node" "$here"/src/*.c $flags -o "${1:-$here/thinkwire.node}"
