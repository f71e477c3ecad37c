/*
 * A host program whose locale writes numbers with a decimal comma: numbers in requests have a point
 * all the same. The locales that do so are not installed everywhere, so this program replaces
 * snprintf by one that behaves as if one of them were set.
 */
#define _GNU_SOURCE

#include "guest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int formatted_numbers;

/* The dynamic linker searches the program first, also for the library. */
int snprintf(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, size, format, arguments);
    va_end(arguments);
    char *point = strchr(text, '.');
    if (strchr(format, 'g')) formatted_numbers++;
    /* The decimal separator of Persian has two bytes. */
    if (strchr(format, 'g') && point && (size_t)length + 1 < size) {
        memmove(point + 2, point + 1, strlen(point));
        memcpy(point, "\xD9\xAB", 2);
    }
    return length;
}

int main(void)
{
    tw_request *request = tw_request_create("m");
    CHECK_STATUS(tw_request_set_number(request, "temperature", 0.25), TW_OK);
    CHECK_STATUS(tw_request_set_number(request, "top_p", 1e-7), TW_OK);
    CHECK_TEXT(tw_request_json(request, NULL),
               "{\"model\":\"m\",\"messages\":[],\"temperature\":0.25,\"top_p\":1e-07}");
    CHECK(formatted_numbers >= 2);
    tw_request_destroy(request);
    return guest_end();
}
