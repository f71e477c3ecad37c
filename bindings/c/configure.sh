#!/bin/sh
# configure.sh TEMPLATE RESULT VERSION PREFIX LIBDIR INCLUDEDIR: fills in a template.
set -eu
sed -e "s|@VERSION@|$3|g" -e "s|@PREFIX@|$4|g" -e "s|@LIBDIR@|$5|g" -e "s|@INCLUDEDIR@|$6|g" "$1" >"$2"
chmod 644 "$2"
