/* Number conversion, and one line of text per thread. */
#define _GNU_SOURCE
#include "CPlatform.h"

#include <locale.h>

double platform_number(const char *digits, size_t length)
{
    char buffer[64];
    char *text = length < sizeof buffer ? buffer : malloc(length + 1);
    if (!text) return 0;
    memcpy(text, digits, length);
    text[length] = 0;
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = c_locale ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
    if (c_locale) freelocale(c_locale);
    if (text != buffer) free(text);
    return value;
}

void platform_write_number(double number, char *text)
{
    char written[PLATFORM_NUMBER];
    int digits = 15;
    do {
        snprintf(written, sizeof written, "%.*g", digits, number);
        /* The decimal point is that of the host's locale, and can have several bytes. */
        char *end = text;
        for (const char *next = written; *next; next++) {
            if (strchr("0123456789+-e", *next))
                *end++ = *next;
            else if (end[-1] != '.')
                *end++ = '.';
        }
        *end = 0;
    } while (platform_number(text, strlen(text)) != number && ++digits <= 17);
}

const void *platform_find(const void *bytes, size_t count, const void *part, size_t part_count)
{
    return memmem(bytes, count, part, part_count);
}

/*
 * A pthread key instead of _Thread_local, which would add the dynamic linker itself to the
 * dependencies of the library.
 */
static pthread_key_t line_key;
static bool has_line_key;
static pthread_once_t line_once = PTHREAD_ONCE_INIT;

static void create_line_key(void)
{
    has_line_key = pthread_key_create(&line_key, free) == 0;
}

char *platform_thread_line(void)
{
    pthread_once(&line_once, create_line_key);
    if (!has_line_key) return NULL;
    char *line = pthread_getspecific(line_key);
    if (line || !(line = calloc(1, PLATFORM_LINE))) return line;
    if (pthread_setspecific(line_key, line) == 0) return line;
    free(line);
    return NULL;
}
