// What the programs with simdjson share: the lines of an SSE stream that have JSON.
#ifndef LINES_HPP
#define LINES_HPP

#include <simdjson.h>

#include <cstring>
#include <string>

struct Lines {
    std::string input; // What is left of the last line.

    // Calls take(json) for each line "data: {…}" that is complete.
    template <typename Take> void receive(const char *bytes, size_t count, Take take)
    {
        input.append(bytes, count);
        // simdjson reads beyond the end of its input.
        input.reserve(input.size() + simdjson::SIMDJSON_PADDING);
        size_t at = 0;
        while (const void *found = std::memchr(input.data() + at, '\n', input.size() - at)) {
            const char *line = input.data() + at;
            size_t length = static_cast<size_t>(static_cast<const char *>(found) - line);
            if (length > 7 && std::memcmp(line, "data: {", 7) == 0)
                take(simdjson::padded_string_view(line + 6, length - 6, input.capacity() - at - 6));
            at += length + 1;
        }
        input.erase(0, at);
    }
};

#endif
