/*
 * thinkwire.hpp: libthinkwire for C++17, in one header over thinkwire.h.
 *
 *     thinkwire::Client client;
 *     thinkwire::Request request("alibaba/qwen3-32b", "Hello");
 *     for (auto &event : client.stream(request))
 *         if (event.kind() == thinkwire::Kind::content) std::cout << event.text();
 *
 * Objects own their C objects and can be moved; requests and replies can be copied. thinkwire.h
 * describes the functions that the methods are named after, and which threads may call them.
 *
 * Errors      With exceptions, an exchange that does not end with Status::ok throws an Error, and so
 *             does creating a Client or a Loop that fails. Without exceptions (-fno-exceptions, or
 *             THINKWIRE_EXCEPTIONS defined as 0), a loop over a stream ends, and stream.reply() has
 *             the status; client.error() says why a client could not be created.
 *             A setter that fails returns its object as well. The failure is reported when the
 *             object is used; request.error() and options.error() return it before.
 * Text        Arguments are UTF-8. A text that contains a NUL is invalid. A std::string_view that is
 *             returned is borrowed from its object: from a reply or a JSON text until its end, from
 *             an event until the next one, from an error() until the next call.
 */
#ifndef THINKWIRE_HPP
#define THINKWIRE_HPP

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thinkwire.h>
#include <utility>
#include <vector>

#ifndef THINKWIRE_EXCEPTIONS
#ifdef __cpp_exceptions
#define THINKWIRE_EXCEPTIONS 1
#else
#define THINKWIRE_EXCEPTIONS 0
#endif
#endif

#if THINKWIRE_EXCEPTIONS
#include <exception>
#endif

