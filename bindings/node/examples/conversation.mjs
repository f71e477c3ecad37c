// Reasoning and answer, a tool, cancellation and an error.
import { Client, ThinkwireError } from "thinkwire";

const model = process.env.THINKWIRE_MODEL ?? "alibaba/qwen3-32b";
const client = new Client({ timeout: { total: 60_000 } });

function print({ kind, text }) {
    if (kind === "reasoning") process.stderr.write(text);
    else if (kind === "content") process.stdout.write(text);
}

const stream = client.stream({ model, messages: "Hello", thinking: true });
for await (const event of stream) print(event);
console.log();

const temperature = {
    description: "The current temperature of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    call: ({ city }) => `18 degrees in ${city}`,
};
const messages = "How warm is it in Paris?";
await client.run({ model, messages }, { tools: { temperature }, onEvent: print });
console.log();

const controller = new AbortController();
const { signal } = controller;
const counting = client.stream({ model, messages: "Count to a hundred" }, { signal });
try {
    for await (const event of counting) {
        print(event);
        if (event.kind === "content") controller.abort();
    }
} catch (error) {
    if (error.name !== "AbortError") throw error;
    console.log(" [cancelled]");
}

try {
    await client.send({ model: "no/such-model", messages: "Hello" });
} catch (error) {
    if (!(error instanceof ThinkwireError)) throw error;
    console.log(`${error.status}: ${error.message}`);
}
client.close();
