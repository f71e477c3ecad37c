/* Validates UTF-8. */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>

/** Whether the bytes are well-formed UTF-8 (RFC 3629). */
static inline bool is_utf8(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned char first = (unsigned char)bytes[i++];
        int more = first < 0x80   ? 0
                   : first < 0xC2 ? -1
                   : first < 0xE0 ? 1
                   : first < 0xF0 ? 2
                   : first < 0xF5 ? 3
                                  : -1;
        if (more < 0 || len - i < (size_t)more) return false;
        for (int k = 0; k < more; k++) {
            unsigned char next = (unsigned char)bytes[i++];
            unsigned char low = k > 0 ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
            unsigned char high = k > 0 ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
            if (next < low || next > high) return false;
        }
    }
    return true;
}

#endif
