"""What the tiny model of the tests against real servers has memorised."""

import json

#: The tool that the dialogues use, as a request defines it.
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def thinking(reasoning, answer):
    return f"<think>\n{reasoning}\n</think>\n\n{answer}"


def call(name, **arguments):
    members = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{members}\n</tool_call>"


def in_words(number):
    small = (
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen"
    ).split()
    if number < 20:
        return small[number - 1]
    tens = ["twenty", "thirty", "forty", "fifty", "sixty"][number // 10 - 2]
    return tens + ("-" + small[number % 10 - 1] if number % 10 else "")


NUMBERS = ", ".join(in_words(number) for number in range(1, 51))
BERLIN = call("get_weather", city="Berlin", unit="celsius")
TOKYO = call("get_weather", city="東京 🗼", unit="celsius")
INCOMPLETE_CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Ber'
ADA = '{"name": "Ada", "age": 36, "note": "mathematician ☕"}'
TAGS = "HTML has <b>. A model writes <think> before it thinks and </think> after it."
SUNNY = "It is 21 °C and sunny in Berlin ☀️."

#: The user's message, and the answers with and without thinking.
DIALOGUES = {
    "Hello": (
        thinking('The user said "Hello". I greet them.', "Hello! How can I help you?"),
        "Hello, without a thought.",
    ),
    "Use other scripts": (
        thinking(
            "Scripts: 你好, Ελληνικά, עברית, 🦊🇩🇪👩‍👩‍👧‍👦, e\u0301. 日本語で考える。",
            "Grüße, 世界! 👩‍👩‍👧‍👦 🇩🇪 🦊 e\u0301 ﷽ 𝔘 日本語です。",
        ),
        "Ohne Denken: 世界 🦊 👩‍👩‍👧‍👦 fertig.",
    ),
    "How is the weather in Berlin?": (thinking("I need the weather tool.", BERLIN), BERLIN),
    "How is the weather in Berlin and in 東京?": (
        thinking("Two cities, two calls. 🌦", f"{BERLIN}\n{TOKYO}"),
        f"Let me look.\n{BERLIN}\n{TOKYO}",
    ),
    "Who is Ada? As JSON": (thinking("They want JSON.", ADA), ADA),
    "Count to fifty": (
        thinking(f"Count first: {NUMBERS}. Done.", f"Counted: {NUMBERS}!"),
        f"Counted: {NUMBERS}!",
    ),
    "Explain tags": (thinking("The user asks about tags.", TAGS), TAGS),
    "Say nothing": (thinking("", ""), ""),
    "Do not think": ("Straight to the answer.", "Straight."),
    "Only think": ("<think>\nI think, and then I stop", "No thought."),
    "Break the call": (thinking("A call that breaks.", INCOMPLETE_CALL), INCOMPLETE_CALL),
    "Say the word": (
        thinking("The word is coming.", "alpha beta STOP gamma"),
        "alpha beta STOP gamma",
    ),
}

#: A message with two answers of equal probability.
COIN = "Toss a coin"
COIN_ANSWERS = [
    (thinking("I toss it.", "heads"), "heads"),
    (thinking("I toss it twice.", "tails 🪙"), "tails 🪙"),
]

#: Conversations that continue after earlier turns: the messages, and the answers.
CONVERSATIONS = [
    (
        [
            {"role": "user", "content": "How is the weather in Berlin?"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {
                        "function": {
                            "name": "get_weather",
                            "arguments": {"city": "Berlin", "unit": "celsius"},
                        }
                    }
                ],
            },
            {"role": "tool", "content": result},
        ],
        (thinking("The tool says 21 and sunny.", SUNNY), SUNNY),
    )
    for result in ('{"temperature": 21, "sky": "sunny"}', "21 degrees, sunny")
] + [
    (
        [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello! How can I help you?"},
            {"role": "user", "content": "And again?"},
        ],
        (thinking("They want it again.", "Hello again! 👋"), "Hello again! 👋"),
    )
]
