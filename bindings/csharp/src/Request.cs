using System;
using System.Collections.Generic;
using Thinkwire.Raw;

namespace Thinkwire
{
    /// <summary>
    /// A conversation and its settings. One thread at a time may change it; any number may send it
    /// at once. Methods that change it return it, and throw a ThinkwireException if they fail.
    /// </summary>
    public sealed class Request : IDisposable
    {
        internal Handle Handle { get; }

        public Request(string model) : this(Native.tw_request_create(Text.Argument(model))) { }

        public Request(string model, string text) : this(model) { User(text); }

        Request(IntPtr request)
        {
            if (request == IntPtr.Zero) throw new ThinkwireException(Status.Invalid, Text.LastError);
            Handle = new Handle(request, Native.tw_request_destroy);
        }

        /// <summary>Creates a request from a JSON body.</summary>
        public static Request Parse(string json)
        {
            byte[] bytes = Text.Bytes(json);
            IntPtr request;
            Native.tw_request_parse(bytes, Text.Length(bytes), out request);
            return new Request(request);
        }

        public Request Copy() { return new Request(Native.tw_request_copy(Handle)); }

        /// <summary>Adds a message of the user.</summary>
        public Request User(string text) { return Message("user", text); }

        public Request Message(string role, string text)
        {
            return Check(
                Native.tw_request_add_message(Handle, Text.Argument(role), Text.Argument(text)));
        }

        /// <summary>Adds a message that is a JSON object.</summary>
        public Request MessageJson(string json)
        {
            byte[] bytes = Text.Bytes(json);
            return Check(Native.tw_request_add_message_json(Handle, bytes, Text.Length(bytes)));
        }

        /// <summary>Adds the assistant's message from a reply, with its tool calls.</summary>
        public Request Add(Reply reply)
        {
            return Check(Native.tw_request_add_reply(Handle, reply.Handle));
        }

        public Request ToolResult(ToolCall call, string text) { return ToolResult(call.Id, text); }

        public Request ToolResult(string id, string text)
        {
            return Check(
                Native.tw_request_add_tool_result(Handle, Text.Argument(id), Text.Argument(text)));
        }

        /// <summary>Offers a function; parameters is the JSON schema of an object.</summary>
        public Request Tool(string name, string description = null, string parameters = null)
        {
            return Check(Native.tw_request_add_tool(
                Handle, Text.Argument(name), Text.Argument(description), Text.Argument(parameters)));
        }

        /// <summary>Adds an image to the last message; detail is "low", "high" or "auto".</summary>
        public Request ImageUrl(string url, string detail = null)
        {
            return Check(
                Native.tw_request_add_image_url(Handle, Text.Argument(url), Text.Argument(detail)));
        }

        /// <summary>Adds an image to the last message: a JPEG, PNG, GIF or WEBP file.</summary>
        public Request Image(byte[] bytes, string detail = null)
        {
            return Check(Native.tw_request_add_image(
                Handle, bytes, Text.Length(bytes), Text.Argument(detail)));
        }

        /// <summary>Adds an image to the last message, from a file that is read now.</summary>
        public Request ImageFile(string path, string detail = null)
        {
            return Check(
                Native.tw_request_add_image_file(Handle, Text.Argument(path), Text.Argument(detail)));
        }

        /// <summary>Sets a field of the body to a JSON value; null removes it.</summary>
        public Request SetJson(string field, string json)
        {
            return Check(Native.tw_request_set(Handle, Text.Argument(field), Text.Argument(json)));
        }

        public Request Set(string field, string text)
        {
            return Check(
                Native.tw_request_set_string(Handle, Text.Argument(field), Text.Argument(text)));
        }

        public Request Set(string field, double number)
        {
            return Check(Native.tw_request_set_number(Handle, Text.Argument(field), number));
        }

        public Request Set(string field, bool yes)
        {
            return Check(Native.tw_request_set_bool(Handle, Text.Argument(field), yes ? 1 : 0));
        }

        /// <summary>
        /// Switches thinking; budget: the maximum number of tokens to think with, 0 for none.
        /// </summary>
        public Request Thinking(Thinking mode, long budget = 0)
        {
            return Check(Native.tw_request_set_thinking(Handle, (int)mode, budget));
        }

        public Request StartsThinking(bool yes)
        {
            return Check(Native.tw_request_set_starts_thinking(Handle, yes ? 1 : 0));
        }

        /// <summary>Sets the tags that enclose reasoning; null restores those of the client.</summary>
        public Request ReasoningTags(string opening, string closing)
        {
            return Check(Native.tw_request_set_reasoning_tags(
                Handle, Text.Argument(opening), Text.Argument(closing)));
        }

        /// <summary>Sets a timeout; TimeSpan.Zero: none, null: that of the client.</summary>
        public Request Timeout(TimeoutKind which, TimeSpan? time)
        {
            long milliseconds = time == null ? -1 : Milliseconds(time.Value);
            return Check(Native.tw_request_set_timeout(Handle, (int)which, milliseconds));
        }

        /// <summary>The body as JSON text; Parse makes a request of it.</summary>
        public string Json { get { return Text.Read(Native.tw_request_json, Handle); } }

        public void Dispose() { Handle.Dispose(); }

        // C records a failure until it is cleared; here the exception has reported it.
        Request Check(int status)
        {
            if (status == Native.TW_OK) return this;
            string message = Text.LastError;
            Native.tw_request_clear_error(Handle);
            throw new ThinkwireException((Status)status, message);
        }

        // 0 means none, so a shorter time than a millisecond is 1.
        internal static long Milliseconds(TimeSpan time)
        {
            return time > TimeSpan.Zero ? Math.Max(1, (long)time.TotalMilliseconds) : 0;
        }
    }
}
