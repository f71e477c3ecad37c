#!/bin/sh
# run.sh TEST [EXAMPLE [LANGUAGE COMMAND]]: runs a test of a binding (a shell command) against
# thinkwire-mock, then every block of LANGUAGE in README.md with COMMAND and the name of a file with
# the block, and then the example, which must print the answers in example.json.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
mock=
trap 'kill $mock 2>/dev/null || true; rm -rf "$work"' EXIT
# Some shells do not run the trap above when a signal ends them.
trap 'exit 1' HUP INT PIPE TERM
unset AIMLAPI_API_KEY OPENAI_API_KEY OPENAI_BASE_URL THINKWIRE_MODEL THINKWIRE_DEBUG
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY
: "${THINKWIRE_LIBRARY:=$root/.build/release/libthinkwire.so}"
: "${THINKWIRE_MOCK:=$root/.build/release/thinkwire-mock}"
THINKWIRE_CDEF=$work/thinkwire.cdef
export THINKWIRE_LIBRARY THINKWIRE_MOCK THINKWIRE_CDEF THINKWIRE_API_KEY=key
"$root/bindings/c/cdef.sh" "$root/include/thinkwire.h" >"$THINKWIRE_CDEF"

# start ARGUMENT…: replaces the running mock by one with these arguments.
start() {
    [ -z "$mock" ] || kill "$mock"
    rm -f "$work/url"
    mkfifo "$work/url"
    "$THINKWIRE_MOCK" --port 0 "$@" >"$work/url" &
    mock=$!
    read -r THINKWIRE_BASE_URL <"$work/url"
    export THINKWIRE_BASE_URL
}

start
sh -c "$1"
[ $# -gt 1 ] || exit 0
if [ $# -gt 2 ]; then
    count=$(grep -c "^\`\`\`$3\$" README.md) || { echo "README.md has no block of $3"; exit 1; }
    for block in $(seq "$count"); do
        awk -v fence="\`\`\`$3" -v wanted="$block" '
            $0 == fence { n++; inside = n == wanted; next }
            /^```/ { inside = 0 }
            inside' README.md >"$work/block.$3"
        sh -c "$4 $work/block.$3" >"$work/out" 2>"$work/err" && grep -q 'today?' "$work/out" ||
            { cat "$work/block.$3" "$work/out" "$work/err"; exit 1; }
    done
    echo "$count programs in README.md run"
fi
start --script "$root/Tests/bindings/example.json"
sh -c "$2" >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err"; exit 1; }
expect() { grep -q "$2" "$work/$1" || { echo "no \"$2\":"; cat "$work/out" "$work/err"; exit 1; }; }
expect err 'The user greets me 🧠'
expect out 'Hello 🦊!'
expect out 'It is 18 °C in Paris\.'
expect out '^one.*\[cancelled\]'
! grep -q twelve "$work/out" || { echo "the cancelled answer is complete"; exit 1; }
expect out '^not_found: .*The model does not exist'
echo "the example prints the expected answers"
