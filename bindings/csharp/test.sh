#!/bin/sh
# Runs the tests and the example. Variables: THINKWIRE_LIBRARY, THINKWIRE_MOCK.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
out=$root/.build/bindings/csharp
: "${THINKWIRE_LIBRARY:=$root/.build/release/libthinkwire.so}"
library=$(cd "$(dirname "$THINKWIRE_LIBRARY")" && pwd)
THINKWIRE_LAYOUT=$out/layout
LD_LIBRARY_PATH=$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export THINKWIRE_LIBRARY THINKWIRE_LAYOUT LD_LIBRARY_PATH
mkdir -p "$out"
../../Tests/bindings/layout.py >"$THINKWIRE_LAYOUT"
# shellcheck disable=SC2046 # No name contains a space.
../../Tests/bindings/declared.py omitted.txt $(ls src/*.cs | grep -v Native.cs)

sed -n '/^```csharp$/,/^```$/{/^```/!p;}' README.md >"$out/Readme.cs"
# C assigns the fields of the structs.
compile="mcs -langversion:latest -warn:4 -warnaserror -nowarn:0649"
$compile -target:library -out:"$out/Thinkwire.dll" src/*.cs
$compile -out:"$out/Test.exe" src/*.cs test/Test.cs
$compile -r:"$out/Thinkwire.dll" -out:"$out/Conversation.exe" examples/Conversation.cs
$compile -r:"$out/Thinkwire.dll" -out:"$out/Readme.exe" "$out/Readme.cs"
exec ../../Tests/bindings/run.sh "mono $out/Test.exe && mono $out/Readme.exe >/dev/null 2>&1" \
    "mono $out/Conversation.exe"
