#!/bin/sh
# Runs the tests and the example. Variables: THINKWIRE_LIBRARY, THINKWIRE_MOCK.
cd "$(dirname "$0")" || exit 1
exec ../../Tests/bindings/run.sh 'prove -Ilib t' 'perl -Ilib examples/conversation.pl' perl \
    'perl -w -Ilib'