namespace thinkwire
{

enum class Status {
    ok = TW_OK,
    invalid = TW_INVALID,
    misuse = TW_MISUSE,
    cancelled = TW_CANCELLED,
    resolve = TW_RESOLVE,
    connect = TW_CONNECT,
    tls = TW_TLS,
    network = TW_NETWORK,
    timeout = TW_TIMEOUT,
    auth = TW_AUTH,
    forbidden = TW_FORBIDDEN,
    quota = TW_QUOTA,
    not_found = TW_NOT_FOUND,
    bad_request = TW_BAD_REQUEST,
    rate_limited = TW_RATE_LIMITED,
    server = TW_SERVER,
    truncated = TW_TRUNCATED,
    protocol = TW_PROTOCOL,
    limit = TW_LIMIT,
};

enum class Kind {
    reasoning = TW_EVENT_REASONING,
    content = TW_EVENT_CONTENT,
    refusal = TW_EVENT_REFUSAL,
    tool_call = TW_EVENT_TOOL_CALL,
    usage = TW_EVENT_USAGE,
    finish = TW_EVENT_FINISH,
    retry = TW_EVENT_RETRY,
    done = TW_EVENT_DONE,
};

enum class Thinking {
    automatic = TW_THINKING_AUTO,
    off = TW_THINKING_OFF,
    none = TW_THINKING_NONE,
    on = TW_THINKING_ON,
    minimal = TW_THINKING_MINIMAL,
    low = TW_THINKING_LOW,
    medium = TW_THINKING_MEDIUM,
    high = TW_THINKING_HIGH,
    xhigh = TW_THINKING_XHIGH,
    max = TW_THINKING_MAX,
};

enum class Timeout {
    connect = TW_TIMEOUT_CONNECT,
    first_byte = TW_TIMEOUT_FIRST_BYTE,
    idle = TW_TIMEOUT_IDLE,
    total = TW_TIMEOUT_TOTAL,
};

enum class Limit {
    event = TW_LIMIT_EVENT,
    reply = TW_LIMIT_REPLY,
    headers = TW_LIMIT_HEADERS,
};

enum class HttpVersion {
    automatic = TW_HTTP_AUTO,
    http_1_1 = TW_HTTP_1_1,
    http_2 = TW_HTTP_2,
};

enum class Dialect {
    automatic = TW_DIALECT_AUTO,
    none = TW_DIALECT_NONE,
    enable_thinking = TW_DIALECT_ENABLE_THINKING,
    chat_template = TW_DIALECT_CHAT_TEMPLATE,
    reasoning_effort = TW_DIALECT_REASONING_EFFORT,
    reasoning_object = TW_DIALECT_REASONING_OBJECT,
    thinking_type = TW_DIALECT_THINKING_TYPE,
    template_thinking = TW_DIALECT_TEMPLATE_THINKING,
};

enum class LoopLimit {
    exchanges = TW_LOOP_EXCHANGES,
    connections = TW_LOOP_CONNECTIONS,
};

enum class Next {
    timeout = TW_NEXT_TIMEOUT,
    end = TW_NEXT_END,
    event = TW_NEXT_EVENT,
};

enum class JsonType {
    absent = TW_JSON_NONE,
    null = TW_JSON_NULL,
    boolean = TW_JSON_BOOL,
    number = TW_JSON_NUMBER,
    string = TW_JSON_STRING,
    array = TW_JSON_ARRAY,
    object = TW_JSON_OBJECT,
};

using Usage = tw_usage;
using Timing = tw_timing;
using Milliseconds = std::chrono::milliseconds;

/** The name of a status in thinkwire.h, such as "TW_OK". */
inline const char *name(Status status)
{
    return tw_status_name(static_cast<tw_status>(status));
}

/** The version of the loaded library. */
inline const char *version()
{
    return tw_version();
}

namespace detail
{

/* The text as an argument in C. In place of a text with a NUL, which C would cut, it is one that
 * every function rejects: a control character, and not UTF-8. */
inline const char *argument(const std::string &text)
{
    return text.size() == std::strlen(text.c_str()) ? text.c_str() : "\x01\xFF";
}

inline const char *argument(const std::optional<std::string> &text)
{
    return text ? argument(*text) : nullptr;
}

/* The result of a function that also stores a length. */
template <typename Function, typename... Arguments>
std::string_view view(Function function, Arguments... arguments)
{
    size_t length = 0;
    const char *text = function(arguments..., &length);
    return text ? std::string_view(text, length) : std::string_view();
}

/* Owns a C object. */
template <auto destroy> struct Destroy {
    template <typename Object> void operator()(Object *object) const { destroy(object); }
};
template <typename Object, auto destroy> using Owned = std::unique_ptr<Object, Destroy<destroy>>;

inline int whole(Milliseconds time)
{
    return static_cast<int>(time.count() < 0            ? -1
                            : time.count() > 2147483647 ? 2147483647
                                                        : time.count());
}

} // namespace detail

/** A JSON text to look values up in, by JSON pointers such as "/cities/0". */
class Json
{
  public:
    /** Parses a text. If it is not JSON, error() says why, and nothing is found in it. */
    explicit Json(std::string_view text)
    {
        tw_json *parsed = nullptr;
        if (tw_json_parse(text.data() ? text.data() : "", text.size(), &parsed) != TW_OK)
            error_ = tw_last_error();
        json_.reset(parsed);
    }

    explicit operator bool() const { return json_ != nullptr; }
    const std::string &error() const { return error_; }

    /** The text of a string, or the JSON of another value; nothing if there is no such value. */
    std::optional<std::string_view> get(const std::string &pointer) const
    {
        size_t length = 0;
        const char *text = tw_json_get(json_.get(), detail::argument(pointer), &length);
        return text ? std::optional(std::string_view(text, length)) : std::nullopt;
    }
    double number(const std::string &pointer, double missing = 0) const
    {
        return tw_json_number(json_.get(), detail::argument(pointer), missing);
    }
    size_t count(const std::string &pointer) const
    {
        return tw_json_count(json_.get(), detail::argument(pointer));
    }
    JsonType type(const std::string &pointer) const
    {
        return static_cast<JsonType>(tw_json_type_at(json_.get(), detail::argument(pointer)));
    }

