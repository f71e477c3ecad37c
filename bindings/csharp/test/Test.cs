// Tests against the thinkwire-mock of THINKWIRE_BASE_URL.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Threading;
using Thinkwire;

static class Test
{
    const string Fox = "mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A,write=1";
    const string Waiting = "mock/synthetic#delay=60000";
    const string Stalling = "mock/synthetic#chunks=9,stall=900";

    static readonly Client client = NewClient();

    static Client NewClient()
    {
        var options = new Options { Retries = 0 };
        options.Timeouts[TimeoutKind.Total] = TimeSpan.FromSeconds(30);
        return new Client(options);
    }

    static Request Hello(string model) { return new Request(model, "Hello"); }

    static void Equal<T>(T expected, T actual)
    {
        if (!Equals(expected, actual))
            throw new Exception(string.Format("expected {0}, not {1}", expected, actual));
    }

    static void Contains(string part, string whole)
    {
        if (!whole.Contains(part)) throw new Exception(string.Format("no {0} in {1}", part, whole));
    }

    static T Throws<T>(Action action) where T : Exception
    {
        try
        {
            action();
        }
        catch (T exception)
        {
            return exception;
        }
        throw new Exception("no " + typeof(T));
    }

    // Tests/bindings/layout.py writes the file.
    static void StructsHaveTheLayoutOfC()
    {
        var lines = File.ReadAllLines(Environment.GetEnvironmentVariable("THINKWIRE_LAYOUT"));
        Equal(true, lines.Length > 30);
        foreach (string[] words in lines.Select(line => line.Split(' ')))
        {
            string[] names = words[0].Split('.');
            Type type = Assembly.GetExecutingAssembly().GetType("Thinkwire.Raw." + names[0], true);
            int number = names.Length == 1 ? Marshal.SizeOf(type)
                                           : (int)Marshal.OffsetOf(type, names[1].TrimStart('@'));
            Equal(words[0] + " " + words[1], words[0] + " " + number);
        }
    }

    static void ReasoningAndAnswerAreSeparateAndCharactersWhole()
    {
        string reasoning = "", content = "";
        EventStream stream = client.Stream(Hello(Fox));
        foreach (Event received in stream)
        {
            Contains("{", stream.Raw);
            if (received.Kind == EventKind.Reasoning) reasoning += received.Text + "|";
            if (received.Kind == EventKind.Content) content += received.Text + "|";
            if (received.Kind == EventKind.Finish) Equal("stop", received.Text);
            if (received.Kind == EventKind.Usage) Equal(true, received.Usage.TotalTokens > 0);
        }
        Equal("🦊|🦊|", reasoning);
        Equal("🦊|🦊|🦊|", content);
        Reply reply = stream.Reply;
        Equal("🦊🦊🦊", reply.Content);
        Equal("🦊🦊", reply.Reasoning);
        Equal("", reply.Refusal);
        Equal("stop", reply.FinishReason);
        Equal(1, reply.Attempts);
        Equal(200, reply.HttpStatus);
        Equal("assistant", reply.Get("/choices/0/message/role"));
        Equal(null, reply.Get("/nothing"));
        Contains("event-stream", reply.Header("Content-Type"));
        Equal(null, reply.Header("x"));
        Contains("chat.completion", reply.Json);
        Equal(true, reply.Timing.Total >= reply.Timing.FirstContent && reply.RequestId != "");
        Equal(null, reply.Usage.CachedTokens);
        Equal(null, reply.LastError);
        Equal(0, stream.Count());
    }

    static void TextsAndFieldsAreSentUnchanged()
    {
        Request request = new Request("mock/echo", "🦊 é").Set("user", "bob").Set("n", 1);
        request.Set("temperature", 0.5).Set("logprobs", true).SetJson("stop", "[]");
        request.Set("x", "y").SetJson("x", null);
        string body = client.Send(request.Copy()).Content;
        foreach (string part in new[] { "🦊 é", "\"bob\"", "0.5", "\"logprobs\":true", "\"stop\":[]" })
            Contains(part, body);
        Equal(false, body.Contains("\"x\""));
        Equal(request.Json, Request.Parse(request.Json).Json);
    }

    static void Tools()
    {
        Request request = Hello("mock/tools").Tool("weather", "The weather 🌦",
            @"{""type"":""object"",""properties"":{""city"":{""type"":""string""}},
               ""required"":[""city""]}");
        EventStream stream = client.Stream(request);
        string arguments = string.Concat(
            stream.Where(received => received.Kind == EventKind.ToolCall && received.ToolIndex == 0)
                  .Select(received => received.Text));
        ToolCall call = stream.Reply.ToolCalls.Single();
        Equal("weather", call.Name);
        Equal(arguments, call.Arguments);
        using (var json = new Json(call.Arguments))
        {
            Equal("text", json["/city"]);
            Equal(null, json["/x"]);
            Equal(1, json.Count(""));
            Equal(JsonType.String, json.Type("/city"));
            Equal(7.0, json.Number("/city", 7));
        }
        Equal(Status.Invalid, Throws<ThinkwireException>(() => new Json("{")).Status);
        request.Add(stream.Reply).ToolResult(call, "sunny 🌞");
        Contains("sunny 🌞", client.Send(request).Content);
    }

