/* Tests of thinkwire.hpp against the thinkwire-mock of THINKWIRE_BASE_URL, with exceptions. */
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <future>
#include <poll.h>
#include <thinkwire.hpp>
#include <thread>

using namespace thinkwire;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                   \
            std::exit(1);                                                                          \
        }                                                                                          \
    } while (0)

static const std::string FOX = "mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A,write=1";
static const std::string WAITING = "mock/synthetic#delay=60000";

template <typename Body> static Error failure(Body body)
{
    try {
        body();
    } catch (const Error &error) {
        return error;
    }
    CHECK(!"no error");
    std::abort();
}

static bool contains(std::string_view whole, std::string_view part)
{
    return whole.find(part) != whole.npos;
}

static int descriptors()
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

static void reasoning_and_answer(const Client &client)
{
    std::string reasoning, content;
    Stream stream = client.stream(Request(FOX, "Hello"));
    for (auto &event : stream) {
        if (event.kind() == Kind::reasoning) reasoning += std::string(event.text()) + "|";
        if (event.kind() == Kind::content) content += std::string(event.text()) + "|";
        if (event.kind() == Kind::usage) CHECK(event.usage()->completion_tokens > 0);
        CHECK(contains(event.raw(), "{"));
    }
    CHECK(reasoning == "🦊|🦊|" && content == "🦊|🦊|🦊|");
    Reply copy = stream.reply();
    CHECK(copy.ok() && copy.content() == "🦊🦊🦊" && copy.reasoning() == "🦊🦊");
    CHECK(copy.finish_reason() == "stop" && copy.attempts() == 1 && copy.http_status() == 200);
    CHECK(copy.get("/choices/0/message/role") == "assistant" && !copy.get("/nothing"));
    CHECK(contains(copy.header("Content-Type").value(), "event-stream") && !copy.header("x"));
    CHECK(copy.timing().total_us > 0 && copy.usage().total_tokens > 0);
}

static void fields_are_sent(const Client &client)
{
    Request request("mock/echo", "🦊 \"é\"");
    request.set("user", "bob").set("temperature", 0.5).set("n", 1).set("logprobs", true);
    request.set_json("stop", "[]").set("x", "y").remove("x").thinking(Thinking::low, 100);
    Request copy = request;
    std::string body(client.send(copy).content());
    for (auto part :
         { "🦊 \\\"é\\\"", "\"user\":\"bob\"", "0.5", "\"logprobs\":true", "\"stop\":[]" })
        CHECK(contains(body, part));
    CHECK(!contains(body, "\"x\""));
    CHECK(Request::parse(request.json()).json() == request.json());
}

static void tools(const Client &client)
{
    Request request("mock/tools", "Hello");
    request.add_tool("weather", "The weather 🌦",
                     R"({"type":"object","properties":{"city":{"type":"string"}},
                         "required":["city"]})");
    Reply reply = client.send(request);
    auto calls = reply.tool_calls();
    CHECK(calls.size() == 1 && calls[0].name == "weather");
    Json arguments(calls[0].arguments);
    CHECK(arguments && arguments.get("/city") == "text" && arguments.count("") == 1);
    CHECK(arguments.type("/city") == JsonType::string && arguments.number("/city", 7) == 7);
    CHECK(!Json("{").get("") && !Json("{").error().empty());
    request.add(reply).add_tool_result(calls[0], "sunny 🌞");
    CHECK(contains(client.send(request).content(), "sunny 🌞"));
}

static void errors(const Client &client)
{
    Error error = failure([&] { client.send(Request("mock/echo#status=429,message=slow", "Hi")); });
    CHECK(error.status() == Status::rate_limited && contains(error.what(), "slow"));
    CHECK(error.reply().http_status() == 429 && error.reply().attempts() == 1);
    error = failure([&] {
        for (auto &event : client.stream(Request(FOX + ",cut=900", "Hi"))) event.kind();
    });
    CHECK(error.status() == Status::truncated && contains(error.reply().reasoning(), "🦊"));

    error = failure([] { Client(Options().base_url("ftp://x")); });
    CHECK(error.status() == Status::invalid && contains(error.what(), "neither https"));
    CHECK(failure([] { Request(""); }).status() == Status::invalid);
    CHECK(failure([] { Request::parse("{"); }).status() == Status::invalid);

    Request invalid("alibaba/qwen3-32b", "Hello");
    invalid.set("temperature", 3);
    CHECK(contains(invalid.error(), "temperature"));
    CHECK(failure([&] { client.send(invalid); }).status() == Status::invalid);
    invalid.clear_error();
    CHECK(invalid.error().empty());
    CHECK(!Request("mock/echo", std::string("a\0b", 3)).error().empty());
    CHECK(!Options().api_key(std::string("a\0b", 3)).error().empty());
}

