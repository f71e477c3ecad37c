// The least that a Python program needs of a library in C++: it receives a stream with libcurl,
// parses it with simdjson, and returns the content that has arrived, or one piece of it, to ctypes.
#include <curl/curl.h>
#include <simdjson.h>

#include <string>
#include <vector>

#include "lines.hpp"

namespace
{

struct Stream {
    CURLM *multi = curl_multi_init();
    CURL *easy = curl_easy_init();
    curl_slist *headers = nullptr;
    simdjson::ondemand::parser parser;
    Lines lines;
    std::string body, text;
    std::vector<size_t> ends; // Where the pieces end in `text`.
    size_t next = 0;          // The first piece that was not taken.
    int running = 0;

    void take(simdjson::padded_string_view json)
    {
        simdjson::ondemand::document document;
        simdjson::ondemand::array choices;
        if (parser.iterate(json).get(document) ||
            document.find_field("choices").get_array().get(choices))
            return;
        for (auto choice : choices) {
            std::string_view piece;
            if (choice.find_field("delta")["content"].get_string().get(piece) || piece.empty())
                continue;
            text.append(piece);
            ends.push_back(text.size());
        }
    }

    // Waits until something has arrived. False at the end.
    bool wait()
    {
        if (next < ends.size()) return true;
        text.clear();
        ends.clear();
        next = 0;
        while (ends.empty() && running) {
            curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
            curl_multi_perform(multi, &running);
        }
        return !ends.empty();
    }
};

size_t write(char *bytes, size_t size, size_t count, void *stream)
{
    auto *receiver = static_cast<Stream *>(stream);
    receiver->lines.receive(bytes, size * count, [=](auto json) { receiver->take(json); });
    return size * count;
}

} // namespace

extern "C" {

void *stream_open(const char *url)
{
    auto *stream = new Stream;
    stream->headers = curl_slist_append(nullptr, "Content-Type: application/json");
    stream->headers = curl_slist_append(stream->headers, "Authorization: Bearer key");
    curl_easy_setopt(stream->easy, CURLOPT_URL, url);
    curl_easy_setopt(stream->easy, CURLOPT_HTTPHEADER, stream->headers);
    curl_easy_setopt(stream->easy, CURLOPT_WRITEFUNCTION, write);
    curl_easy_setopt(stream->easy, CURLOPT_WRITEDATA, stream);
    return stream;
}

void stream_begin(void *opaque, const char *body)
{
    auto *stream = static_cast<Stream *>(opaque);
    stream->body = body;
    curl_easy_setopt(stream->easy, CURLOPT_POSTFIELDS, stream->body.c_str());
    curl_multi_remove_handle(stream->multi, stream->easy);
    curl_multi_add_handle(stream->multi, stream->easy);
    curl_multi_perform(stream->multi, &stream->running);
}

// Returns the length of all content that has arrived; 0 at the end.
size_t stream_batch(void *opaque, const char **text)
{
    auto *stream = static_cast<Stream *>(opaque);
    if (!stream->wait()) return 0;
    stream->next = stream->ends.size();
    *text = stream->text.data();
    return stream->text.size();
}

// Returns the length of the next piece of the content; 0 at the end.
size_t stream_next(void *opaque, const char **text)
{
    auto *stream = static_cast<Stream *>(opaque);
    if (!stream->wait()) return 0;
    size_t start = stream->next > 0 ? stream->ends[stream->next - 1] : 0;
    *text = stream->text.data() + start;
    return stream->ends[stream->next++] - start;
}

void stream_close(void *opaque)
{
    auto *stream = static_cast<Stream *>(opaque);
    curl_multi_remove_handle(stream->multi, stream->easy);
    curl_easy_cleanup(stream->easy);
    curl_multi_cleanup(stream->multi);
    curl_slist_free_all(stream->headers);
    delete stream;
}
}
