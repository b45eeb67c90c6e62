import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Server

/// A connection whose time is set by hand, answered by nobody but the test.
private final class ClockedConnection {
    let channel = EmbeddedChannel()
    private let parts = PartCounter()

    init(_ limits: ConnectionLimits = ConnectionLimits()) throws {
        try channel.pipeline.syncOperations.addHandlers([
            HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder()), ConnectionClock(limits), parts,
        ])
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    }

    var isOpen: Bool { channel.isActive }
    /// Whether a body was told to be broken.
    var isBroken: Bool { parts.isBroken }
    var ends: Int { parts.ends }

    func send(_ text: String) throws {
        guard channel.isActive else { return }
        channel.pipeline.read()
        try channel.writeInbound(ByteBuffer(string: text))
        channel.pipeline.read()
    }

    /// Sends a byte at a time, so many seconds apart, until the text or the connection ends.
    func dribble(_ text: String, seconds: Int64) throws {
        for character in text {
            pass(seconds)
            if !channel.isActive || !received.isEmpty { return }
            try send(String(character))
        }
    }

    func pass(_ seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }

    /// What the client has been sent since the last look, as text.
    var received: String {
        var text = ""
        while let buffer = try? channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }

    func answer(_ headers: HTTPHeaders = ["content-length": "0"]) {
        let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    }

    /// Whether what was written waits for the client.
    func setFull(_ isFull: Bool) {
        channel.isWritable = !isFull
        channel.pipeline.fireChannelWritabilityChanged()
    }

    func goDown() { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
}

private final class PartCounter: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    private(set) var isBroken = false
    private(set) var ends = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) { ends += 1 }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { isBroken = true }
}

@Suite("How long a client may take")
struct ConnectionClockTests {
    private static let get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    private static let post = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n"

    @Test(
        "A head that dribbles is over after 20 s, whichever request of the connection it is",
        arguments: [0, 2])
    func dribbledHead(_ before: Int) throws {
        let connection = try ClockedConnection()
        for _ in 0..<before {
            try connection.send(Self.get)
            connection.answer()
            _ = connection.received
        }
        try connection.send("GET /a HTTP/1.1\r\nx: ")
        try connection.dribble(String(repeating: "a", count: 6), seconds: 3)
        #expect(connection.isOpen)
        connection.pass(3)
        #expect(connection.received.hasPrefix("HTTP/1.1 408 "))
        // What comes now is not looked at, and the connection goes soon.
        try connection.send("\r\n\r\n")
        #expect(connection.ends == before)
        connection.pass(2)
        #expect(!connection.isOpen)
    }

    @Test("A head in pieces that is through in time is taken")
    func headInPieces() throws {
        let connection = try ClockedConnection()
        try connection.dribble(String(Self.get.prefix(18)), seconds: 1)
        try connection.send(String(Self.get.dropFirst(18)))
        #expect(connection.ends == 1)
        connection.pass(200)
        #expect(connection.isOpen)
    }

    @Test("A body that dribbles is over after two minutes, and is told to be broken")
    func dribbledBody() throws {
        let connection = try ClockedConnection()
        try connection.send(Self.post)
        try connection.dribble(String(repeating: "a", count: 999), seconds: 1)
        #expect(connection.ends == 0)
        connection.pass(2)
        #expect(!connection.isOpen && connection.isBroken)
    }

    @Test("What the server itself needs does not count as the client's time")
    func serversTime() throws {
        let connection = try ClockedConnection()
        try connection.send(Self.post)
        // As long as nothing is asked for, nobody is waited for.
        try connection.channel.writeInbound(ByteBuffer(string: "a"))
        connection.pass(1000)
        #expect(connection.isOpen)
        try connection.send(String(repeating: "a", count: 999))
        #expect(connection.ends == 1)
        connection.pass(1000)
        #expect(connection.isOpen)
    }

    @Test("An idle connection goes after five minutes, a busy one does not")
    func idle() throws {
        let connection = try ClockedConnection()
        connection.pass(299)
        try connection.send(Self.get)
        connection.pass(900)
        #expect(connection.isOpen)
        connection.answer()
        connection.pass(299)
        #expect(connection.isOpen)
        connection.pass(302)
        #expect(!connection.isOpen)
    }

    @Test("A client that is to go goes within two seconds of its answer")
    func closing() throws {
        let connection = try ClockedConnection()
        try connection.send(Self.post)
        connection.answer(["connection": "close", "content-length": "0"])
        #expect(connection.isOpen)
        connection.pass(2)
        #expect(!connection.isOpen)
    }

    @Test("A client that takes nothing of its answer is given up after 30 s")
    func untakenAnswer() throws {
        let connection = try ClockedConnection()
        try connection.send(Self.get)
        connection.answer()
        connection.setFull(true)
        connection.pass(29)
        #expect(connection.isOpen)
        connection.setFull(false)
        connection.pass(60)
        #expect(connection.isOpen)
        connection.setFull(true)
        connection.pass(30)
        #expect(!connection.isOpen)
    }

    @Test("When the server goes down a client that takes nothing has two seconds")
    func untakenAnswerAtTheEnd() throws {
        let connection = try ClockedConnection()
        try connection.send(Self.get)
        connection.setFull(true)
        connection.goDown()
        connection.pass(1)
        #expect(connection.isOpen)
        connection.pass(1)
        #expect(!connection.isOpen)
    }

    @Test("When the server goes down an idle connection goes at once")
    func idleAtTheEnd() throws {
        let connection = try ClockedConnection()
        try connection.send(Self.get)
        connection.answer()
        connection.goDown()
        #expect(!connection.isOpen)
    }

    @Test(
        "When the server goes down what a client has sent by half has two seconds",
        arguments: ["GET / HT", post])
    func halfSentAtTheEnd(_ text: String) throws {
        let connection = try ClockedConnection()
        try connection.send(text)
        connection.goDown()
        connection.pass(1)
        #expect(connection.isOpen)
        connection.pass(1)
        #expect(!connection.isOpen)
        #expect(connection.isBroken || text != Self.post)
    }

    @Test("When the server goes down an answer has ten seconds, and ends the connection")
    func answersAtTheEnd() throws {
        let slow = try ClockedConnection()
        try slow.send(Self.get)
        slow.goDown()
        slow.pass(9)
        #expect(slow.isOpen)
        slow.pass(1)
        #expect(!slow.isOpen)
        let quick = try ClockedConnection()
        try quick.send(Self.get)
        quick.goDown()
        quick.pass(5)
        quick.answer()
        #expect(quick.received.hasPrefix("HTTP/1.1 200 "))
        #expect(!quick.isOpen)
    }
}
