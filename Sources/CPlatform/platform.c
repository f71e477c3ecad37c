#define _GNU_SOURCE
#include "CPlatform.h"

#include <locale.h>

double platform_number(const char *digits, size_t length) {
    char room[64];
    char *text = length < sizeof room ? room : malloc(length + 1);
    if (!text) return 0;
    memcpy(text, digits, length);
    text[length] = 0;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = plain ? strtod_l(text, NULL, plain) : strtod(text, NULL);
    if (plain) freelocale(plain);
    if (text != room) free(text);
    return value;
}

char *platform_thread_line(void) {
    static _Thread_local char line[PLATFORM_LINE];
    return line;
}
