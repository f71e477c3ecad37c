#include "report.h"

#include <errno.h>
#include <string.h>
#include <thinkwire.h>

#include "terminal.h"
#include "text.h"

/*
 * What messages of the library advise, and how a user of the program does it. The longest phrase
 * comes first. Tests/chat/test_messages.py fails if a function in a message is missing here.
 */
static const struct {
    const char *phrase, *replacement;
} advice[] = {
    { "call tw_options_set_api_key, or set ", "set " },
    { "allow it with tw_options_allow_cleartext",
      "allow it with --allow-cleartext HOST or THINKWIRE_ALLOW_CLEARTEXT" },
    { "tw_options_set_timeout", "--timeout" },
    { "what was received is in the reply; ", "" },
    { "raise TW_LIMIT_REPLY with tw_options_set_limit", "ask for less" },
    { "raise TW_LIMIT_EVENT with tw_options_set_limit", "ask for less" },
    { "raise TW_LIMIT_HEADERS with tw_options_set_limit", "ask the server's operator" },
    { "tw_options_set_proxy, or https_proxy in the environment", "https_proxy in the environment" },
    { "name its issuer with tw_options_set_ca_file", "name its issuer with --ca-file" },
    { "give tw_options_set_ca_file", "give --ca-file" },
    { ": call tw_chat_send or tw_chat_stream instead", ": thinkwire-chat always streams" },
};

int fail(int status, const char *message, const char *detail)
{
    fputs("thinkwire-chat: ", stderr);
    put_text(stderr, message, strlen(message));
    put_text(stderr, detail, strlen(detail));
    fputc('\n', stderr);
    return status;
}

int fail_file(int status, const char *action, const char *file)
{
    const char *reason = strerror(errno);
    struct text message = { 0 };
    text_add(&message, action);
    text_add(&message, file);
    text_add(&message, ": ");
    fail(status, message.bytes, reason);
    text_free(&message);
    return status;
}

int fail_invalid(const char *what)
{
    fputs("thinkwire-chat: ", stderr);
    if (what) fprintf(stderr, "%s: ", what);
    put_message(stderr, tw_last_error());
    fputc('\n', stderr);
    return EXIT_USAGE;
}

void put_message(FILE *stream, const char *message)
{
    struct text text = { 0 };
    while (*message) {
        size_t used = 0;
        for (size_t i = 0; used == 0 && i < sizeof advice / sizeof *advice; i++) {
            size_t len = strlen(advice[i].phrase);
            if (strncmp(message, advice[i].phrase, len) != 0) continue;
            text_add(&text, advice[i].replacement);
            used = len;
        }
        if (used == 0) text_append(&text, message, 1);
        message += used > 0 ? used : 1;
    }
    put_text(stream, text_string(&text), text.len);
    text_free(&text);
}