  private:
    detail::Owned<tw_json, tw_json_destroy> json_;
    std::string error_;
};

/** A tool call of a reply, from which its texts are borrowed. */
struct ToolCall {
    int choice;
    int index;
    std::string_view id;
    std::string_view name;
    /** As the model wrote them, possibly invalid JSON: see Json. */
    std::string_view arguments;
};

/** The result of an exchange. Copies share it; any number of threads may read it. */
class Reply
{
  public:
    /** A reply without an exchange, whose status is Status::invalid. */
    Reply() = default;
    /** Takes over a reply of C. */
    explicit Reply(tw_reply *reply) : reply_(reply) {}
    Reply(const Reply &other) : reply_(tw_reply_retain(other.get())) {}
    Reply &operator=(const Reply &other)
    {
        reply_.reset(tw_reply_retain(other.get()));
        return *this;
    }
    Reply(Reply &&) = default;
    Reply &operator=(Reply &&) = default;

    tw_reply *get() const { return reply_.get(); }
    Status status() const { return static_cast<Status>(tw_reply_status(get())); }
    bool ok() const { return status() == Status::ok; }
    std::string_view message() const { return tw_reply_message(get()); }
    int attempts() const { return tw_reply_attempts(get()); }
    int http_status() const { return tw_reply_http_status(get()); }
    std::string_view reasoning() const { return detail::view(tw_reply_reasoning, get()); }
    std::string_view content() const { return detail::view(tw_reply_content, get()); }
    std::string_view refusal() const { return detail::view(tw_reply_refusal, get()); }
    std::string_view finish_reason() const { return tw_reply_finish_reason(get()); }
    std::string_view request_id() const { return tw_reply_request_id(get()); }
    std::string_view json() const { return detail::view(tw_reply_json, get()); }
    const Usage &usage() const { return *tw_reply_usage(get()); }
    const Timing &timing() const { return *tw_reply_timing(get()); }

    /** The status and the message of the error that caused the last retry; ok and "" without. */
    std::pair<Status, std::string_view> last_error() const
    {
        tw_status status = TW_OK;
        std::string_view message = tw_reply_last_error(get(), &status);
        return { static_cast<Status>(status), message };
    }

    std::optional<std::string_view> header(const std::string &name) const
    {
        const char *value = tw_reply_header(get(), detail::argument(name));
        return value ? std::optional<std::string_view>(value) : std::nullopt;
    }

    /** A value of the document, by a JSON pointer such as "/choices/0/message/content". */
    std::optional<std::string_view> get(const std::string &pointer) const
    {
        size_t length = 0;
        const char *text = tw_reply_get(get(), detail::argument(pointer), &length);
        return text ? std::optional(std::string_view(text, length)) : std::nullopt;
    }

    std::vector<ToolCall> tool_calls() const
    {
        std::vector<ToolCall> calls;
        for (size_t i = 0; i < tw_reply_tool_call_count(get()); i++) {
            const tw_tool_call *call = tw_reply_tool_call(get(), i);
            calls.push_back({ call->choice,
                              call->index,
                              call->id,
                              call->name,
                              { call->arguments, call->arguments_len } });
        }
        return calls;
    }

    /** The ids of a list of models. */
    std::vector<std::string_view> models() const
    {
        std::vector<std::string_view> ids;
        for (size_t i = 0; i < tw_reply_model_count(get()); i++)
            ids.push_back(tw_reply_model(get(), i));
        return ids;
    }

  private:
    detail::Owned<tw_reply, tw_reply_destroy> reply_;
};

#if THINKWIRE_EXCEPTIONS
/** An exchange that failed, or an object that could not be created. */
class Error : public std::exception
{
  public:
    explicit Error(Reply reply)
        : reply_(std::move(reply)), status_(reply_.status()),
          message_(std::make_shared<std::string>(reply_.message()))
    {
    }
    Error(Status status, std::string message)
        : status_(status), message_(std::make_shared<std::string>(std::move(message)))
    {
    }

