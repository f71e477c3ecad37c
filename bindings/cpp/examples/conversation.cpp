// Reasoning and answer, a tool, cancellation and an error.
#include <cstdlib>
#include <iostream>
#include <thinkwire.hpp>

using namespace thinkwire;

static const char *const CITY =
    R"({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})";

// Prints an answer while it is generated. Leaving the loop early would cancel the exchange.
static Reply print(Stream stream)
{
    for (auto &event : stream) {
        if (event.kind() == Kind::reasoning) std::cerr << event.text();
        if (event.kind() == Kind::content) std::cout << event.text() << std::flush;
    }
    std::cout << std::endl;
    return stream.reply();
}

static std::string temperature(const ToolCall &call)
{
    Json arguments(call.arguments);
    if (!arguments) return "Error: " + arguments.error();
    return "18 degrees in " + std::string(arguments.get("/city").value_or("this city"));
}

static void converse()
{
    const char *name = std::getenv("THINKWIRE_MODEL");
    std::string model = name ? name : "alibaba/qwen3-32b";
    Client client;
    print(client.stream(Request(model, "Hello").thinking(Thinking::on)));

    Request question(model, "How warm is it in Paris?");
    question.add_tool("temperature", "The current temperature of a city", CITY);
    for (;;) {
        Reply reply = print(client.stream(question));
        if (reply.tool_calls().empty()) break;
        question.add(reply);
        for (auto &call : reply.tool_calls()) question.add_tool_result(call, temperature(call));
    }

    for (auto &event : client.stream(Request(model, "Count to a hundred"))) {
        if (event.kind() != Kind::content) continue;
        std::cout << event.text() << " [cancelled]" << std::endl;
        break;
    }
    client.send(Request("no/such-model", "Hello"));
}

int main()
{
    try {
        converse();
    } catch (const Error &error) {
        const char *what = error.status() == Status::not_found ? "not_found" : name(error.status());
        std::cout << what << ": " << error.what() << std::endl;
    }
}
