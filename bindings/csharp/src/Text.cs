using System;
using System.Runtime.InteropServices;
using System.Text;
using Thinkwire.Raw;

namespace Thinkwire
{
    // Texts that cross the boundary to C.
    static class Text
    {
        // Throws an ArgumentException for what is no Unicode text.
        static readonly Encoding Strict = new UTF8Encoding(false, true);

        // Functions that return a text, which is borrowed from the object of the handle.
        internal delegate IntPtr Function(SafeHandle handle);
        internal delegate IntPtr Sized(SafeHandle handle, out UIntPtr length);

        // The bytes with a NUL at the end; null for null.
        internal static byte[] Argument(string text)
        {
            if (text == null) return null;
            // C would cut the text.
            if (text.IndexOf('\0') >= 0) throw new ArgumentException("the text contains a NUL");
            return Strict.GetBytes(text + "\0");
        }

        // The bytes of a text whose length is passed as well.
        internal static byte[] Bytes(string text) { return Strict.GetBytes(text); }

        internal static UIntPtr Length(byte[] bytes) { return (UIntPtr)bytes.Length; }

        // A text that ends in a NUL; null for NULL.
        internal static string Read(IntPtr text)
        {
            if (text == IntPtr.Zero) return null;
            int length = 0;
            while (Marshal.ReadByte(text, length) != 0) length++;
            return Read(text, (UIntPtr)length);
        }

        internal static string Read(IntPtr text, UIntPtr length)
        {
            if (text == IntPtr.Zero) return null;
            var bytes = new byte[(int)length];
            Marshal.Copy(text, bytes, 0, bytes.Length);
            return Encoding.UTF8.GetString(bytes);
        }

        // The object must not be finalized before its text was read.
        internal static string Read(Function function, SafeHandle handle)
        {
            string text = Read(function(handle));
            GC.KeepAlive(handle);
            return text;
        }

        internal static string Read(Sized function, SafeHandle handle)
        {
            UIntPtr length;
            string text = Read(function(handle, out length), length);
            GC.KeepAlive(handle);
            return text;
        }

        // Why the last call on this thread has failed.
        internal static string LastError { get { return Read(Native.tw_last_error()); } }
    }

    // Owns an object of C, and keeps it as long as a call uses it. A handle of zero is a NULL.
    sealed class Handle : SafeHandle
    {
        internal static readonly Handle Null = new Handle(IntPtr.Zero, _ => { });

        readonly Action<IntPtr> destroy;

        internal Handle(IntPtr pointer, Action<IntPtr> destroy) : base(IntPtr.Zero, true)
        {
            this.destroy = destroy;
            SetHandle(pointer);
        }

        public override bool IsInvalid { get { return handle == IntPtr.Zero; } }

        protected override bool ReleaseHandle()
        {
            destroy(handle);
            return true;
        }
    }
}