    const char *what() const noexcept override { return message_->c_str(); }
    Status status() const { return status_; }
    /** What was received; empty if there was no exchange. */
    const Reply &reply() const { return reply_; }

  private:
    Reply reply_;
    Status status_;
    /* Copying an exception must not throw. */
    std::shared_ptr<std::string> message_;
};
#endif

namespace detail
{

/* Throws if an exchange has failed; without exceptions, returns its reply in any case. */
inline Reply checked(Reply reply)
{
#if THINKWIRE_EXCEPTIONS
    if (!reply.ok()) throw Error(std::move(reply));
#endif
    return reply;
}

inline void check_created(const void *object, const std::string &error)
{
#if THINKWIRE_EXCEPTIONS
    if (!object) throw Error(Status::invalid, error);
#else
    (void)object, (void)error;
#endif
}

} // namespace detail

/** Where and how to connect. */
class Options
{
  public:
    Options() : options_(tw_options_create()) {}

    tw_options *get() const { return options_.get(); }
    std::string_view error() const { return tw_options_error(get()); }
    void clear_error() { tw_options_clear_error(get()); }

    Options &base_url(const std::string &url)
    {
        return set(tw_options_set_base_url, detail::argument(url));
    }
    /** "": no key, whatever the environment contains. */
    Options &api_key(const std::string &key)
    {
        return set(tw_options_set_api_key, detail::argument(key));
    }
    /** Without a value, restores the library's own header. */
    Options &header(const std::string &name, const std::optional<std::string> &value)
    {
        return set(tw_options_set_header, detail::argument(name), detail::argument(value));
    }
    /** 0: none. */
    Options &timeout(Timeout which, Milliseconds time)
    {
        return set(tw_options_set_timeout, static_cast<tw_timeout>(which), time.count());
    }
    Options &comments_keep_alive(bool yes) { return set(tw_options_set_comments_keep_alive, yes); }
    Options &require_finish(bool yes) { return set(tw_options_set_require_finish, yes); }
    Options &retries(int count) { return set(tw_options_set_retries, count); }
    Options &limit(Limit which, int64_t bytes)
    {
        return set(tw_options_set_limit, static_cast<tw_limit>(which), bytes);
    }
    Options &proxy(const std::optional<std::string> &url)
    {
        return set(tw_options_set_proxy, detail::argument(url));
    }
    Options &no_proxy(const std::optional<std::string> &hosts)
    {
        return set(tw_options_set_no_proxy, detail::argument(hosts));
    }
    Options &ca_file(const std::optional<std::string> &path)
    {
        return set(tw_options_set_ca_file, detail::argument(path));
    }
    Options &ca_directory(const std::optional<std::string> &path)
    {
        return set(tw_options_set_ca_directory, detail::argument(path));
    }
    Options &http_version(HttpVersion version)
    {
        return set(tw_options_set_http_version, static_cast<tw_http_version>(version));
    }
    Options &dialect(Dialect dialect)
    {
        return set(tw_options_set_dialect, static_cast<tw_dialect>(dialect));
    }
    Options &reasoning_tags(const std::optional<std::string> &opening,
                            const std::optional<std::string> &closing)
    {
        return set(tw_options_set_reasoning_tags, detail::argument(opening),
                   detail::argument(closing));
    }
    Options &reasoning_replay(const std::string &form)
    {
        return set(tw_options_set_reasoning_replay, detail::argument(form));
    }
    Options &allow_cleartext(const std::string &host)
    {
        return set(tw_options_allow_cleartext, detail::argument(host));
    }
    /** `function` must not throw, and must exist as long as clients of these options. */
    Options &log(void (*function)(void *userdata, const char *line), void *userdata)
    {
        return set(tw_options_set_log, function, userdata);
    }

