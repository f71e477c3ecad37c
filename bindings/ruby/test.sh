#!/bin/sh
# Runs the tests and the example. Variables: THINKWIRE_LIBRARY, THINKWIRE_MOCK.
cd "$(dirname "$0")" || exit 1
exec ../../Tests/bindings/run.sh 'ruby -W -Ilib test/test_thinkwire.rb' \
    'ruby -W -Ilib examples/conversation.rb' ruby 'ruby -W -Ilib'
