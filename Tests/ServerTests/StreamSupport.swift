import Foundation
import JSON
import Journal
import Ledger
import NIOCore
import NIOEmbedded
import NIOWebSocket
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Engine
@testable import Server

/// A venue whose streams say what happens to them, and do what a message tells them.
struct EchoVenue: VenueServer {
    static let name = VenueName(rawValue: "echo")
    static let pathPrefixes = ["/echo/"]
    static let streamPrefixes = ["/echo/stream/", "/streams"]

    init() {}
    init(addedRulebooks: [JSONValue], profile: WireProfile) throws {}

    var conventions: Conventions { Conventions(amountPlaces: 8) }
    var profile: WireProfile { .documented }
    var rulebookVersions: [RulebookHeader] { [] }
    var defaultSettings: Settings { Settings([]) }

    func instrument(_ name: String, at time: LedgerTime) -> Instrument? { nil }
    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { name == "USD" }
    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue { value }
    func defaultLeverage(of instrument: Instrument, in account: Account, at time: LedgerTime) -> ExactDecimal
    {
        .one
    }
    func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }
    func isHedged(_ account: Account) -> Bool { false }
    func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices {
        ValuationPrices(prices: prices, reference: ["USD": .one])
    }
    func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {}
    func accountBody(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] { [] }
    func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self { self }
    func explain(_ snapshot: AccountSnapshot, through access: any VenueAccess) throws -> [Explanation] { [] }
    func health(of snapshot: AccountSnapshot) throws -> MarginHealth? { nil }
    func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        VenueResponse(body: Array("\(request.method) \(request.path)".utf8))
    }
    func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials {
        Credentials(apiKey: hexText(randomBytes(8)), secret: "", passphrase: nil)
    }

    func openStream(to request: VenueRequest, through access: any VenueAccess) -> StreamAnswer? {
        switch request.path {
        case "/echo/stream/refused":
            return .refused(
                VenueResponse(status: 429, headers: [("Retry-After", "7")], body: Array("{\"no\":1}".utf8)))
        case "/echo/stream/protocol":
            return .accepted(
                StreamOpening(EchoStream(), subprotocol: request.header("sec-websocket-protocol")))
        case "/echo/stream/small":
            return .accepted(StreamOpening(EchoStream(), messageLimit: 20, pingInterval: 50, pongLimit: 200))
        case "/echo/stream/plain", "/streams": return .accepted(StreamOpening(EchoStream()))
        default: return nil
        }
    }
}

/// Answers a text with itself, unless it is `follow ACCOUNT`, `prices`, `none`, `flood COUNT`, `close CODE
/// REASON`, `work WORD` or `wake AFTER`; a binary message with its length.
struct EchoStream: VenueStream {
    var interest = StreamInterest()
    var deadline: Int64?

    mutating func opened(at now: Int64, into output: inout StreamOutput) { output.send("opened") }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {
        guard case .text(let bytes) = message else {
            if case .binary(let bytes) = message { output.send("binary \(bytes.count)") }
            return
        }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ", maxSplits: 2).map(
            String.init)
        switch words.first {
        case "follow": interest.accounts.insert(words[1])
        case "prices": interest.prices = true
        case "none": interest = StreamInterest()
        case "flood": output.send([UInt8](repeating: UInt8(ascii: "x"), count: Int(words[1]) ?? 0))
        case "work":
            output.send(after: {
                try? await Task.sleep(for: .milliseconds(20))
                return [Array("done \(words[1])".utf8)]
            })
        case "wake": deadline = now + (Int64(words[1]) ?? 0)
        case "close": output.close = StreamClose(code: UInt16(words[1]) ?? 0, reason: words[2])
        default: output.send(bytes)
        }
    }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        output.send("taken \(interest.accounts.sorted().joined(separator: ",")) \(interest.prices)")
    }

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        for event in notice.events { output.send("event \(event.sequence)") }
        if notice.pricesChanged { output.send("prices") }
    }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) {
        deadline = nil
        output.send("woken")
    }

    func notice(before reason: StreamCloseReason) -> [UInt8]? {
        reason == .shutdown ? Array("farewell".utf8) : nil
    }

    func close(for reason: StreamCloseReason) -> StreamClose {
        switch reason {
        case .slowReader: StreamClose(code: 4001, reason: "slow")
        case .messageTooBig: StreamClose(code: 1009)
        case .protocolError: StreamClose(code: 1002)
        case .unresponsive: StreamClose(code: 4002, reason: "no pong")
        case .shutdown: StreamClose(code: 1001, reason: String(repeating: "ü", count: 100))
        }
    }
}

/// A connection on a loop whose time the test moves, with its socket in the test's hands.
final class EmbeddedStream {
    let channel = EmbeddedChannel()
    let feed = LedgerFeed()
    let world = TestWorld(EchoVenue())
    let hub: StreamHub
    let connection: StreamConnection
    var meter: StreamMeter? { hub.meter(of: EchoVenue.name) }