  private:
    /* A failure is recorded in the options. */
    template <typename Function, typename... Arguments>
    Options &set(Function function, Arguments... arguments)
    {
        function(get(), arguments...);
        return *this;
    }

    detail::Owned<tw_options, tw_options_destroy> options_;
};

/** A conversation and its settings. */
class Request
{
  public:
    explicit Request(const std::string &model)
        : request_(tw_request_create(detail::argument(model)))
    {
        created();
    }
    Request(const std::string &model, const std::string &text) : Request(model)
    {
        add("user", text);
    }
    Request(const Request &other)
        : request_(tw_request_copy(other.get())), creation_error_(other.creation_error_)
    {
    }
    Request &operator=(const Request &other) { return *this = Request(other); }
    Request(Request &&) = default;
    Request &operator=(Request &&) = default;

    /** Creates a request from a JSON body. */
    static Request parse(std::string_view json)
    {
        tw_request *request = nullptr;
        tw_request_parse(json.data() ? json.data() : "", json.size(), &request);
        return Request(request);
    }

    tw_request *get() const { return request_.get(); }
    std::string_view json() const { return detail::view(tw_request_json, get()); }
    /** The first failure of a function that changed this request, or of its creation. */
    std::string_view error() const
    {
        return request_ ? std::string_view(tw_request_error(get())) : creation_error_;
    }
    void clear_error() { tw_request_clear_error(get()); }

    Request &add(const std::string &role, const std::string &text)
    {
        return set_by(tw_request_add_message, detail::argument(role), detail::argument(text));
    }
    Request &add_json(std::string_view message)
    {
        return set_by(tw_request_add_message_json, message.data(), message.size());
    }
    /** Adds the assistant's message from a reply, with its tool calls. */
    Request &add(const Reply &reply) { return set_by(tw_request_add_reply, reply.get()); }
    Request &add_tool_result(const ToolCall &call, const std::string &text)
    {
        return add_tool_result(std::string(call.id), text);
    }
    Request &add_tool_result(const std::string &id, const std::string &text)
    {
        return set_by(tw_request_add_tool_result, detail::argument(id), detail::argument(text));
    }
    /** `parameters` is the JSON schema of an object. */
    Request &add_tool(const std::string &name, const std::optional<std::string> &description,
                      const std::optional<std::string> &parameters = std::nullopt)
    {
        return set_by(tw_request_add_tool, detail::argument(name), detail::argument(description),
                      detail::argument(parameters));
    }
    Request &add_image_url(const std::string &url,
                           const std::optional<std::string> &detail = std::nullopt)
    {
        return set_by(tw_request_add_image_url, detail::argument(url), detail::argument(detail));
    }
    Request &add_image(std::string_view bytes,
                       const std::optional<std::string> &detail = std::nullopt)
    {
        return set_by(tw_request_add_image, bytes.data(), bytes.size(), detail::argument(detail));
    }
    Request &add_image_file(const std::string &path,
                            const std::optional<std::string> &detail = std::nullopt)
    {
        return set_by(tw_request_add_image_file, detail::argument(path), detail::argument(detail));
    }

    /** Sets a field of the body to a JSON value. */
    Request &set_json(const std::string &field, const std::string &json)
    {
        return set_by(tw_request_set, detail::argument(field), detail::argument(json));
    }
    Request &remove(const std::string &field)
    {
        return set_by(tw_request_set, detail::argument(field), nullptr);
    }
    Request &set(const std::string &field, const std::string &text)
    {
        return set_by(tw_request_set_string, detail::argument(field), detail::argument(text));
    }
    /** Without this overload, a literal would be a bool. */
    Request &set(const std::string &field, const char *text)
    {
        return set_by(tw_request_set_string, detail::argument(field), text);
    }
    Request &set(const std::string &field, double number)
    {
        return set_by(tw_request_set_number, detail::argument(field), number);
    }
    Request &set(const std::string &field, int number)
    {
        return set(field, static_cast<double>(number));
    }
    Request &set(const std::string &field, bool yes)
    {
        return set_by(tw_request_set_bool, detail::argument(field), yes);
    }

