package thinkwire;

import static java.nio.charset.StandardCharsets.UTF_8;

/** The functions of thinkwire.h, called by their names (see thinkwire_jni.c). */
final class Native {
    private Native() {}

    static {
        String path = System.getProperty("thinkwire.jni");
        if (path != null) System.load(path);
        else System.loadLibrary("thinkwire_jni");
    }

    static native int set(
            String function, long object, byte[] a, byte[] b, byte[] c, long n, long m);

    static native int setNumber(long request, byte[] field, double number);

    static native byte[] text(String function, long object, byte[] name, long index);

    static native long number(String function, long object, byte[] name, long index);

    static native double real(long json, byte[] pointer, double missing);

    static native double cost(long usage);

    static native long object(String function, long object, byte[] text, long request);

    static native void act(String function, long object);

    static native long next(long chat);

    /** The UTF-8 of a text, in which a NUL is not allowed: it would end the text. */
    static byte[] bytes(String text) {
        if (text == null) return null;
        if (text.indexOf('\0') >= 0) throw new IllegalArgumentException("a text contains U+0000");
        return text.getBytes(UTF_8);
    }

    static String string(byte[] bytes) {
        return bytes == null ? null : new String(bytes, UTF_8);
    }

    static String text(String function, long object) {
        return string(text(function, object, null, 0));
    }

    static long number(String function, long object) {
        return number(function, object, null, 0);
    }

    /** Returns a created object, or throws the reason for its absence. */
    static long created(long object) {
        if (object == 0) throw ThinkwireException.last(Status.INVALID);
        return object;
    }
}
