// Reasoning and answer, a tool, cancellation and an error.
using System;
using System.Threading;
using Thinkwire;

static class Conversation
{
    const string City =
        @"{""type"": ""object"", ""properties"": {""city"": {""type"": ""string""}},
           ""required"": [""city""]}";

    // Prints an answer while it is generated.
    static Reply Show(EventStream stream)
    {
        foreach (Event received in stream)
        {
            if (received.Kind == EventKind.Reasoning) Console.Error.Write(received.Text);
            if (received.Kind == EventKind.Content) Console.Write(received.Text);
        }
        Console.WriteLine();
        return stream.Reply;
    }

    static string Temperature(ToolCall call)
    {
        try
        {
            using (var arguments = new Json(call.Arguments))
                return "18 degrees in " + arguments["/city"];
        }
        catch (ThinkwireException error)
        {
            return "Error: " + error.Message;
        }
    }

    static void Main()
    {
        string model = Environment.GetEnvironmentVariable("THINKWIRE_MODEL") ?? "alibaba/qwen3-32b";
        using (var client = new Client())
        {
            Show(client.Stream(new Request(model, "Hello").Thinking(Thinking.On)));

            var question = new Request(model, "How warm is it in Paris?");
            question.Tool("temperature", "The current temperature of a city", City);
            Reply reply = Show(client.Stream(question));
            while (reply.ToolCalls.Count > 0)
            {
                question.Add(reply);
                foreach (ToolCall call in reply.ToolCalls)
                    question.ToolResult(call, Temperature(call));
                reply = Show(client.Stream(question));
            }

            using (var source = new CancellationTokenSource())
            {
                try
                {
                    var counting = new Request(model, "Count to a hundred");
                    foreach (Event received in client.Stream(counting, source.Token))
                    {
                        if (received.Kind != EventKind.Content) continue;
                        Console.Write(received.Text);
                        source.Cancel();
                    }
                }
                catch (OperationCanceledException)
                {
                    Console.WriteLine(" [cancelled]");
                }
            }

            try
            {
                client.Send(new Request("no/such-model", "Hello"));
            }
            catch (ThinkwireException error)
            {
                Console.WriteLine("{0}: {1}", error.StatusName, error.Message);
            }
        }
    }
}