    /** `budget`: the maximum number of tokens to think with; 0: no maximum. */
    Request &thinking(Thinking mode, int64_t budget = 0)
    {
        return set_by(tw_request_set_thinking, static_cast<tw_thinking>(mode), budget);
    }
    Request &starts_thinking(bool yes) { return set_by(tw_request_set_starts_thinking, yes); }
    Request &reasoning_tags(const std::optional<std::string> &opening,
                            const std::optional<std::string> &closing)
    {
        return set_by(tw_request_set_reasoning_tags, detail::argument(opening),
                      detail::argument(closing));
    }
    /** 0: none. A negative time restores that of the client. */
    Request &timeout(Timeout which, Milliseconds time)
    {
        return set_by(tw_request_set_timeout, static_cast<tw_timeout>(which), time.count());
    }

  private:
    explicit Request(tw_request *request) : request_(request) { created(); }

    void created()
    {
        if (!request_) creation_error_ = tw_last_error();
        detail::check_created(get(), creation_error_);
    }

    template <typename Function, typename... Arguments>
    Request &set_by(Function function, Arguments... arguments)
    {
        function(get(), arguments...);
        return *this;
    }

    detail::Owned<tw_request, tw_request_destroy> request_;
    std::string creation_error_;
};

/** One event of an exchange. It is valid until the next one. */
class Event
{
  public:
    Event() = default;
    explicit Event(const tw_event *event) : event_(event) {}

    const tw_event *get() const { return event_; }
    Kind kind() const { return static_cast<Kind>(event_->kind); }
    int choice() const { return event_->choice; }
    std::string_view text() const { return { event_->text, event_->text_len }; }
    int tool_index() const { return event_->tool_index; }
    std::string_view tool_id() const { return event_->tool_id ? event_->tool_id : ""; }
    std::string_view tool_name() const { return event_->tool_name ? event_->tool_name : ""; }
    /** NULL for events of other kinds. */
    const Usage *usage() const { return event_->usage; }
    std::string_view raw() const { return { event_->raw, event_->raw_len }; }
    int attempt() const { return event_->attempt; }
    Status status() const { return static_cast<Status>(event_->status); }
    Milliseconds wait() const { return Milliseconds(event_->wait_ms); }
    /** The result of an exchange of a Loop, for Kind::done. */
    Reply reply() const { return Reply(tw_reply_retain(event_->reply)); }

  private:
    const tw_event *event_ = nullptr;
};

/** Cancels the exchange of a Stream, from any thread and at any time, even after its end. */
class Canceller
{
  public:
    void cancel() const
    {
        std::lock_guard<std::mutex> lock(shared_->mutex);
        tw_chat_cancel(shared_->chat);
    }

  private:
    friend class Stream;
    struct Shared {
        std::mutex mutex;
        /* NULL from the moment at which the chat is closed. */
        tw_chat *chat;
    };
    explicit Canceller(tw_chat *chat) : shared_(new Shared{ {}, chat }) {}

    tw_chat *release() const
    {
        std::lock_guard<std::mutex> lock(shared_->mutex);
        return std::exchange(shared_->chat, nullptr);
    }

    std::shared_ptr<Shared> shared_;
};

/** An exchange in progress, for one thread. Its destructor cancels it. */
class Stream
{
  public:
    class Iterator
    {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Event;
        using difference_type = std::ptrdiff_t;
        using pointer = const Event *;
        using reference = const Event &;

