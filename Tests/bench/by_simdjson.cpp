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
    std::string input, reasoning, content;
    tally *counts;

    void take(std::string &text, simdjson::ondemand::object &delta, const char *field)
    {
        std::string_view piece;
        if (delta[field].get_string().get(piece) != simdjson::SUCCESS || piece.empty()) return;
        text += piece;
        count_piece(counts, piece.size());
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
        simdjson::ondemand::array choices;
        if (document["choices"].get_array().get(choices)) return;
        for (auto choice : choices) {
            simdjson::ondemand::object delta;
            if (choice["delta"].get_object().get(delta)) continue;
            take(reasoning, delta, "reasoning_content");
            take(content, delta, "content");
        }
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
    static_cast<Loop *>(userdata)->receive(bytes, size * count);
    return size * count;
}

void *open(const char *base_url)
{
    auto *loop = new Loop;
    loop->transfer = easy_open(base_url);
    return loop;
}

void exchange(void *state, const char *body, tally *counts)
{
    auto *loop = static_cast<Loop *>(state);
    loop->counts = counts;
    loop->input.clear();
    loop->reasoning.clear();
    loop->content.clear();
    easy_exchange(loop->transfer, body, receive, loop);
}

void close(void *state)
{
    auto *loop = static_cast<Loop *>(state);
    easy_close(loop->transfer);
    delete loop;
}

} // namespace

extern "C" const receiver by_simdjson = { "simdjson loop by hand", open, exchange, close };
