package thinkwire;

/** A JSON text to look values up in, by JSON pointers such as "/cities/0/name". */
public final class Json extends NativeObject {
    /** Types of values, in the order of tw_json_type. */
    public enum Type { NONE, NULL, BOOL, NUMBER, STRING, ARRAY, OBJECT }

    public Json(String text) {
        super(
                "tw_json_destroy",
                Native.created(Native.object("tw_json_parse", 0, Native.bytes(text), 0)));
    }

    /** A string as its text, any other value as its JSON; null if it is absent. */
    public synchronized String get(String pointer) { return text("tw_json_get", pointer, 0); }

    public synchronized double number(String pointer, double missing) {
        double number = Native.real(address(), Native.bytes(pointer), missing);
        keep();
        return number;
    }

    /** The number of elements of an array, or of members of an object; else 0. */
    public synchronized long count(String pointer) { return number("tw_json_count", pointer, 0); }

    public synchronized Type type(String pointer) {
        return Type.values()[(int) number("tw_json_type_at", pointer, 0)];
    }
}
