// A handwritten but correct parser: it splits lines and reads the fields with simdjson's on-demand
// parser.
#include <simdjson.h>

#include <cstring>
#include <string>

#include "bench.h"

namespace
{

struct Loop {
    easy *transfer;
    simdjson::ondemand::parser parser;
    std::string input, texts[CHANNELS];
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

    // `room` is how many bytes can be read from the start of the line.
    void takeLine(const char *line, size_t length, size_t room)
    {
        if (length < 6 || std::memcmp(line, "data: ", 6) != 0 ||
            (length == 12 && std::memcmp(line + 6, "[DONE]", 6) == 0))
            return;
        simdjson::ondemand::document document;
        if (parser.iterate(line + 6, length - 6, room - 6).get(document))
            fail("simdjson", "not JSON");
        takeChoices(document, "delta");
    }

    // An unstreamed response.
    void takeDocument()
    {
        simdjson::ondemand::document document;
        input.reserve(input.size() + simdjson::SIMDJSON_PADDING);
        if (parser.iterate(input.data(), input.size(), input.capacity()).get(document))
            fail("simdjson", "not JSON");
        takeChoices(document, "message");
    }

    void receive(const char *bytes, size_t count)
    {
        input.append(bytes, count);
        input.reserve(input.size() + simdjson::SIMDJSON_PADDING);
        size_t at = 0;
        while (const void *found = std::memchr(input.data() + at, '\n', input.size() - at)) {
            size_t end = static_cast<size_t>(static_cast<const char *>(found) - input.data());
            takeLine(input.data() + at, end - at, input.capacity() - at);
            at = end + 1;
        }
        input.erase(0, at);
    }
};

size_t receive(char *bytes, size_t size, size_t count, void *userdata)
{
    auto *loop = static_cast<Loop *>(userdata);
    loop->counts->bytes += size * count;
    loop->receive(bytes, size * count);
    return size * count;
}

size_t collect(char *bytes, size_t size, size_t count, void *userdata)
{
    auto *loop = static_cast<Loop *>(userdata);
    loop->counts->bytes += size * count;
    loop->input.append(bytes, size * count);
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
    loop->input.clear();
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
    loop->takeDocument();
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
