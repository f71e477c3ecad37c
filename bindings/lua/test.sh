#!/bin/sh
# Runs the tests and the example. Variables: THINKWIRE_LIBRARY, THINKWIRE_MOCK.
cd "$(dirname "$0")" || exit 1
LUA_PATH="$PWD/?.lua;;"
export LUA_PATH
exec ../../Tests/bindings/run.sh 'luajit test/test_thinkwire.lua' \
    'luajit examples/conversation.lua' lua luajit
