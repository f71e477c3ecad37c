package thinkwire;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;

/**
 * An object of the library. `close` destroys it; a Cleaner does it for objects that a program has
 * dropped. After `close`, its functions behave as for NULL in the C interface.
 */
abstract class NativeObject implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    /** Holds the address, and does not refer to its owner. */
    private static final class Handle implements Runnable {
        private final String destroy;
        private long address;

        Handle(String destroy, long address) {
            this.destroy = destroy;
            this.address = address;
        }

        @Override
        public synchronized void run() {
            if (address != 0) Native.act(destroy, address);
            address = 0;
        }
    }

    private final Handle handle;
    private final Cleaner.Cleanable cleanable;

    NativeObject(String destroy, long address) {
        handle = new Handle(destroy, address);
        cleanable = CLEANER.register(this, handle);
    }

    /** The address, valid while this object is reachable and not closed: see `keep`. */
    final long address() {
        synchronized (handle) {
            return handle.address;
        }
    }

    /** Keeps this object reachable until here. */
    final void keep() {
        Reference.reachabilityFence(this);
    }

    final String text(String function) {
        return text(function, null, 0);
    }

    final String text(String function, String name, long index) {
        byte[] bytes = Native.text(function, address(), Native.bytes(name), index);
        keep();
        return Native.string(bytes);
    }

    final long number(String function) {
        return number(function, null, 0);
    }

    final long number(String function, String name, long index) {
        long number = Native.number(function, address(), Native.bytes(name), index);
        keep();
        return number;
    }

    final void set(String function, String a, String b, String c) {
        set(function, Native.bytes(a), Native.bytes(b), Native.bytes(c), 0, 0);
    }

    final void set(String function, long n, long m) {
        set(function, null, null, null, n, m);
    }

    final void set(String function, byte[] a, byte[] b, byte[] c, long n, long m) {
        check(Native.set(function, address(), a, b, c, n, m));
        keep();
    }

    static void check(int status) {
        if (status != 0) throw ThinkwireException.last(Status.of(status));
    }

    @Override
    public void close() {
        cleanable.clean();
    }
}
