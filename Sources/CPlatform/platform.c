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

/* A pthread key and not _Thread_local, which would make the dynamic linker itself a library that we need. */
static pthread_key_t line_key;
static pthread_once_t line_once = PTHREAD_ONCE_INIT;
static void create_line_key(void) { pthread_key_create(&line_key, free); }

char *platform_thread_line(void) {
    pthread_once(&line_once, create_line_key);
    char *line = pthread_getspecific(line_key);
    if (!line) {
        line = calloc(1, PLATFORM_LINE);
        pthread_setspecific(line_key, line);
    }
    return line;
}
