/*
 * A minimal parser for a known server: it splits lines, searches for two fields, and unescapes
 * them. It does not validate JSON or UTF-8, does not combine surrogate pairs, and has no limits.
 */
#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct text {
    char *bytes;
    size_t count, room;
};

struct hand {
    struct easy *easy;
    struct text line, texts[CHANNELS];
    struct tally *tally;
};

static void reserve(struct text *text, size_t extra)
{
    if (text->count + extra < text->room) return;
    text->room = (text->count + extra + 32) * 2;
    text->bytes = realloc(text->bytes, text->room);
    if (!text->bytes) fail("by hand", "no memory");
}

static void append(struct text *text, const char *bytes, size_t count)
{
    reserve(text, count);
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
}

static void append_unit(struct text *text, unsigned unit)
{
    if (unit < 0x80) {
        append(text, (char[]){ (char)unit }, 1);
    } else if (unit < 0x800) {
        append(text, (char[]){ (char)(0xC0 | unit >> 6), (char)(0x80 | (unit & 0x3F)) }, 2);
    } else {
        append(text,
               (char[]){ (char)(0xE0 | unit >> 12), (char)(0x80 | (unit >> 6 & 0x3F)),
                         (char)(0x80 | (unit & 0x3F)) },
               3);
    }
}

/* Appends the value of a field of this chunk, and counts it. */
static void take(struct hand *hand, enum channel channel, const char *chunk, const char *end,
                 const char *field, size_t length)
{
    const char *at = memmem(chunk, (size_t)(end - chunk), field, length);
    if (!at) return;
    struct text *text = &hand->texts[channel];
    size_t before = text->count;
    for (at += length; at < end && *at != '"';) {
        const char *special = at;
        while (special < end && *special != '"' && *special != '\\') special++;
        append(text, at, (size_t)(special - at));
        at = special;
        if (at >= end || *at != '\\') continue;
        if (at + 1 < end && at[1] == 'u' && at + 6 <= end) {
            char digits[5] = { at[2], at[3], at[4], at[5], 0 };
            append_unit(text, (unsigned)strtoul(digits, NULL, 16));
            at += 6;
        } else if (at + 1 < end) {
            char c = at[1];
            append(text, (char[]){ c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c }, 1);
            at += 2;
        } else {
            break;
        }
    }
    if (text->count > before)
        count_piece(hand->tally, channel, text->bytes + before, text->count - before);
}

#define FIELD(name) "\"" name "\":\"", sizeof("\"" name "\":\"") - 1

static void take_line(struct hand *hand, const char *line, const char *end)
{
    if (end - line < 6 || memcmp(line, "data: ", 6) != 0) return;
    const char *delta = memmem(line, (size_t)(end - line), "\"delta\":{", 9);
    if (!delta) return;
    take(hand, REASONING, delta, end, FIELD("reasoning_content"));
    take(hand, CONTENT, delta, end, FIELD("content"));
}

static size_t receive(char *bytes, size_t size, size_t count, void *userdata)
{
    struct hand *hand = userdata;
    const char *at = bytes, *end = bytes + size * count, *stop;
    hand->tally->bytes += size * count;
    while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
        if (hand->line.count > 0) {
            append(&hand->line, at, (size_t)(stop - at));
            take_line(hand, hand->line.bytes, hand->line.bytes + hand->line.count);
            hand->line.count = 0;
        } else {
            take_line(hand, at, stop);
        }
        at = stop + 1;
    }
    append(&hand->line, at, (size_t)(end - at));
    return size * count;
}

static void *open_hand(const char *base_url)
{
    struct hand *hand = calloc(1, sizeof *hand);
    if (!hand) fail("by hand", "no memory");
    hand->easy = easy_open(base_url, 0);
    return hand;
}

static void exchange(void *state, const char *body, struct tally *tally)
{
    struct hand *hand = state;
    hand->tally = tally;
    hand->line.count = hand->texts[REASONING].count = hand->texts[CONTENT].count = 0;
    easy_exchange(hand->easy, body, receive, hand);
}

static void close_hand(void *state)
{
    struct hand *hand = state;
    easy_close(hand->easy);
    free(hand->line.bytes);
    for (int i = 0; i < CHANNELS; i++) free(hand->texts[i].bytes);
    free(hand);
}

const struct receiver by_hand = { "strstr loop", open_hand, exchange, close_hand };
