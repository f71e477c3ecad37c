/* The framing of an HTTP/1.1 request. Header only, so that Tests/fuzz can use it without
 * linking. */
#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/**
 * The size of the request that starts at `bytes`, its body included; 0 until its head is complete.
 * `bytes` ends in a NUL. A request without Content-Length has no body.
 */
static inline size_t http_request_size(const char *bytes)
{
    static const char name[] = "\r\nContent-Length:";
    const char *end = strstr(bytes, "\r\n\r\n");
    if (!end) return 0;
    size_t head = (size_t)(end + 4 - bytes);
    for (const char *line = bytes; line < end; line++) {
        if (strncasecmp(line, name, sizeof name - 1) == 0)
            return head + strtoul(line + sizeof name - 1, NULL, 10);
    }
    return head;
}

#endif
