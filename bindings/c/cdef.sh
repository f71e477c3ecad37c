#!/bin/sh
# cdef.sh HEADER: prints the declarations of a header for foreign function interfaces that read C:
# without preprocessor directives, attributes and comments.
set -eu
sed -e '/^#ifdef __cplusplus/,/^#endif/d' -e '/^#/d' -e 's/^TW_API //' "$1" |
    awk '
        # Comments are blocks that begin a line, or that are one line.
        { line = $0 }
        inside { if (line ~ /\*\//) inside = 0; next }
        line ~ /^ *\/\*/ { if (line !~ /\*\//) inside = 1; next }
        line !~ /^ *$/ { print line }'
