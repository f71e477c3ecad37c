// A handwritten but correct parser: it splits lines and reads the fields with simdjson's on-demand
// parser.
#include <simdjson.h>

#include <string>

#include "bench.h"
#include "lines.hpp"

namespace
{

struct Loop {
    easy *transfer;
    simdjson::ondemand::parser parser;
    Lines lines;
    std::string document, texts[CHANNELS];
    tally *counts;

    void take(channel channel, simdjson::ondemand::value value)
    {
        std::string_view piece;
        if (value.get_string().get(piece) != simdjson::SUCCESS || piece.empty()) return;
        texts[channel].append(piece);
        count_piece(counts, channel, piece.data(), piece.size());
    }

    // Members are taken in their order, which is the fastest way.
    void takeChoices(simdjson::ondemand::document &document, const char *member)
    {
        simdjson::ondemand::array choices;
        if (document.find_field("choices").get_array().get(choices)) return;
        for (auto choice : choices) {
            simdjson::ondemand::object delta;
            if (choice.find_field(member).get_object().get(delta)) continue;
            for (auto field : delta) {
                simdjson::ondemand::raw_json_string key;
                if (field.key().get(key)) fail("simdjson", "not JSON");
                if (key.unsafe_is_equal("content")) {
                    take(CONTENT, field.value());
                } else if (key.unsafe_is_equal("reasoning_content")) {
                    take(REASONING, field.value());
                }
            }
        }
    }

    void take(simdjson::padded_string_view json, const char *member)
    {
        simdjson::ondemand::document document;
        if (parser.iterate(json).get(document)) fail("simdjson", "not JSON");
        takeChoices(document, member);
    }
};

size_t receive(char *bytes, size_t size, size_t count, void *userdata)
{
    auto *loop = static_cast<Loop *>(userdata);
    loop->counts->bytes += size * count;
    loop->lines.receive(bytes, size * count, [=](auto json) { loop->take(json, "delta"); });
    return size * count;
}

size_t collect(char *bytes, size_t size, size_t count, void *userdata)
{
    auto *loop = static_cast<Loop *>(userdata);
    loop->counts->bytes += size * count;
    loop->document.append(bytes, size * count);
    return size * count;
}

template <long bufferSize> void *open(const char *base_url)
{
    auto *loop = new Loop;
    loop->transfer = easy_open(base_url, bufferSize);
    return loop;
}

void begin(Loop *loop, tally *counts)
{
    loop->counts = counts;
    loop->lines.input.clear();
    loop->document.clear();
    for (auto &text : loop->texts) text.clear();
}

void exchange(void *state, const char *body, tally *counts)
{
    auto *loop = static_cast<Loop *>(state);
    begin(loop, counts);
    easy_exchange(loop->transfer, body, receive, loop);
}

void exchangeDocument(void *state, const char *body, tally *counts)
{
    auto *loop = static_cast<Loop *>(state);
    begin(loop, counts);
    easy_exchange(loop->transfer, body, collect, loop);
    loop->document.reserve(loop->document.size() + simdjson::SIMDJSON_PADDING);
    loop->take(simdjson::padded_string_view(loop->document), "message");
}

void close(void *state)
{
    auto *loop = static_cast<Loop *>(state);
    easy_close(loop->transfer);
    delete loop;
}

} // namespace

extern "C" const receiver by_simdjson = { "simdjson loop", open<0>, exchange, close };
extern "C" const receiver by_simdjson_large = { "simdjson loop, 128 KB buffer", open<LARGE_BUFFER>,
                                                exchange, close };
extern "C" const receiver by_simdjson_document = { "simdjson", open<0>, exchangeDocument, close };
