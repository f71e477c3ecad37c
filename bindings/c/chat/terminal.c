#define _DEFAULT_SOURCE /* SIGWINCH, struct winsize */

#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

volatile sig_atomic_t interrupted, resized, continued;

static void on_signal(int number)
{
    if (number == SIGINT) interrupted = 1;
    if (number == SIGWINCH) resized = 1;
    if (number == SIGCONT) continued = 1;
}

bool terminal_prepare(void)
{
    static const int signals[] = { SIGINT, SIGWINCH, SIGCONT };
    /* SA_RESTART is set except for Ctrl-C, which also ends the wait for a line. */
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = { .sa_handler = on_signal };
        if (signals[i] != SIGINT) action.sa_flags = SA_RESTART;
        if (sigaction(signals[i], &action, NULL) != 0) return false;
    }
    /* All texts of the program are UTF-8, whatever the user's language is. */
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
    return true;
}

bool understands_escapes(FILE *stream)
{
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && term && *term && strcmp(term, "dumb") != 0;
}

bool may_style(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    return understands_escapes(stream) && !(no_color && *no_color);
}

int terminal_width(FILE *stream)
{
    struct winsize size;
    if (!isatty(fileno(stream))) return 0;
    bool is_known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return is_known ? size.ws_col : 80;
}

void text_append_visible(struct text *text, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        /* The C1 controls are U+0080 to U+009F, which is C2 80 to C2 9F in UTF-8. */
        bool c1 = byte == 0xC2 && i + 1 < len && (unsigned char)bytes[i + 1] < 0xA0;
        if (c1) i++;
        if (c1 || byte == 0x7F || (byte < 0x20 && byte != '\n' && byte != '\t'))
            text_add(text, "\xEF\xBF\xBD");
        else
            text_append(text, bytes + i, 1);
    }
}

void put_text(FILE *stream, const char *bytes, size_t len)
{
    if (!isatty(fileno(stream))) {
        fwrite(bytes, 1, len, stream);
        return;
    }
    struct text visible = { 0 };
    text_append_visible(&visible, bytes, len);
    fwrite(text_string(&visible), 1, visible.len, stream);
    text_free(&visible);
}
