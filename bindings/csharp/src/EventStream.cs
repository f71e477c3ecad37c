using System;
using System.Collections;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Thinkwire.Raw;

namespace Thinkwire
{
    /// <summary>One event of an exchange.</summary>
    public sealed class Event
    {
        public EventKind Kind { get; }
        /// <summary>Index of the choice to which the event belongs.</summary>
        public int Choice { get; }
        /// <summary>
        /// A piece of reasoning, answer, refusal or arguments; the finish reason; or why the last
        /// attempt failed.
        /// </summary>
        public string Text { get; }
        /// <summary>Index, id and name of the tool call, for ToolCall.</summary>
        public int ToolIndex { get; }
        public string ToolId { get; }
        public string ToolName { get; }
        /// <summary>The usage so far, for Usage.</summary>
        public Usage Usage { get; }
        /// <summary>Number of the next attempt, for Retry; Status why, and Wait when.</summary>
        public int Attempt { get; }
        public Status Status { get; }
        public TimeSpan Wait { get; }

        internal Event(tw_event source)
        {
            Kind = (EventKind)source.kind;
            Choice = source.choice;
            Text = Thinkwire.Text.Read(source.text, source.text_len);
            ToolIndex = source.tool_index;
            ToolId = Thinkwire.Text.Read(source.tool_id);
            ToolName = Thinkwire.Text.Read(source.tool_name);
            Usage = source.usage == IntPtr.Zero ? null : new Usage(source.usage);
            Attempt = source.attempt;
            Status = (Status)source.status;
            Wait = TimeSpan.FromMilliseconds(source.wait_ms);
        }
    }

    /// <summary>
    /// An exchange in progress, for one thread; any may call Cancel. Leaving a foreach cancels it.
    /// If the exchange fails, the foreach throws a ThinkwireException, or, if the token was
    /// cancelled, an OperationCanceledException.
    /// </summary>
    public sealed class EventStream : IEnumerable<Event>, IDisposable
    {
        readonly Handle handle;
        readonly CancellationToken token;
        readonly CancellationTokenRegistration registration;
        readonly Chat chat;
        Reply reply;

        // What a token may refer to: not the stream, which could then not become garbage.
        sealed class Chat
        {
            IntPtr pointer;

            internal Chat(IntPtr pointer) { this.pointer = pointer; }

            internal void Cancel()
            {
                lock (this)
                {
                    using (var chat = new Handle(pointer, _ => { })) Native.tw_chat_cancel(chat);
                }
            }

            // After this, no thread uses the pointer.
            internal void Forget() { lock (this) pointer = IntPtr.Zero; }
        }

        internal EventStream(IntPtr pointer, CancellationToken token)
        {
            chat = new Chat(pointer);
            Chat cancelled = chat;
            handle = new Handle(pointer, closed =>
            {
                cancelled.Forget();
                Native.tw_reply_destroy(Native.tw_chat_close(closed));
            });
            this.token = token;
            registration = token.Register(chat.Cancel);
        }

        /// <summary>The JSON of the chunk that contained the last event.</summary>
        public string Raw { get; private set; }

        /// <summary>Waits for the next event; null: there is none, and IsEnded says why.</summary>
        public Event Next(TimeSpan? timeout = null)
        {
            Raw = null;
            if (reply != null) return null;
            // Rounded up, because 0 does not wait.
            double wait = timeout == null ? -1 : Math.Ceiling(timeout.Value.TotalMilliseconds);
            IntPtr pointer;
            int limit = (int)Math.Max(-1, Math.Min(wait, int.MaxValue));
            int result = Native.tw_chat_next(handle, out pointer, limit);
            IsEnded = result == Native.TW_NEXT_END;
            if (result != Native.TW_NEXT_EVENT) return null;
            var source = (tw_event)Marshal.PtrToStructure(pointer, typeof(tw_event));
            Raw = Text.Read(source.raw, source.raw_len);
            var received = new Event(source);
            GC.KeepAlive(this);
            return received;
        }

        /// <summary>Whether the exchange has ended. If not, Next returned after its timeout.</summary>
        public bool IsEnded { get; private set; }

        /// <summary>The result. An exchange that has not ended is cancelled.</summary>
        public Reply Reply
        {
            get
            {
                if (reply == null)
                {
                    IsEnded = true;
                    registration.Dispose();
                    chat.Forget();
                    reply = new Reply(Native.tw_chat_close(handle.DangerousGetHandle()));
                    handle.SetHandleAsInvalid();
                }
                return reply;
            }
        }

        /// <summary>Receives the remaining events, and returns the result, or throws.</summary>
        public Reply Finish()
        {
            while (Next() != null) {}
            if (Reply.Status == Status.Ok) return Reply;
            if (Reply.Status == Status.Cancelled && token.IsCancellationRequested)
                throw new OperationCanceledException(Reply.Message, token);
            throw new ThinkwireException(Reply.Status, Reply.Message, Reply);
        }

        public IEnumerator<Event> GetEnumerator()
        {
            try
            {
                for (Event received = Next(); received != null; received = Next())
                    yield return received;
                Finish();
            }
            finally
            {
                Dispose();
            }
        }

        IEnumerator IEnumerable.GetEnumerator() { return GetEnumerator(); }

        /// <summary>Ends the exchange. From any thread.</summary>
        public void Cancel() { chat.Cancel(); }

        /// <summary>Cancels the exchange if it has not ended. The reply remains.</summary>
        public void Dispose() { GC.KeepAlive(Reply); }
    }
}
