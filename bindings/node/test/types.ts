// Compiled, but not run: the declarations in index.d.ts permit and reject what they should.
import { Client, Message, Reply, ThinkwireError, ToolCall } from "thinkwire";

export async function conversation(signal: AbortSignal): Promise<string> {
    const client = new Client({ timeout: { total: 1000 }, httpVersion: "1.1", apiKey: null });
    const messages: Message[] = [{ role: "user", content: "Hello" }];
    const stream = client.stream({ model: "m", messages, thinking: "high", top_k: 3 }, { signal });
    for await (const event of stream) {
        if (event.kind === "retry") console.log(event.waitMs.toFixed());
        else if (event.kind === "usage") console.log(event.usage.totalTokens?.toFixed());
        else if (event.kind === "tool_call") console.log(event.toolName);
    }
    const reply: Reply = await stream.reply();
    messages.push(reply);
    const calls: ToolCall[] = reply.toolCalls;
    const square = { parameters: {}, call: ({ x }: { x: number }) => x * x };
    const run = await client.run({ model: "m", messages }, { tools: { square } });
    client.close();
    return calls.map((call) => call.arguments).join() + run.reply.content;
}

export const statusOf = (error: unknown) => error instanceof ThinkwireError && error.status;

// @ts-expect-error: misspelled
new Client({ timeOut: {} });
// @ts-expect-error: an unknown mode
new Client().stream({ model: "m", thinking: "much" });
// @ts-expect-error: replies are not created by programs
new Reply();
