/* thinkwire.hpp with -fno-exceptions: every failure is a value. */
#include <cstdio>
#include <cstdlib>
#include <thinkwire.hpp>

using namespace thinkwire;

#define CHECK(condition)                                                                           \
    ((condition)                                                                                   \
         ? (void)0                                                                                 \
         : (std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), std::exit(1)))

int main()
{
    Client none(Options().base_url("ftp://x"));
    CHECK(!none && none.error().find("neither https") != std::string::npos);
    CHECK(none.send(Request("mock/echo", "Hi")).status() == Status::invalid);
    Request invalid("");
    CHECK(!invalid.error().empty() && Request::parse("[").error().size() > 0);

    Client client(Options().retries(0));
    CHECK(client && client.error().empty());
    CHECK(client.send(invalid).status() == Status::invalid);
    CHECK(client.send(Request("mock/echo#status=404", "Hi")).status() == Status::not_found);

    int events = 0;
    Stream stream = client.stream(Request("mock/synthetic#chunks=9,cut=900", "Hi"));
    for (auto &event : stream) events += event.kind() == Kind::content;
    CHECK(events > 0 && stream.reply().status() == Status::truncated);

    Loop loop(client);
    Status status = Status::misuse;
    loop.start(Request("mock/synthetic", "Hi"), [&](const Event &event) {
        if (event.kind() == Kind::done) status = event.status();
        return event.kind() != Kind::content;
    });
    loop.run();
    CHECK(status == Status::cancelled);
    std::puts("cpp: all tests without exceptions passed");
}
