#!/bin/sh
# static.sh OBJECTS HEADER ARCHIVE: builds the static library from the object files that the file
# OBJECTS lists. LD, OBJCOPY and AR name the tools, for another architecture.
set -eu
objects=$1 header=$2 archive=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -s "$objects" ] || {
    echo "static.sh: $objects is missing: build the library with SwiftPM (make library)" >&2
    exit 1
}

# One object, so that what the modules share need not be global. Each function keeps a section of
# its own: a program that is linked with --gc-sections contains only what it uses. Copies of generic
# code are in groups, which the linker would merge with those of other Swift code, if it has any.
sed -n '/^TW_API /{ s/(.*//; s/.*[ *]//; s/^/-u /; p; }' "$header" >"$work/exported"
# shellcheck disable=SC2046
"${LD:-ld}" -r --gc-sections --force-group-allocation -o "$work/thinkwire.o" \
    $(cat "$work/exported") $(cat "$objects")

# All other symbols become local. The removed sections are hints to the linker, which refer to
# symbols by number or name libraries of the Swift toolchain.
"${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='tw_*' --strip-unneeded \
    -R '.swift*' -R .llvm_addrsig -R .linker-options "$work/thinkwire.o"
rm -f "$archive"
# D: no time, owner or mode of this machine.
"${AR:-ar}" rcsD "$archive" "$work/thinkwire.o"
