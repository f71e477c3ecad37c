using System;
using System.Collections.Generic;
using System.Threading;
using Thinkwire.Raw;

namespace Thinkwire
{
    /// <summary>Where and how to connect. What is not set is read from the environment.</summary>
    public sealed class Options
    {
        public string BaseUrl { get; set; }
        /// <summary>"": no key, whatever the environment contains.</summary>
        public string ApiKey { get; set; }
        /// <summary>Headers to send; with "", no header of that name is sent.</summary>
        public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>();
        /// <summary>Timeouts; TimeSpan.Zero: none.</summary>
        public IDictionary<TimeoutKind, TimeSpan> Timeouts { get; }
            = new Dictionary<TimeoutKind, TimeSpan>();
        /// <summary>Limits on what a server may send, in bytes.</summary>
        public IDictionary<Limit, long> Limits { get; } = new Dictionary<Limit, long>();
        public int? Retries { get; set; }
        public bool? CommentsKeepAlive { get; set; }
        public bool? RequireFinish { get; set; }
        /// <summary>"": none.</summary>
        public string Proxy { get; set; }
        public string NoProxy { get; set; }
        public string CaFile { get; set; }
        public string CaDirectory { get; set; }
        public HttpVersion HttpVersion { get; set; }
        public Dialect Dialect { get; set; }
        /// <summary>The opening and the closing tag of reasoning.</summary>
        public KeyValuePair<string, string>? ReasoningTags { get; set; }
        public string ReasoningReplay { get; set; }
        /// <summary>Hosts to which the API key may be sent in clear text.</summary>
        public ICollection<string> CleartextHosts { get; } = new List<string>();

        // C records the first failure, and reports it when a client is created.
        internal Handle Create()
        {
            var options = new Handle(Native.tw_options_create(), Native.tw_options_destroy);
            Set(BaseUrl, url => Native.tw_options_set_base_url(options, url));
            Set(ApiKey, key => Native.tw_options_set_api_key(options, key));
            Set(Proxy, url => Native.tw_options_set_proxy(options, url));
            Set(NoProxy, hosts => Native.tw_options_set_no_proxy(options, hosts));
            Set(CaFile, path => Native.tw_options_set_ca_file(options, path));
            Set(CaDirectory, path => Native.tw_options_set_ca_directory(options, path));
            Set(ReasoningReplay, form => Native.tw_options_set_reasoning_replay(options, form));
            foreach (var header in Headers)
                Native.tw_options_set_header(
                    options, Text.Argument(header.Key), Text.Argument(header.Value));
            foreach (var timeout in Timeouts)
                Native.tw_options_set_timeout(
                    options, (int)timeout.Key, Request.Milliseconds(timeout.Value));
            foreach (var limit in Limits)
                Native.tw_options_set_limit(options, (int)limit.Key, limit.Value);
            foreach (var host in CleartextHosts)
                Native.tw_options_allow_cleartext(options, Text.Argument(host));
            if (Retries is int retries) Native.tw_options_set_retries(options, retries);
            if (CommentsKeepAlive is bool keepAlive)
                Native.tw_options_set_comments_keep_alive(options, keepAlive ? 1 : 0);
            if (RequireFinish is bool finish)
                Native.tw_options_set_require_finish(options, finish ? 1 : 0);
            if (ReasoningTags is KeyValuePair<string, string> tags)
                Native.tw_options_set_reasoning_tags(
                    options, Text.Argument(tags.Key), Text.Argument(tags.Value));
            Native.tw_options_set_http_version(options, (int)HttpVersion);
            Native.tw_options_set_dialect(options, (int)Dialect);
            return options;
        }

        static void Set(string value, Func<byte[], int> setter)
        {
            if (value != null) setter(Text.Argument(value));
        }
    }

    /// <summary>An endpoint and its connections. Any number of threads may use it at once.</summary>
    public sealed class Client : IDisposable
    {
        readonly Handle handle;

        /// <summary>The version of the loaded library.</summary>
        public static string Version { get { return Text.Read(Native.tw_version()); } }

        public Client(Options options = null)
        {
            using (Handle settings = options == null ? null : options.Create())
            {
                IntPtr client;
                int status = Native.tw_client_create(settings ?? Handle.Null, out client);
                if (status != Native.TW_OK)
                    throw new ThinkwireException((Status)status, Text.LastError);
                handle = new Handle(client, Native.tw_client_destroy);
            }
        }

        /// <summary>Begins a streamed exchange. The request can be changed at once.</summary>
        public EventStream Stream(Request request, CancellationToken token = default)
        {
            return new EventStream(Native.tw_chat_open(handle, request.Handle), token);
        }

        /// <summary>Waits for the complete answer.</summary>
        public Reply Send(Request request, CancellationToken token = default)
        {
            return Finish(Native.tw_chat_open_unstreamed(handle, request.Handle), token);
        }

        /// <summary>The ids of the models.</summary>
        public IList<string> Models(CancellationToken token = default)
        {
            using (Reply reply = Finish(Native.tw_models_open(handle), token)) return reply.Models();
        }

        static Reply Finish(IntPtr chat, CancellationToken token)
        {
            using (var stream = new EventStream(chat, token)) return stream.Finish();
        }

        /// <summary>Cancels every exchange in progress. From any thread.</summary>
        public void Cancel() { Native.tw_client_cancel(handle); }

        /// <summary>Closes idle connections. Exchanges in progress continue.</summary>
        public void Dispose() { handle.Dispose(); }
    }
}
