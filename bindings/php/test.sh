#!/bin/sh
# Runs the tests and the example. Variables: THINKWIRE_LIBRARY, THINKWIRE_MOCK.
cd "$(dirname "$0")" || exit 1
php='php -d error_reporting=-1 -d display_errors=stderr -d zend.assertions=1'
# Programs load the package as Composer installs it.
vendor=$PWD/../../.build/bindings/php/vendor
mkdir -p "$vendor"
echo "<?php require '$PWD/thinkwire.php';" >"$vendor/autoload.php"
exec ../../Tests/bindings/run.sh "$php test/test_thinkwire.php" \
    "$php examples/conversation.php" php "$php -d include_path=$vendor/.."