    static void ErrorsHaveStatusMessageAndReply()
    {
        var error = Throws<ThinkwireException>(
            () => client.Send(Hello("mock/echo#status=429,message=slow")));
        Equal("rate_limited", error.StatusName);
        Contains("slow", error.Message);
        Equal(429, error.Reply.HttpStatus);
        error = Throws<ThinkwireException>(() => client.Stream(Hello(Fox + ",cut=900")).ToList());
        Equal(Status.Truncated, error.Status);
        Contains("🦊", error.Reply.Reasoning);
    }

    static void InvalidArguments()
    {
        var error = Throws<ThinkwireException>(() => new Client(new Options { BaseUrl = "ftp://x" }));
        Equal(Status.Invalid, error.Status);
        Contains("neither https", error.Message);
        Throws<ArgumentException>(() => new Client(new Options { ApiKey = "a\0b" }));
        Throws<ThinkwireException>(() => new Request(""));
        Throws<ThinkwireException>(() => Request.Parse("["));
        Throws<ArgumentException>(() => Hello("\ud83e"));
        Request request = Hello("alibaba/qwen3-32b");
        error = Throws<ThinkwireException>(() => request.Set("temperature", 3));
        Contains("temperature", error.Message);
        Equal(Status.Ok, client.Send(request).Status);
    }

    static void AnotherThreadCancelsAWait()
    {
        EventStream stream = client.Stream(Hello(Waiting));
        Equal(null, stream.Next(TimeSpan.Zero));
        Equal(false, stream.IsEnded);
        var canceller = new Thread(stream.Cancel);
        canceller.Start();
        var error = Throws<ThinkwireException>(() => stream.ToList());
        Equal(Status.Cancelled, error.Status);
        canceller.Join();
        stream.Cancel();

        stream = client.Stream(Hello(Stalling));
        stream.Next();
        new Thread(client.Cancel).Start();
        Throws<ThinkwireException>(() => stream.Finish());
    }

    static void ATokenEndsAWait()
    {
        using (var source = new CancellationTokenSource(20))
        {
            var error = Throws<OperationCanceledException>(
                () => client.Send(Hello(Waiting), source.Token));
            Equal(source.Token, error.CancellationToken);
            Throws<OperationCanceledException>(() => client.Stream(Hello(Fox), source.Token).ToList());
        }
    }

    static void LeavingALoopCancels()
    {
        EventStream stream = client.Stream(Hello(Stalling));
        foreach (Event received in stream) break;
        Equal(Status.Cancelled, stream.Reply.Status);
    }

    static void RetriesAreReported()
    {
        using (var retrying = new Client(new Options { Retries = 1 }))
        {
            string model = "mock/echo#status=503,tries=1,key=csharp,header=retry-after-ms:1";
            EventStream stream = retrying.Stream(Hello(model));
            Event received = stream.Next();
            Equal(EventKind.Retry, received.Kind);
            Equal(2, received.Attempt);
            Equal(Status.Server, received.Status);
            Equal(TimeSpan.FromMilliseconds(1), received.Wait);
            Equal(2, stream.Finish().Attempts);
            Equal(Status.Server, stream.Reply.LastError.Status);
        }
    }

    static void Models() { Equal(true, client.Models().Contains("alibaba/qwen3-32b")); }

    static long Resident()
    {
        string line = File.ReadLines("/proc/self/status").First(each => each.StartsWith("VmRSS:"));
        return long.Parse(new string(line.Where(char.IsDigit).ToArray()));
    }

    static int Descriptors() { return Directory.GetFileSystemEntries("/proc/self/fd").Length; }

    static void Abandon(CancellationToken token)
    {
        for (int i = 0; i < 20; i++) NewClient().Stream(Hello(Stalling), token).Next();
    }

    static void GarbageIsReleased()
    {
        int before = Descriptors();
        using (var source = new CancellationTokenSource())
        {
            // On a thread of its own, whose stack holds no references afterwards.
            var abandoning = new Thread(() => Abandon(source.Token));
            abandoning.Start();
            abandoning.Join();
            Equal(true, Descriptors() >= before + 20);
            for (int i = 0; i < 100 && Descriptors() > before + 5; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            Equal(true, Descriptors() <= before + 5);
        }
    }

    static void DisposedObjectsAreReleased()
    {
        Action<int> run = count =>
        {
            for (int i = 0; i < count; i++)
                using (Client own = NewClient())
                using (Request request = Hello("mock/synthetic#chunks=16,size=65536"))
                using (EventStream stream = own.Stream(request))
                using (Reply reply = stream.Finish())
                    Equal(1 << 20, reply.Content.Length);
        };
        run(10);
        GC.Collect();
        long before = Resident();
        run(30);
        GC.Collect();
        Equal(true, Resident() < before + 16384);
    }

    static int Main()
    {
        var tests = new List<Action>
        {
            StructsHaveTheLayoutOfC,
            ReasoningAndAnswerAreSeparateAndCharactersWhole,
            TextsAndFieldsAreSentUnchanged,
            Tools,
            ErrorsHaveStatusMessageAndReply,
            InvalidArguments,
            AnotherThreadCancelsAWait,
            ATokenEndsAWait,
            LeavingALoopCancels,
            RetriesAreReported,
            Models,
            GarbageIsReleased,
            DisposedObjectsAreReleased,
        };
        int failures = 0;
        foreach (Action test in tests)
        {
            try
            {
                test();
            }
            catch (Exception exception)
            {
                failures++;
                Console.WriteLine("{0}: {1}", test.Method.Name, exception);
            }
        }
        Console.WriteLine("csharp: {0} tests, {1} failed", tests.Count, failures);
        return failures == 0 ? 0 : 1;
    }
}