static void cancellation(const Client &client)
{
    Stream stream = client.stream(Request(WAITING, "Hi"));
    CHECK(stream.next(Milliseconds(0)) == Next::timeout);
    std::promise<void> begun;
    auto waiting = std::async(std::launch::async, [&] {
        begun.set_value();
        return failure([&] {
                   for (auto &event : stream) event.kind();
               })
            .status();
    });
    begun.get_future().wait();
    stream.cancel();
    CHECK(waiting.get() == Status::cancelled);
    Canceller canceller = client.stream(Request(WAITING, "Hi")).canceller();
    canceller.cancel();

    Stream first = client.stream(Request(WAITING, "Hi"));
    first.next(Milliseconds(0));
    client.cancel();
    CHECK(first.next() == Next::end && first.reply().status() == Status::cancelled);
    for (auto &event : client.stream(Request(FOX + ",pace=1000", "Hi")))
        if (event.kind() == Kind::reasoning) break;
    CHECK(client.send(Request(FOX, "Hi")).ok());
}

static void retries()
{
    Client client(Options().retries(1));
    std::string model = "mock/echo#status=503,tries=1,key=cpp,header=retry-after-ms:1";
    Stream stream = client.stream(Request(model, "Hi"));
    CHECK(stream.next() == Next::event && stream.event().kind() == Kind::retry);
    CHECK(stream.event().attempt() == 2 && stream.event().status() == Status::server);
    CHECK(stream.event().wait() == Milliseconds(1));
    while (stream.next() != Next::end) {}
    CHECK(stream.reply().attempts() == 2 && stream.reply().last_error().first == Status::server);
}

static void loops(const Client &client)
{
    Loop loop(client);
    std::vector<Reply> replies;
    auto keep = [&](const Event &event) {
        if (event.kind() == Kind::done) replies.push_back(event.reply());
        return true;
    };
    CHECK(loop.limit(LoopLimit::exchanges, 20) == Status::ok);
    for (int i = 0; i < 50; i++) CHECK(loop.start(Request(FOX, "Hi"), keep));
    loop.start_unstreamed(Request(FOX, "Hi"), keep);
    loop.start_models(keep);
    CHECK(loop.active() == 52);
    pollfd ready = { loop.fd(), POLLIN, 0 };
    while (loop.active() > 0) {
        CHECK(poll(&ready, 1, 30000) == 1);
        CHECK(loop.poll(Milliseconds(0)) >= 0);
    }
    CHECK(replies.size() == 52);
    for (auto &reply : replies) CHECK(reply.ok());

    Chat paused = loop.start(Request(FOX, "Hi"), keep);
    CHECK(paused.pause() == Status::ok && paused.resume() == Status::ok);
    paused.cancel();
    loop.run();
    CHECK(replies.back().status() == Status::cancelled);

    int thrown = 0;
    loop.start(Request(FOX, "Hi"), [](const Event &) -> bool { throw 7; });
    try {
        loop.run();
    } catch (int number) {
        thrown = number;
    }
    CHECK(thrown == 7 && loop.active() == 0);

    std::thread waker([&] { loop.wake(); });
    CHECK(loop.poll() == 0);
    waker.join();
    replies.clear();
    {
        Loop moved = std::move(loop);
        moved.start(Request(WAITING, "Hi"), keep);
        moved.poll(Milliseconds(0));
    }
    CHECK(replies.size() == 1 && replies[0].status() == Status::cancelled);
}

static void connections_are_closed()
{
    int before = descriptors();
    for (int i = 0; i < 20; i++) {
        Client client;
        client.send(Request(FOX, "Hi"));
        Stream stream = client.stream(Request(WAITING, "Hi"));
        stream.next(Milliseconds(1));
    }
    CHECK(descriptors() == before);
}

int main()
{
    Client client(Options().retries(0).timeout(Timeout::total, std::chrono::seconds(30)));
    reasoning_and_answer(client);
    fields_are_sent(client);
    tools(client);
    errors(client);
    cancellation(client);
    retries();
    loops(client);
    CHECK(!client.models().models().empty());
    connections_are_closed();
    std::puts("cpp: all tests passed");
}
