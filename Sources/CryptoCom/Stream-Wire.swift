import JSON
import Ledger
import Venue

/// A frame that a client sent, read but not yet believed.
struct StreamRequest {
    let id: RequestIdentifier
    let method: String
    /// The whole frame, an object.
    let body: JSONValue

    var params: JSONValue? { body["params"] }

    /// Text and binary messages are read alike. Throws for what is no request: no JSON object, an id that is
    /// no whole number, no method.
    init(_ message: StreamMessage) throws(UnreadableFrame) {
        let bytes =
            switch message {
            case .text(let bytes), .binary(let bytes): bytes
            }
        guard let body = try? JSONValue(parsing: bytes), body.object != nil else {
            throw UnreadableFrame(.badRequest, .omitted, bytes)
        }
        guard let id = try? CryptoComVenue.identifier(in: body) else {
            throw UnreadableFrame(.badRequest, .omitted, bytes)
        }
        guard let method = body["method"]?.text else { throw UnreadableFrame(.invalidArgument, id, bytes) }
        self.id = id
        self.method = method
        self.body = body
    }

    /// The channels that a subscription names, each once: one request must not ask for a hundred times what
    /// it weighs. Throws where there is none, or one is no text.
    func channels() throws(VenueError) -> [String] {
        try CryptoComVenue.checkParams(in: body)
        guard let elements = params?["channels"]?.elements, !elements.isEmpty else { throw .invalidArgument }
        var names: [String] = []
        var known: Set<ExactText> = []
        for element in elements {
            guard let name = element.text else { throw .invalidRequest }
            if known.insert(ExactText(name)).inserted { names.append(name) }
        }
        return names
    }

    /// The answer that has nothing but success to tell.
    var acknowledgement: [UInt8] { Self.acknowledgement(id, method: method) }

    /// The same, of a channel.
    static func acknowledgement(
        _ id: RequestIdentifier, method: String = "subscribe", channel: String? = nil
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: 96)
        writer.beginAnswer(id: id, method: method)
        if let channel { writer.member("channel", channel) }
        writer.endObject()
        return writer.bytes
    }
}

/// A frame that is no request. It is answered with the method `ERROR` and itself as `original`.
struct UnreadableFrame: Error {
    private let error: VenueError
    private let id: RequestIdentifier
    private let bytes: [UInt8]

    init(_ error: VenueError, _ id: RequestIdentifier, _ bytes: [UInt8]) {
        self.error = error
        self.id = id
        self.bytes = bytes
    }

    /// The answer; another error may stand in place of its own.
    func reply(_ other: VenueError? = nil) -> [UInt8] {
        (other ?? error).body(id: id, method: "ERROR", original: String(decoding: bytes, as: UTF8.self))
    }
}

/// What both sockets do alike: the heartbeat, and counting the client's frames.
///
/// Crypto.com Exchange API documentation, Heartbeats and Rate Limits. A heartbeat's answer does not count;
/// the allowance of the calendar second of the connection is that of its rest, rounded up: choices.
struct SocketState {
    /// Milliseconds from one heartbeat to the next.
    static let heartbeatInterval: Int64 = 30_000
    /// Milliseconds within which a heartbeat must be answered.
    static let answerLimit: Int64 = 5_000

    private let framesPerSecond: Int64
    private let isLimited: Bool
    /// The calendar second that is counted, and how many frames it still allows.
    private var second: Int64 = 0
    private var framesLeft: Int64 = 0
    private var nextHeartbeat: Int64?
    private var unanswered: (id: Int64, until: Int64)?

    init(framesPerSecond: Int64, limiter: RateLimiter) {
        self.framesPerSecond = framesPerSecond
        isLimited = limiter.isEnforced
    }

    /// When `timePassed` is wanted next.
    var deadline: Int64? { [unanswered?.until, nextHeartbeat].compactMap { $0 }.min() }

    mutating func opened(at now: Int64) {
        nextHeartbeat = now + Self.heartbeatInterval
        let (whole, part) = now.quotientAndRemainder(dividingBy: 1000)
        second = whole
        framesLeft = (framesPerSecond * (1000 - part) + 999) / 1000
    }

    /// The request in a message; nil where there is nothing left to do for it: a heartbeat's answer, and what
    /// is refused here.
    mutating func request(
        in message: StreamMessage, at now: Int64, into output: inout StreamOutput
    ) -> StreamRequest? {
        let request: StreamRequest
        do throws(UnreadableFrame) {
            request = try StreamRequest(message)
        } catch {
            output.send(allowsFrame(at: now) ? error.reply() : error.reply(.tooManyRequests))
            return nil
        }
        if request.method == "public/respond-heartbeat" {
            if request.id.number == unanswered?.id { unanswered = nil }
            return nil
        }
        guard allowsFrame(at: now) else {
            output.send(VenueError.tooManyRequests.body(id: request.id, method: request.method))
            return nil
        }
        return request
    }

    private mutating func allowsFrame(at now: Int64) -> Bool {
        guard isLimited else { return true }
        if now / 1000 != second {
            second = now / 1000
            framesLeft = framesPerSecond
        }
        guard framesLeft > 0 else { return false }
        framesLeft -= 1
        return true
    }

    /// Sends the heartbeat that is due, or ends a connection that has not answered the last one.
    mutating func timePassed(at now: Int64, into output: inout StreamOutput) {
        if let unanswered, now >= unanswered.until {
            output.close = StreamClose(code: 1000, reason: "The heartbeat was not answered.")
            return
        }
        guard let due = nextHeartbeat, now >= due else { return }
        output.send(#"{"id":\#(now),"method":"public/heartbeat","code":0}"#)
        unanswered = (now, now + Self.answerLimit)
        nextHeartbeat = max(due, now - Self.heartbeatInterval) + Self.heartbeatInterval
    }

    /// 1013 for a restart, 1000 for a client that is silent, else what RFC 6455 has for the reason.
    static func close(for reason: StreamCloseReason) -> StreamClose {
        switch reason {
        case .shutdown: StreamClose(code: 1013, reason: "Server restarting -- try again later")
        case .unresponsive: StreamClose(code: 1000, reason: "The heartbeat was not answered.")
        case .slowReader: StreamClose(code: 1008, reason: "The connection is read too slowly.")
        case .messageTooBig: StreamClose(code: 1009, reason: "The message is too long.")
        case .protocolError: StreamClose(code: 1002, reason: "The frame breaks the protocol.")
        }
    }
}

/// Writes a frame of a channel: `{"id":…,"method":"subscribe","code":0,"result":{…,"data":[…]}}`; the caller
/// writes the elements of `data`.
struct ChannelFrame {
    var writer: JSONWriter

    /// `id`: that of the subscription in the first frame, -1 (omitted) in every other.
    init(
        id: RequestIdentifier, subscription: String, channel: String, instrument: String? = nil,
        namesInstrumentLast: Bool = false, accountID: String? = nil, reserving capacity: Int = 512
    ) {
        var reply = ReplyWriter(id: id, method: "subscribe", reserving: capacity).writer
        reply.beginObject()
        if let instrument, !namesInstrumentLast {
            reply.member("instrument_name", instrument)
        }
        if let accountID {
            reply.member("account_id", accountID)
        }
        reply.member("subscription", subscription)
        reply.member("channel", channel)
        if let instrument, namesInstrumentLast { reply.member("instrument_name", instrument) }
        reply.beginArray("data")
        writer = reply
    }

    consuming func finished() -> [UInt8] {
        writer.endArray()
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }
}
