#define _XOPEN_SOURCE 700 /* wcwidth */

#include "wrap.h"

#include <string.h>
#include <wchar.h>

#include "terminal.h"

static void put_word(struct wrap *wrap)
{
    if (wrap->word.len == 0) return;
    if (wrap->column + wrap->gap + wrap->word_width > wrap->width) {
        if (wrap->column > 0) fputc('\n', wrap->stream);
        wrap->column = wrap->gap = 0;
    }
    for (; wrap->gap > 0; wrap->gap--, wrap->column++) fputc(' ', wrap->stream);
    fwrite(wrap->word.bytes, 1, wrap->word.len, wrap->stream);
    wrap->column += wrap->word_width;
    wrap->word_width = 0;
    text_clear(&wrap->word);
}

/* Lines may also break before and after a wide character, such as those of Chinese. */
static void add_character(struct wrap *wrap, const char *bytes, size_t len, int width)
{
    if (width > 1 || wrap->word_width + width > wrap->width) put_word(wrap);
    text_append(&wrap->word, bytes, len);
    wrap->word_width += width;
    if (width > 1) put_word(wrap);
}

void wrap_write(struct wrap *wrap, const char *bytes, size_t len)
{
    /* The window may have been resized since the last piece. */
    wrap->width = terminal_width(wrap->stream);
    mbstate_t state;
    memset(&state, 0, sizeof state);
    for (size_t used; len > 0; bytes += used, len -= used) {
        wchar_t character;
        used = mbrtowc(&character, bytes, len, &state);
        if (used == 0 || used > len) {
            memset(&state, 0, sizeof state);
            character = L'?';
            used = 1;
        }
        if (character == L'\n') {
            put_word(wrap);
            fputc('\n', wrap->stream);
            wrap->column = wrap->gap = 0;
        } else if (character == L' ' || character == L'\t') {
            put_word(wrap);
            wrap->gap += character == L'\t' ? 8 - (wrap->column + wrap->gap) % 8 : 1;
        } else {
            int width = wcwidth(character);
            add_character(wrap, bytes, used, width > 0 ? width : 0);
        }
    }
}

void wrap_end(struct wrap *wrap)
{
    put_word(wrap);
    text_free(&wrap->word);
    wrap->column = wrap->gap = 0;
}
