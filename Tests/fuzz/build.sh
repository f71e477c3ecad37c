#!/bin/sh
# Builds the core and the targets named, instrumented, as ordinary Swift with all its checks: build.sh OUT TARGET…
set -eu
out=$1
shift
here=$(dirname "$0")
root=$here/../..
swiftc=$(command -v "${SWIFTC:-swiftc}")
clang=$(dirname "$(readlink -f "$swiftc")")/clang

mkdir -p "$out/modules/CPlatform"
# SwiftPM writes such a map by itself.
echo "module CPlatform { umbrella header \"$(realpath "$root")/Sources/CPlatform/include/CPlatform.h\" export * }" \
    > "$out/modules/CPlatform/module.modulemap"

swift="$swiftc -O -gline-tables-only -wmo -parse-as-library -package-name thinkwire -enable-testing -enforce-exclusivity=checked -warnings-as-errors
    -sanitize=fuzzer,address -enable-experimental-feature CImplementation -I $root/include -I $out/modules"
c="$clang -O2 -g -Wall -Wextra -Werror -fsanitize=address -fno-omit-frame-pointer -I$root/include -I$root/Sources/CPlatform/include"

compile() { # MODULE SOURCES: unless nothing has changed
    module=$1
    shift
    [ -n "$(find "$@" "$out/modules" "$root/include" "$here/build.sh" -newer "$out/$module.o" 2>/dev/null || echo new)" ] || return 0
    # shellcheck disable=SC2086
    $swift -module-name "$module" -emit-module -emit-module-path "$out/modules/$module.swiftmodule" -c "$@" -o "$out/$module.o"
}

objects=
for file in "$root"/Sources/CPlatform/*.c; do
    object=$out/CPlatform-$(basename "$file" .c).o
    $c -fsanitize=fuzzer-no-link -c "$file" -o "$object"
    objects="$objects $object"
done
modules="Base Chat Engine"
for module in $modules; do compile "$module" $(find "$root/Sources/$module" -name '*.swift'); done
for target; do
    # gold, which is the default here, warns of each of the sanitizer's hundreds of symbols.
    link="$(for module in $modules; do echo "$out/$module.o"; done) $objects -use-ld=lld -lcurl -o $out/$target"
    case $target in
    exchange)
        compile Thinkwire $(find "$root/Sources/Thinkwire" -name '*.swift')
        $c -c "$here/exchange.c" -o "$out/exchange.o"
        $swiftc -sanitize=fuzzer,address "$out/exchange.o" "$out/Thinkwire.o" $link ;;
    json) $swift -module-name fuzz "$here/json.swift" "$here/Support.swift" "$here/../unit/Base/JSONReference.swift" $link ;;
    *) $swift -module-name fuzz "$here/$target.swift" "$here/Support.swift" $link ;;
    esac
done
