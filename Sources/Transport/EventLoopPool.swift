import Base
import CPlatform

/// The idle event loops of a client in one process, and the sockets of all its loops.
package final class EventLoopPool: ForkOwned {
    private let sockets = OpenSockets()
    package let wakeList = WakeList()
    private let lock = Lock()
    private var idleLoops: [EventLoop] = []
    /// Loops beyond these are destroyed with their connections instead of becoming idle. A client
    /// with more concurrent calls opens connections faster than it waits for them.
    private static let maxIdle = 64

    package init() {}

    /// An event loop, with an open connection if one is idle. Nil if no descriptors are left.
    package func borrow() -> EventLoop? {
        lock.locked { idleLoops.popLast() } ?? EventLoop.create(sockets, wakeList)
    }

    package func release(_ loop: EventLoop) {
        lock.locked { if idleLoops.count < EventLoopPool.maxIdle { idleLoops.append(loop) } }
    }

    /// Closes the copies that a child of fork has of its parent's sockets. Nothing is sent.
    package func closeInherited() { sockets.closeInherited() }
}

/// The sockets that event loops of this process have opened.
package final class OpenSockets {
    private let creator = ProcessIdentity()
    let all = platform_sockets_create()

    package init() {}

    deinit { platform_sockets_destroy(all) }

    /// False in a child of the process that opened the sockets.
    package var isCurrentProcess: Bool { creator.isCurrent }

    /// Closes the copies that a child of fork has. Nothing is sent.
    package func closeInherited() { platform_sockets_close(all) }
}
