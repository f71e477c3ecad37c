package thinkwire;

/** An exchange or a call failed. */
public final class ThinkwireException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final Status status;
    private final transient Reply reply;

    ThinkwireException(Status status, String message, Reply reply) {
        super(message);
        this.status = status;
        this.reply = reply;
    }

    static ThinkwireException last(Status status) {
        return new ThinkwireException(status, Native.text("tw_last_error", 0), null);
    }

    /** What failed. */
    public Status status() {
        return status;
    }

    /** The HTTP status; 0 if there was no response. */
    public int httpStatus() {
        return reply == null ? 0 : reply.httpStatus();
    }

    /** Everything that was received; null if nothing was sent. */
    public Reply reply() {
        return reply;
    }
}
