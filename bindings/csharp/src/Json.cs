using System;
using Thinkwire.Raw;

namespace Thinkwire
{
    /// <summary>
    /// A JSON text to look values up in, by JSON pointers such as "/cities/0". One thread at a time.
    /// </summary>
    public sealed class Json : IDisposable
    {
        readonly Handle handle;

        /// <summary>Parses a text; the message of the exception says where it is not JSON.</summary>
        public Json(string text)
        {
            byte[] bytes = Text.Bytes(text);
            IntPtr json;
            int status = Native.tw_json_parse(bytes, Text.Length(bytes), out json);
            if (status != Native.TW_OK) throw new ThinkwireException((Status)status, Text.LastError);
            handle = new Handle(json, Native.tw_json_destroy);
        }

        /// <summary>The text of a string, or the JSON of another value; null if absent.</summary>
        public string this[string pointer]
        {
            get
            {
                UIntPtr length;
                IntPtr found = Native.tw_json_get(handle, Text.Argument(pointer), out length);
                string text = Text.Read(found, length);
                GC.KeepAlive(this);
                return text;
            }
        }

        public double Number(string pointer, double missing = double.NaN)
        {
            return Native.tw_json_number(handle, Text.Argument(pointer), missing);
        }

        /// <summary>How many elements an array has, or members an object.</summary>
        public int Count(string pointer)
        {
            return (int)Native.tw_json_count(handle, Text.Argument(pointer));
        }

        public JsonType Type(string pointer)
        {
            return (JsonType)Native.tw_json_type_at(handle, Text.Argument(pointer));
        }

        public void Dispose() { handle.Dispose(); }
    }
}
