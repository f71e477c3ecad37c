using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thinkwire.Raw;

namespace Thinkwire
{
    /// <summary>An exchange or a call that failed.</summary>
    public sealed class ThinkwireException : Exception
    {
        public Status Status { get; }
        /// <summary>The name of the status: "rate_limited".</summary>
        public string StatusName { get; }
        /// <summary>What was received; null if there was no exchange.</summary>
        public Reply Reply { get; }

        internal ThinkwireException(Status status, string message, Reply reply = null) : base(message)
        {
            Status = status;
            string name = Text.Read(Native.tw_status_name((int)status));
            StatusName = name.Substring("TW_".Length).ToLowerInvariant();
            Reply = reply;
        }
    }

    /// <summary>Tokens and cost of an answer; null for what the server did not report.</summary>
    public sealed class Usage
    {
        public long? PromptTokens { get; }
        public long? CompletionTokens { get; }
        public long? TotalTokens { get; }
        /// <summary>Part of CompletionTokens.</summary>
        public long? ReasoningTokens { get; }
        /// <summary>Part of PromptTokens.</summary>
        public long? CachedTokens { get; }
        public double? Cost { get; }
        /// <summary>"USD" or "credits".</summary>
        public string CostUnit { get; }

        internal Usage(IntPtr pointer)
        {
            var usage = (tw_usage)Marshal.PtrToStructure(pointer, typeof(tw_usage));
            PromptTokens = Reported(usage.prompt_tokens);
            CompletionTokens = Reported(usage.completion_tokens);
            TotalTokens = Reported(usage.total_tokens);
            ReasoningTokens = Reported(usage.reasoning_tokens);
            CachedTokens = Reported(usage.cached_tokens);
            Cost = usage.cost < 0 ? (double?)null : usage.cost;
            CostUnit = Text.Read(usage.cost_unit);
        }

        static long? Reported(long number) { return number < 0 ? (long?)null : number; }
    }

    /// <summary>Times from the start of an exchange; null for what did not happen.</summary>
    public sealed class Timing
    {
        public TimeSpan? Connected { get; }
        public TimeSpan? FirstByte { get; }
        public TimeSpan? FirstReasoning { get; }
        public TimeSpan? FirstContent { get; }
        public TimeSpan? Total { get; }
        public bool ReusedConnection { get; }

        internal Timing(IntPtr pointer)
        {
            var timing = (tw_timing)Marshal.PtrToStructure(pointer, typeof(tw_timing));
            Connected = Happened(timing.connected_us);
            FirstByte = Happened(timing.first_byte_us);
            FirstReasoning = Happened(timing.first_reasoning_us);
            FirstContent = Happened(timing.first_content_us);
            Total = Happened(timing.total_us);
            ReusedConnection = timing.reused_connection != 0;
        }

        static TimeSpan? Happened(long microseconds)
        {
            return microseconds < 0 ? (TimeSpan?)null : TimeSpan.FromTicks(microseconds * 10);
        }
    }

    /// <summary>A tool call that the model requests.</summary>
    public sealed class ToolCall
    {
        public int Choice { get; }
        public int Index { get; }
        public string Id { get; }
        public string Name { get; }
        /// <summary>What the model wrote, possibly invalid JSON: see Json.</summary>
        public string Arguments { get; }

        internal ToolCall(IntPtr pointer)
        {
            var call = (tw_tool_call)Marshal.PtrToStructure(pointer, typeof(tw_tool_call));
            Choice = call.choice;
            Index = call.index;
            Id = Text.Read(call.id);
            Name = Text.Read(call.name);
            Arguments = Text.Read(call.arguments, call.arguments_len);
        }
    }

    /// <summary>The result of an exchange. Any number of threads may read it.</summary>
    public sealed class Reply : IDisposable
    {
        internal Handle Handle { get; }

        internal Reply(IntPtr reply) { Handle = new Handle(reply, Native.tw_reply_destroy); }

        public Status Status { get { return (Status)Native.tw_reply_status(Handle); } }
        /// <summary>One line that says what happened and what to do; "" for Ok.</summary>
        public string Message { get { return Text.Read(Native.tw_reply_message, Handle); } }
        /// <summary>How many times the request was sent.</summary>
        public int Attempts { get { return Native.tw_reply_attempts(Handle); } }
        /// <summary>The HTTP status; 0 if there was no response.</summary>
        public int HttpStatus { get { return Native.tw_reply_http_status(Handle); } }
        public string Reasoning { get { return Text.Read(Native.tw_reply_reasoning, Handle); } }
        public string Content { get { return Text.Read(Native.tw_reply_content, Handle); } }
        public string Refusal { get { return Text.Read(Native.tw_reply_refusal, Handle); } }
        public string FinishReason { get { return Text.Read(Native.tw_reply_finish_reason, Handle); } }
        /// <summary>The provider's id of this request.</summary>
        public string RequestId { get { return Text.Read(Native.tw_reply_request_id, Handle); } }
        /// <summary>The complete answer as one chat.completion document.</summary>
        public string Json { get { return Text.Read(Native.tw_reply_json, Handle); } }

        public Usage Usage { get { return Read(() => new Usage(Native.tw_reply_usage(Handle))); } }
        public Timing Timing { get { return Read(() => new Timing(Native.tw_reply_timing(Handle))); } }

        /// <summary>The error that caused the last retry; null if there was no retry.</summary>
        public ThinkwireException LastError
        {
            get
            {
                int status = Native.TW_OK;
                string message = Text.Read(
                    reply => Native.tw_reply_last_error(reply, out status), Handle);
                bool isRetried = status != Native.TW_OK;
                return isRetried ? new ThinkwireException((Status)status, message) : null;
            }
        }

        /// <summary>A value of the document, by a pointer such as "/choices/0/message/content".</summary>
        public string Get(string pointer)
        {
            UIntPtr length = UIntPtr.Zero;
            return Read(() => Text.Read(
                Native.tw_reply_get(Handle, Text.Argument(pointer), out length), length));
        }

        /// <summary>The value of a response header; null if absent.</summary>
        public string Header(string name)
        {
            return Text.Read(reply => Native.tw_reply_header(reply, Text.Argument(name)), Handle);
        }

        /// <summary>The tool calls of all choices.</summary>
        public IList<ToolCall> ToolCalls
        {
            get
            {
                var calls = new List<ToolCall>();
                var count = (int)Native.tw_reply_tool_call_count(Handle);
                for (int i = 0; i < count; i++)
                    calls.Add(new ToolCall(Native.tw_reply_tool_call(Handle, (UIntPtr)i)));
                GC.KeepAlive(this);
                return calls;
            }
        }

        internal IList<string> Models()
        {
            var ids = new List<string>();
            var count = (int)Native.tw_reply_model_count(Handle);
            for (int i = 0; i < count; i++)
                ids.Add(Text.Read(Native.tw_reply_model(Handle, (UIntPtr)i)));
            GC.KeepAlive(this);
            return ids;
        }

        public void Dispose() { Handle.Dispose(); }

        // The reply must not be finalized between the call and the end of reading its result.
        T Read<T>(Func<T> read)
        {
            T result = read();
            GC.KeepAlive(this);
            return result;
        }
    }
}
