#!/bin/sh
# demo.sh DIRECTORY: asks qwen3-32b to think about "Hello", with the programs of that directory. Without a key of a provider, a
# provider of our own on this machine answers with what qwen3-32b once did.
set -eu
programs=$1

if [ -z "${THINKWIRE_API_KEY:-}${AIMLAPI_API_KEY:-}${OPENAI_API_KEY:-}" ]; then
    directory=$(mktemp -d)
    mock=
    trap 'test -z "$mock" || kill "$mock" 2>/dev/null || true; rm -rf "$directory"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    mkfifo "$directory/url"
    "$programs/thinkwire-mock" --port 0 --pace 60 >"$directory/url" &
    mock=$!
    # Ends without a line if the program does.
    read -r THINKWIRE_BASE_URL <"$directory/url"
    THINKWIRE_API_KEY=demo
    # No proxy leads to this machine.
    unset http_proxy all_proxy ALL_PROXY
    export THINKWIRE_BASE_URL THINKWIRE_API_KEY
    echo "No key is set: thinkwire-mock answers at $THINKWIRE_BASE_URL with a recording of qwen3-32b."
fi

echo "\$ thinkwire-chat -m alibaba/qwen3-32b --think Hello"
"$programs/thinkwire-chat" -m alibaba/qwen3-32b --think Hello
