package thinkwire;

import java.lang.ref.Cleaner;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * The events of an exchange, to be iterated once, by one thread at a time.
 *
 * Nothing is read between events, so that flow control holds the server back. The iteration throws
 * the failure of the exchange after all events. `cancel` ends a wait of another thread.
 */
public final class Stream implements Iterable<Event>, AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    /** The chat, without a reference to the stream. */
    private static final class Chat implements Runnable {
        private long address;

        synchronized long address() { return address; }

        /** The lock keeps the chat open until the call has returned. */
        synchronized void cancel() { Native.act("tw_chat_cancel", address); }

        synchronized Reply close() {
            long chat = address;
            address = 0;
            return chat == 0 ? null : new Reply(Native.object("tw_chat_close", chat, null, 0));
        }

        @Override
        public void run() {
            Reply reply = close();
            if (reply != null) reply.close();
        }
    }

    private final Chat chat = new Chat();
    private final Cleaner.Cleanable cleanable;
    private Reply reply;

    Stream(long address) {
        chat.address = address;
        cleanable = CLEANER.register(this, chat);
    }

    @Override
    public Iterator<Event> iterator() {
        return new Iterator<>() {
            private Event next;

            @Override
            public boolean hasNext() {
                if (next == null) next = Stream.this.next();
                if (next == null) reply.checked();
                return next != null;
            }

            @Override
            public Event next() {
                if (!hasNext()) throw new NoSuchElementException();
                Event event = next;
                next = null;
                return event;
            }
        };
    }

    /** Waits for the next event; null at the end, where the reply is available. */
    private synchronized Event next() {
        long event = reply == null ? Native.next(chat.address()) : 0;
        if (event != 0) return Event.at(event);
        if (reply == null) end();
        return null;
    }

    private void end() {
        reply = chat.close();
        cleanable.clean();
    }

    /** Cancels the exchange, from any thread. */
    public void cancel() { chat.cancel(); }

    /** Waits for the end, and returns the reply of any status. */
    public synchronized Reply reply() {
        while (next() != null) continue;
        return reply;
    }

    /** Cancels the exchange unless it has ended. The reply remains available. */
    @Override
    public void close() {
        cancel();
        synchronized (this) {
            if (reply == null) end();
        }
    }
}
