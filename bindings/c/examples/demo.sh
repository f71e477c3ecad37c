#!/bin/sh
# demo.sh DIRECTORY: sends "Hello" to qwen3-32b with thinking, using the programs in the directory.
# If no API key is set, thinkwire-mock on this machine answers with a recorded answer of qwen3-32b.
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
    # Fails if the program ends before it prints the URL.
    read -r THINKWIRE_BASE_URL <"$directory/url"
    THINKWIRE_API_KEY=demo
    # A proxy cannot reach the loopback address of this machine.
    unset http_proxy all_proxy ALL_PROXY
    export THINKWIRE_BASE_URL THINKWIRE_API_KEY
    echo "No API key is set: thinkwire-mock at $THINKWIRE_BASE_URL answers with recorded data."
fi

echo "\$ thinkwire-chat -m alibaba/qwen3-32b --think Hello"
"$programs/thinkwire-chat" -m alibaba/qwen3-32b --think Hello </dev/null
