#!/bin/sh
# Runs the tests and the example. Variables: THINKWIRE_LIBRARY, THINKWIRE_MOCK.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
out=$root/.build/bindings/swift
: "${THINKWIRE_LIBRARY:=$root/.build/release/libthinkwire.so}"
export THINKWIRE_LIBRARY
library=$(cd "$(dirname "$THINKWIRE_LIBRARY")" && pwd)
mkdir -p "$out"

# Every function of the header is called, or omitted for a reason.
grep -oE '^TW_API [^;]*' "$root/include/thinkwire.h" | grep -oE 'tw_\w+\(' | tr -d '(' |
    sort -u >"$out/declared"
{ cat Sources/Thinkwire/*.swift | grep -oE '\btw_\w+'; sed '/^#/d' Tests/omitted.txt; } |
    sort -u | comm -23 "$out/declared" - >"$out/missing"
[ ! -s "$out/missing" ] || { echo "functions are missing:"; cat "$out/missing"; exit 1; }

# compile ARGUMENT…: without SwiftPM, which takes longer.
compile() {
    swiftc -swift-version 6 -warnings-as-errors -wmo -I Sources/LibThinkwire -I "$out" \
        -Xcc -I"$root/include" "$@"
}
compile -parse-as-library -module-name Thinkwire -emit-module \
    -emit-module-path "$out/Thinkwire.swiftmodule" -emit-object -o "$out/Thinkwire.o" \
    Sources/Thinkwire/*.swift
program() {
    compile "$@" "$out/Thinkwire.o" -L "$library" -Xlinker -rpath -Xlinker "$library"
}
program Tests/main.swift -o "$out/test" &
test=$!
program Sources/conversation/Conversation.swift -o "$out/conversation" -parse-as-library
# Statements at the top level are allowed in main.swift.
mkdir -p "$out/readme"
sed -n '/^```swift$/,/^```$/{/^```/!p;}' README.md >"$out/readme/main.swift"
program "$out/readme/main.swift" -o "$out/readme/program"
wait $test
exec ../../Tests/bindings/run.sh "$out/test && $out/readme/program >/dev/null" "$out/conversation"
