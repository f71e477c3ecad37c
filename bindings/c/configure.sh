#!/bin/sh
# configure.sh TEMPLATE OUTPUT VERSION PREFIX LIBDIR INCLUDEDIR: replaces @NAMES@ in a template.
set -eu
sed -e "s|@VERSION@|$3|g" -e "s|@PREFIX@|$4|g" -e "s|@LIBDIR@|$5|g" -e "s|@INCLUDEDIR@|$6|g" \
    "$1" >"$2"
chmod 644 "$2"