    init(
        messageLimit: Int = 64 << 10, pingInterval: Int64? = 180_000, limits: StreamLimits = StreamLimits(),
        isShuttingDown: Bool = false, slice: TimeAmount = .hours(1)
    ) throws {
        // The test's time stands, so that the machine's own must not matter.
        var limits = limits
        limits.slice = slice
        hub = StreamHub(
            feed: feed, venues: [EchoVenue.name], eventLoops: [channel.eventLoop], limits: limits,
            logger: quietLogger)
        connection = StreamConnection(
            StreamOpening(
                EchoStream(), messageLimit: messageLimit, pingInterval: pingInterval, pongLimit: 600_000),
            of: EchoVenue.name, at: "/echo", access: world, hub: hub)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.pipeline.syncOperations.addHandlers([
            WebSocketFrameEncoder(),
            ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: max(messageLimit, 125))), connection,
        ])
        connection.open(isShuttingDown: isShuttingDown)
    }

    /// The client sends bytes as they are.
    func send(_ bytes: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// The client sends a text.
    func send(_ text: String) throws { try send(clientFrame(0x1, Array(text.utf8))) }

    /// What the server has sent since the last time.
    func take() throws -> [ServerFrame] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            bytes += Array(buffer.readableBytesView)
        }
        return try ServerFrame.all(in: &bytes)
    }

    /// The texts the server has sent since the last time.
    func texts() throws -> [String] { try take().map(\.text) }

    /// The client's side of the socket takes bytes, or does not.
    func setWritable(_ isWritable: Bool) {
        channel.isWritable = isWritable
        channel.pipeline.fireChannelWritabilityChanged()
    }

    /// Events of an account become durable.
    func deposit(_ account: String, from first: Int64, count: Int64 = 1) {
        let events = (first..<first + count).map { sequence in
            Event(
                sequence: sequence, at: LedgerTime(milliseconds: 0), account: account,
                body: .deposited(asset: "USD", amount: .one))
        }
        feed.publish(events, sequence: first + count - 1)
        channel.embeddedEventLoop.run()
    }

    /// Prices become durable.
    func tick(_ sequence: Int64) {
        let tick = PriceTick(venue: EchoVenue.name, marks: [], index: [])
        feed.publish(
            [Event(sequence: sequence, at: LedgerTime(milliseconds: 0), account: nil, body: .priced(tick))],
            sequence: sequence)
        channel.embeddedEventLoop.run()
    }

    /// Time passes.
    func pass(_ time: TimeAmount) {
        world.setRealTime(world.realTime() + time.nanoseconds / 1_000_000)
        channel.embeddedEventLoop.advanceTime(by: time)
    }
}

/// A frame as a client sends it: masked.
func clientFrame(
    _ opcode: UInt8, _ payload: [UInt8], fin: Bool = true, reserved: UInt8 = 0, isMasked: Bool = true
) -> [UInt8] {
    var frame: [UInt8] = [(fin ? 0x80 : 0) | reserved << 4 | opcode]
    let flag: UInt8 = isMasked ? 0x80 : 0
    switch payload.count {
    case 0...125: frame.append(flag | UInt8(payload.count))
    case 126...65_535: frame += [flag | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
    default: frame += [flag | 127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
    }
    let mask: [UInt8] = [0x37, 0xfa, 0x21, 0x3d]
    if !isMasked { return frame + payload }
    return frame + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
}

/// A frame as the server sent it.
struct ServerFrame: Equatable {
    let opcode: UInt8
    let payload: [UInt8]

    var text: String { String(decoding: payload, as: UTF8.self) }
    /// The code of a close frame; nil for others and where there is none.
    var code: Int? { opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    var reason: String { String(decoding: payload.dropFirst(2), as: UTF8.self) }

    /// Takes every whole frame off the front; none may be masked, fragmented or have reserved bits.
    static func all(in bytes: inout [UInt8]) throws -> [ServerFrame] {
        var frames: [ServerFrame] = []
        while bytes.count >= 2 {
            try #require(bytes[0] & 0xf0 == 0x80 && bytes[1] & 0x80 == 0)
            var length = Int(bytes[1])
            var start = 2
            if length >= 126 {
                let width = length == 126 ? 2 : 8
                guard bytes.count >= 2 + width else { break }
                length = bytes[2..<2 + width].reduce(0) { $0 << 8 | Int($1) }
                start += width
            }
            guard bytes.count >= start + length else { break }
            frames.append(
                ServerFrame(opcode: bytes[0] & 0x0f, payload: Array(bytes[start..<start + length])))
            bytes.removeFirst(start + length)
        }
        return frames
    }
}