        const Event &operator*() const { return stream_->event(); }
        const Event *operator->() const { return &stream_->event(); }
        Iterator &operator++()
        {
            if (stream_->next() == Next::end) {
                detail::checked(stream_->reply());
                stream_ = nullptr;
            }
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(const Iterator &other) const { return stream_ == other.stream_; }
        bool operator!=(const Iterator &other) const { return stream_ != other.stream_; }

      private:
        friend Stream;
        explicit Iterator(Stream *stream) : stream_(stream) {}
        Stream *stream_;
    };

    /** Receives the next event. The loop throws if the exchange fails. */
    Iterator begin() { return ++Iterator(this); }
    Iterator end() { return Iterator(nullptr); }

    /** Waits for the next event; a negative time: without a maximum, 0: not at all. */
    Next next(Milliseconds timeout = Milliseconds(-1))
    {
        const tw_event *event = nullptr;
        auto result = static_cast<Next>(tw_chat_next(chat_, &event, detail::whole(timeout)));
        event_ = Event(event);
        return result;
    }
    /** What next() has received, if it returned Next::event. */
    const Event &event() const { return event_; }

    /** From any thread while the stream exists. */
    void cancel() { canceller_.cancel(); }
    /** For threads that may outlive the stream. */
    Canceller canceller() const { return canceller_; }

    /** The result. An exchange that has not ended is cancelled. */
    const Reply &reply()
    {
        if (chat_) {
            event_ = Event();
            reply_ = Reply(close());
        }
        return reply_;
    }

    Stream(Stream &&other) noexcept
        : chat_(std::exchange(other.chat_, nullptr)), canceller_(other.canceller_),
          event_(other.event_), reply_(std::move(other.reply_))
    {
    }
    Stream &operator=(Stream &&) = delete;
    ~Stream()
    {
        if (chat_) tw_reply_destroy(close());
    }

  private:
    friend class Client;
    explicit Stream(tw_chat *chat) : chat_(chat), canceller_(chat) {}

    tw_reply *close()
    {
        canceller_.release();
        return tw_chat_close(std::exchange(chat_, nullptr));
    }

    tw_chat *chat_;
    Canceller canceller_;
    Event event_;
    Reply reply_;
};

/** An endpoint and its connections. Any number of threads may use it at once. */
class Client
{
  public:
    /** Takes all settings from the environment. */
    Client() { create(nullptr); }
    explicit Client(const Options &options) { create(options.get()); }

    tw_client *get() const { return client_.get(); }
    explicit operator bool() const { return client_ != nullptr; }
    /** Why the client could not be created; "" if it was. */
    const std::string &error() const { return error_; }

    Stream stream(const Request &request) const
    {
        return Stream(tw_chat_open(get(), request.get()));
    }
    /** Waits for the complete answer. */
    Reply send(const Request &request) const
    {
        return detail::checked(Reply(tw_chat_send(get(), request.get())));
    }
    /** As send(), for a caller that must be able to cancel. */
    Stream open_unstreamed(const Request &request) const
    {
        return Stream(tw_chat_open_unstreamed(get(), request.get()));
    }
    /** The list of models: see Reply::models. */
    Reply models() const { return detail::checked(Reply(tw_models_send(get()))); }
    Stream open_models() const { return Stream(tw_models_open(get())); }
    /** Cancels every exchange in progress. From any thread. */
    void cancel() const { tw_client_cancel(get()); }

  private:
    void create(const tw_options *options)
    {
        tw_client *client = nullptr;
        if (tw_client_create(options, &client) != TW_OK) error_ = tw_last_error();
        client_.reset(client);
        detail::check_created(client, error_);
    }

    detail::Owned<tw_client, tw_client_destroy> client_;
    std::string error_;
};

/** An exchange of a Loop; valid until its handler has returned from Kind::done. */
class Chat
{
  public:
    Chat() = default;
    explicit Chat(tw_chat *chat) : chat_(chat) {}

