import Engine
import Ledger
import NIOCore
import Synchronization

/// Where the writer's thread leaves events for one connection, and the connection's event loop takes them.
final class StreamMailbox: LedgerListener {
    private struct Content {
        var events: [Event] = []
        var isAnnounced = false
        var isOverfull = false
    }

    private let content = Mutex(Content())
    private let limit: Int
    private let eventLoop: any EventLoop
    private let owner: NIOLoopBound<StreamConnection>

    /// A mailbox of a connection. On its event loop.
    init(of connection: StreamConnection, on eventLoop: any EventLoop, limit: Int) {
        owner = NIOLoopBound(connection, eventLoop: eventLoop)
        self.eventLoop = eventLoop
        self.limit = limit
    }

    func ledgerChanged(_ change: FeedChange) {
        let announces = content.withLock { content in
            if content.events.count + change.events.count > limit {
                content.isOverfull = true
                content.events = []
            } else if !content.isOverfull {
                content.events += change.events
            }
            defer { content.isAnnounced = true }
            return !content.isAnnounced || content.isOverfull
        }
        if announces { eventLoop.execute { self.owner.value.mailArrived() } }
    }

    func ledgerReplaced() { eventLoop.execute { self.owner.value.ledgerReplaced() } }

    /// Whether more has come than may wait. What waited is gone then.
    var isOverfull: Bool { content.withLock { $0.isOverfull } }

    /// What has come since the last time.
    func take() -> [Event] {
        content.withLock { content in
            content.isAnnounced = false
            let events = content.events
            content.events = []
            return events
        }
    }
}
