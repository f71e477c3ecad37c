package thinkwire;

import java.util.Locale;

/** Result of an exchange or of a call, in the order of tw_status. */
public enum Status {
    OK,
    INVALID,
    MISUSE,
    CANCELLED,
    RESOLVE,
    CONNECT,
    TLS,
    NETWORK,
    TIMEOUT,
    AUTH,
    FORBIDDEN,
    QUOTA,
    NOT_FOUND,
    BAD_REQUEST,
    RATE_LIMITED,
    SERVER,
    TRUNCATED,
    PROTOCOL,
    LIMIT,
    /** A status of a newer library. */
    UNKNOWN;

    static Status of(long value) {
        return value < UNKNOWN.ordinal() ? values()[(int) value] : UNKNOWN;
    }

    /** The name in lower case, such as "not_found". */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
