#!/bin/sh
# curl.sh ARCH SYSROOT SOURCES DIRECTORY: builds a static libcurl with HTTP/1.1, HTTP/2, TLS,
# proxies and gzip, and nothing else, from what unpack.sh has unpacked into SOURCES.
#
# DIRECTORY receives include and lib, and licenses: the licences of everything in lib. Needs CMake;
# the compiler is that of Swift.
set -eu
packaging=$(cd "$(dirname "$0")" && pwd)
arch=$1 sysroot=$(realpath "$2") sources=$(realpath "$3") target=$(realpath -m "$4")
tools=$(dirname "$(readlink -f "$(command -v "${SWIFT:-swift}")")")
jobs=$(nproc)
command -v cmake >/dev/null || { echo "curl.sh: needs CMake; apt-get install cmake" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/include" "$work/lib" "$work/licenses"
# The linker drops what the library does not use (--gc-sections). Messages contain no path of this
# machine.
flags="-Os -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections
    -fno-asynchronous-unwind-tables -fstack-protector-strong -D_FORTIFY_SOURCE=2
    -ffile-prefix-map=$sources/="

# archive NAME FLAGS FILE…: compiles sources into lib/libNAME.a.
archive() {
    name=$1 special=$2
    shift 2
    mkdir "$work/$name"
    # shellcheck disable=SC2086
    printf '%s\n' "$@" | (cd "$work/$name" && xargs -n 4 -P "$jobs" "$tools/clang" \
        --target="$arch-linux-gnu" --sysroot="$sysroot" $flags $special -I"$work/include" -c)
    "$tools/llvm-ar" rcsD "$work/lib/lib$name.a" "$work/$name"/*.o
}

cp "$sources"/zlib/zlib.h "$sources"/zlib/zconf.h "$work/include"
cd "$sources/zlib"
archive z "-DHAVE_UNISTD_H" \
    "$PWD"/adler32.c "$PWD"/crc32.c "$PWD"/inf*.c "$PWD"/trees.c "$PWD"/deflate.c "$PWD"/zutil.c

cp -r "$sources/nghttp2/lib/includes/nghttp2" "$work/include"
version=$(sed -n 's/^AC_INIT(\[nghttp2\], \[\([0-9.]*\)\].*/\1/p' "$sources/nghttp2/configure.ac")
number=$(echo "$version" | awk -F. '{ printf "0x%02x%02x%02x", $1, $2, $3 }')
sed -e "s/@PACKAGE_VERSION@/$version/; s/@PACKAGE_VERSION_NUM@/$number/" \
    "$sources/nghttp2/lib/includes/nghttp2/nghttp2ver.h.in" >"$work/include/nghttp2/nghttp2ver.h"
archive nghttp2 "-DNGHTTP2_STATICLIB -DHAVE_ARPA_INET_H -DHAVE_NETINET_IN_H -DHAVE_CLOCK_GETTIME" \
    "$sources"/nghttp2/lib/*.c

cp -r "$sources"/mbedtls/include/mbedtls "$sources"/mbedtls/include/psa "$work/include"
cp "$packaging/mbedtls_config.h" "$work/include/mbedtls"
archive mbedtls "-I$sources/mbedtls/library" "$sources"/mbedtls/library/*.c
# libcurl's build looks for three libraries.
for name in mbedx509 mbedcrypto; do "$tools/llvm-ar" rcsD "$work/lib/lib$name.a"; done

cat >"$work/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $arch)
set(CMAKE_C_COMPILER $tools/clang)
set(CMAKE_C_COMPILER_TARGET $arch-linux-gnu)
set(CMAKE_AR $tools/llvm-ar)
set(CMAKE_RANLIB true)
set(CMAKE_EXE_LINKER_FLAGS_INIT -fuse-ld=lld)
set(CMAKE_SYSROOT $sysroot)
set(CMAKE_FIND_ROOT_PATH $work $sysroot)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
END
on="HTTP_ONLY CURL_USE_MBEDTLS USE_NGHTTP2 CURL_ZLIB ENABLE_IPV6 ENABLE_THREADED_RESOLVER
    BUILD_STATIC_LIBS CURL_DISABLE_ALTSVC CURL_DISABLE_AWS CURL_DISABLE_BINDLOCAL
    CURL_DISABLE_COOKIES CURL_DISABLE_DIGEST_AUTH CURL_DISABLE_DOH CURL_DISABLE_FORM_API
    CURL_DISABLE_GETOPTIONS CURL_DISABLE_HEADERS_API CURL_DISABLE_HSTS CURL_DISABLE_IPFS
    CURL_DISABLE_KERBEROS_AUTH CURL_DISABLE_MIME CURL_DISABLE_NEGOTIATE_AUTH CURL_DISABLE_NETRC
    CURL_DISABLE_NTLM CURL_DISABLE_PROGRESS_METER
    CURL_DISABLE_SHA512_256 CURL_DISABLE_SHUFFLE_DNS CURL_DISABLE_SRP CURL_DISABLE_WEBSOCKETS"
off="CURL_USE_OPENSSL CURL_USE_LIBPSL CURL_USE_LIBSSH2 CURL_BROTLI CURL_ZSTD USE_LIBIDN2
    BUILD_SHARED_LIBS BUILD_CURL_EXE BUILD_LIBCURL_DOCS BUILD_MISC_DOCS ENABLE_CURL_MANUAL
    BUILD_TESTING BUILD_EXAMPLES CURL_USE_PKGCONFIG ENABLE_UNIX_SOCKETS CURL_WERROR PICKY_COMPILER"
# shellcheck disable=SC2046,SC2086
cmake -S "$sources/curl" -B "$work/curl" -DCMAKE_TOOLCHAIN_FILE="$work/toolchain.cmake" \
    -DCMAKE_INSTALL_PREFIX="$work" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_C_FLAGS="$(echo $flags -I$work/include -DNGHTTP2_STATICLIB)" \
    -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none \
    $(printf -- '-D%s=ON ' $on) $(printf -- '-D%s=OFF ' $off) \
    -DNGHTTP2_INCLUDE_DIR="$work/include" -DNGHTTP2_LIBRARY="$work/lib/libnghttp2.a" \
    -DZLIB_INCLUDE_DIR="$work/include" -DZLIB_LIBRARY="$work/lib/libz.a" \
    -DMBEDTLS_INCLUDE_DIR="$work/include" -DMBEDTLS_LIBRARY="$work/lib/libmbedtls.a" \
    -DMBEDX509_LIBRARY="$work/lib/libmbedx509.a" -DMBEDCRYPTO_LIBRARY="$work/lib/libmbedcrypto.a" \
    >"$work/curl.log" 2>&1 &&
    cmake --build "$work/curl" --parallel "$jobs" --target install >>"$work/curl.log" 2>&1 || {
    tail -n 30 "$work/curl.log" >&2
    exit 1
}
grep -A 3 '^-- Protocols' "$work/curl.log"
cp "$sources/curl/COPYING" "$work/licenses/curl.txt"
cp "$sources/mbedtls/LICENSE" "$work/licenses/mbedtls.txt"
cp "$sources/nghttp2/COPYING" "$work/licenses/nghttp2.txt"
cp "$sources/zlib/LICENSE" "$work/licenses/zlib.txt"
rm -rf "$target"
mkdir -p "$target"
mv "$work/include" "$work/lib" "$work/licenses" "$target"
