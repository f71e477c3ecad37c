#!/bin/sh
# Builds the core and fuzz targets as ordinary Swift, instrumented, with all runtime checks.
# Usage: build.sh OUT TARGET…
set -eu
out=$1
shift
here=$(dirname "$0")
root=$here/../..
swiftc=$(command -v "${SWIFTC:-swiftc}")
clang=$(dirname "$(readlink -f "$swiftc")")/clang

mkdir -p "$out/modules/CPlatform"
# SwiftPM generates such a module map itself.
header=$(realpath "$root")/Sources/CPlatform/include/CPlatform.h
echo "module CPlatform { umbrella header \"$header\" export * }" \
    > "$out/modules/CPlatform/module.modulemap"

swift="$swiftc -O -gline-tables-only -wmo -parse-as-library -package-name thinkwire
    -enable-testing -enforce-exclusivity=checked -warnings-as-errors
    -sanitize=fuzzer,address -enable-experimental-feature CImplementation
    -I $root/include -I $out/modules"
c="$clang -O2 -g -Wall -Wextra -Werror -fsanitize=address -fno-omit-frame-pointer
    -I$root/include -I$root/Sources/CPlatform/include"

is_current() { # OBJECT SOURCES: no source is newer than the object
    object=$1
    shift
    [ -e "$object" ] || return 1
    [ -z "$(find "$@" "$out/modules" "$root/include" "$here/build.sh" -newer "$object")" ]
}

compile() { # MODULE SOURCES
    module=$1
    shift
    is_current "$out/$module.o" "$@" && return
    # shellcheck disable=SC2086
    $swift -module-name "$module" -emit-module \
        -emit-module-path "$out/modules/$module.swiftmodule" -c "$@" -o "$out/$module.o"
}

objects=
for file in "$root"/Sources/CPlatform/*.c; do
    object=$out/CPlatform-$(basename "$file" .c).o
    # shellcheck disable=SC2086
    $c -fsanitize=fuzzer-no-link -c "$file" -o "$object"
    objects="$objects $object"
done
for module in Base Chat Transport Engine; do
    compile "$module" $(find "$root/Sources/$module" -name '*.swift')
    objects="$objects $out/$module.o"
done
for target; do
    # gold, the default linker here, prints a warning for each of the sanitizer's hundreds of
    # symbols.
    link="$objects -use-ld=lld -lcurl -o $out/$target"
    support=$here/Support.swift
    # shellcheck disable=SC2086
    case $target in
    exchange)
        compile Thinkwire $(find "$root/Sources/Thinkwire" -name '*.swift')
        for source in fuzz/exchange support/recorder support/text support/process; do
            object=$out/$(basename "$source").o
            $c -c "$here/../$source.c" -o "$object"
            link="$object $link"
        done
        $swiftc -sanitize=fuzzer,address "$out/Thinkwire.o" $link ;;
    json)
        reference=$here/../unit/Base/JSONReference.swift
        $swift -module-name fuzz "$here/json.swift" "$support" "$reference" $link ;;
    *)
        $swift -module-name fuzz "$here/$target.swift" "$support" $link ;;
    esac
done