    explicit operator bool() const { return chat_ != nullptr; }
    /** From any thread. */
    void cancel() const { tw_chat_cancel(chat_); }
    Status pause() const { return static_cast<Status>(tw_chat_pause(chat_)); }
    Status resume() const { return static_cast<Status>(tw_chat_resume(chat_)); }

  private:
    tw_chat *chat_ = nullptr;
};

/**
 * Many exchanges on the thread that polls. Only wake() may be called by other threads.
 *
 * A handler receives every event of its exchange; the last one is Kind::done. It returns whether
 * the exchange continues. If it throws, its exchange is cancelled, and poll() throws the first
 * exception.
 */
class Loop
{
  public:
    using Handler = std::function<bool(const Event &)>;

    explicit Loop(const Client &client) : loop_(tw_loop_create(client.get()))
    {
        detail::check_created(loop_.get(), loop_ ? "" : tw_last_error());
    }

    Loop(Loop &&) = default;
    Loop &operator=(Loop &&) = delete;

    explicit operator bool() const { return loop_ != nullptr; }
    Chat start(const Request &request, Handler handler)
    {
        return start_by(std::move(handler), [&](tw_event_fn fn, void *task) {
            return tw_loop_start(loop_.get(), request.get(), fn, task);
        });
    }
    Chat start_unstreamed(const Request &request, Handler handler)
    {
        return start_by(std::move(handler), [&](tw_event_fn fn, void *task) {
            return tw_loop_start_unstreamed(loop_.get(), request.get(), fn, task);
        });
    }
    Chat start_models(Handler handler)
    {
        return start_by(std::move(handler), [&](tw_event_fn fn, void *task) {
            return tw_loop_start_models(loop_.get(), fn, task);
        });
    }

    /** Delivers events; returns their number, or a negated status. */
    int poll(Milliseconds timeout = Milliseconds(-1))
    {
        int result = tw_loop_poll(loop_.get(), detail::whole(timeout));
#if THINKWIRE_EXCEPTIONS
        if (auto thrown = std::exchange(state_->thrown, nullptr)) std::rethrow_exception(thrown);
#endif
        return result;
    }
    /** Polls until no exchange is left. */
    void run()
    {
        while (active() > 0 && poll() >= 0) {}
    }
    /** Readable whenever poll() has work. Do not read or close it. */
    int fd() const { return tw_loop_fd(loop_.get()); }
    void wake() const { tw_loop_wake(loop_.get()); }
    size_t active() const { return tw_loop_active(loop_.get()); }
    Status limit(LoopLimit which, int64_t number)
    {
        return static_cast<Status>(
            tw_loop_set_limit(loop_.get(), static_cast<tw_loop_limit>(which), number));
    }

  private:
    struct State {
#if THINKWIRE_EXCEPTIONS
        std::exception_ptr thrown;
#endif
    };
    struct Task {
        Handler handler;
        State *state;
    };

    template <typename Start> Chat start_by(Handler handler, Start start)
    {
        auto task = std::make_unique<Task>(Task{ std::move(handler), state_.get() });
        tw_chat *chat = start(&Loop::deliver, task.get());
        /* deliver() frees it after the last event. */
        if (chat) static_cast<void>(task.release());
        return Chat(chat);
    }

    static int deliver(void *userdata, const tw_event *event) noexcept
    {
        auto *task = static_cast<Task *>(userdata);
        std::unique_ptr<Task> last(event->kind == TW_EVENT_DONE ? task : nullptr);
#if THINKWIRE_EXCEPTIONS
        try {
            return task->handler && !task->handler(Event(event));
        } catch (...) {
            if (!task->state->thrown) task->state->thrown = std::current_exception();
            return 1;
        }
#else
        return task->handler && !task->handler(Event(event));
#endif
    }

    std::unique_ptr<State> state_ = std::make_unique<State>();
    /* Destroyed first: the last events are delivered then. */
    detail::Owned<tw_loop, tw_loop_destroy> loop_;
};

} // namespace thinkwire

#endif /* THINKWIRE_HPP */
