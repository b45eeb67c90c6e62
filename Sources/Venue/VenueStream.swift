import Ledger

/// One WebSocket connection as its venue speaks on it: a state machine without socket, timer or thread.
///
/// The server owns the connection. It tells the stream what came in, what the ledger did and what time it
/// is, one call after the other, and sends what the stream answers. Frames, pings, masks, size limits and
/// the closing handshake of RFC 6455 are the server's; everything inside a text message is the venue's.
///
/// ```swift
/// guard case .accepted(let opening) = venue.openStream(to: request, through: access) else { return }
/// var stream = opening.stream
/// var output = StreamOutput()
/// stream.received(.text(Array(#"{"op":"ping"}"#.utf8)), at: access.realTime(), into: &output)
/// ```
public protocol VenueStream: Sendable {
    /// What the stream wants to hear of. The server looks after every call; a change takes effect at once and
    /// is confirmed by `interestTaken`.
    var interest: StreamInterest { get }

    /// The real time, in milliseconds since the epoch, at which `timePassed` is wanted next; nil for never.
    var deadline: Int64? { get }

    /// The connection stands; what the venue says first goes here.
    mutating func opened(at now: Int64, into output: inout StreamOutput)

    /// A whole message has come in.
    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput)

    /// The interest is in force: from here on no change is missed. First snapshots are taken and sent here,
    /// not in `received`, so that nothing can happen unseen between the two.
    mutating func interestTaken(at now: Int64, into output: inout StreamOutput)

    /// Something happened that the stream is interested in, and it is durable.
    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput)

    /// The deadline has come.
    mutating func timePassed(at now: Int64, into output: inout StreamOutput)

    /// What the venue says on the connection right before it closes it for a reason of the server's; nil for
    /// nothing, and nil unless implemented.
    func notice(before reason: StreamCloseReason) -> [UInt8]?

    /// How the venue closes a connection for a reason of the server's.
    func close(for reason: StreamCloseReason) -> StreamClose

    /// What the venue does once the connection is over, whoever ended it, such as canceling orders; nil for
    /// nothing, and nil unless implemented. Nothing is done where the server itself goes down.
    var farewell: (@Sendable () async -> Void)? { get }
}

/// A stream that only answers: it follows nothing, waits for nothing and says nothing by itself.
extension VenueStream {
    public var interest: StreamInterest { StreamInterest() }

    public var deadline: Int64? { nil }

    public mutating func opened(at now: Int64, into output: inout StreamOutput) {}

    public mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {}

    public mutating func ledgerChanged(
        _ notice: StreamNotice, at now: Int64, into output: inout StreamOutput
    ) {}

    public mutating func timePassed(at now: Int64, into output: inout StreamOutput) {}

    public func notice(before reason: StreamCloseReason) -> [UInt8]? { nil }

    public var farewell: (@Sendable () async -> Void)? { nil }
}

/// What a stream wants to hear of.
public struct StreamInterest: Sendable, Equatable {
    /// Accounts whose events are wanted.
    public var accounts: Set<String>
    /// Whether changes of the venue's prices are wanted. Many ticks may come as one notice.
    public var prices: Bool

    public init(accounts: Set<String> = [], prices: Bool = false) {
        self.accounts = accounts
        self.prices = prices
    }
}

/// A whole message of a client, its fragments joined.
public enum StreamMessage: Sendable, Equatable {
    /// UTF-8, checked.
    case text([UInt8])
    case binary([UInt8])
}

/// What has happened since the last notice.
public struct StreamNotice: Sendable {
    /// Events of the accounts of interest, in the order of the journal, none left out. One that a snapshot
    /// already holds may come too: its `sequence` is then at most the account's `lastSequence`.
    public let events: [Event]
    /// Whether the venue's prices have changed.
    public let pricesChanged: Bool

    public init(events: [Event] = [], pricesChanged: Bool = false) {
        self.events = events
        self.pricesChanged = pricesChanged
    }
}

/// What a stream answers: messages in their order, and after them perhaps what takes time, or the end.
public struct StreamOutput: Sendable {
    /// Something that has to be waited for, such as an order that must be durable, and the messages that tell
    /// what it came to.
    public typealias Work = @Sendable () async -> [[UInt8]]

    /// Text messages to send, each whole, in their order.
    public private(set) var messages: [[UInt8]] = []
    /// What is worked out after them; the client's next message is looked at when all of it is done, and what
    /// it changed in the ledger is told before its own messages.
    public private(set) var work: [Work] = []
    /// The end, after the messages.
    public var close: StreamClose?

    public init() {}

    /// Adds a text message.
    public mutating func send(_ message: [UInt8]) { messages.append(message) }

    /// Adds a text message.
    public mutating func send(_ message: String) { messages.append(Array(message.utf8)) }

    /// Adds messages that have to be waited for.
    public mutating func send(after work: @escaping Work) { self.work.append(work) }
}

/// The code and reason of a close frame.
public struct StreamClose: Sendable, Equatable {
    /// 1000 and up, as RFC 6455 section 7.4 allows; 4000 to 4999 are the venue's own.
    public let code: UInt16
    /// At most 123 bytes of UTF-8.
    public let reason: String

    public init(code: UInt16, reason: String = "") {
        self.code = code
        self.reason = reason
    }
}

/// Why the server ends a connection.
public enum StreamCloseReason: Sendable, CaseIterable {
    /// The client reads too slowly.
    case slowReader
    /// A message is longer than the venue takes.
    case messageTooBig
    /// A frame, its mask, its bits or its UTF-8 are wrong.
    case protocolError
    /// The peer has not answered pings.
    case unresponsive
    /// The server is going down.
    case shutdown
}

/// What came of a request to open a stream.
public struct StreamOpening: Sendable {
    public let stream: any VenueStream
    /// The subprotocol that the handshake names; nil for none.
    public let subprotocol: String?
    /// The most bytes that one message of a client may have.
    public let messageLimit: Int
    /// Real milliseconds between the server's own ping frames; nil for none.
    public let pingInterval: Int64?
    /// Real milliseconds without a pong, after a ping, after which the connection is ended.
    public let pongLimit: Int64

    public init(
        _ stream: any VenueStream, subprotocol: String? = nil, messageLimit: Int = 64 << 10,
        pingInterval: Int64? = 180_000, pongLimit: Int64 = 600_000
    ) {
        self.stream = stream
        self.subprotocol = subprotocol
        self.messageLimit = messageLimit
        self.pingInterval = pingInterval
        self.pongLimit = pongLimit
    }
}

/// What a venue says to a request to open a stream.
public enum StreamAnswer: Sendable {
    case accepted(StreamOpening)
    /// The handshake fails with this answer.
    case refused(VenueResponse)
}
