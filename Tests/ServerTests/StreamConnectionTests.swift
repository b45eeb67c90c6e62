import Engine
import Ledger
import NIOCore
import NIOEmbedded
import Testing
import Venue
import VenueTestSupport

@testable import Server

@Suite("Frames of a stream")
struct StreamFrameTests {
    @Test("Text and bytes reach the stream whole, whatever their length")
    func messages() throws {
        let stream = try EmbeddedStream()
        #expect(try stream.texts() == ["opened"])
        for count in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let text = String(repeating: "a", count: count)
            try stream.send(text)
            #expect(try stream.take() == [ServerFrame(opcode: 1, payload: Array(text.utf8))])
            try stream.send(clientFrame(0x2, Array(text.utf8)))
            #expect(try stream.texts() == ["binary \(count)"])
        }
    }

    @Test("Fragments are joined, control frames between them answered at once")
    func fragments() throws {
        let stream = try EmbeddedStream()
        _ = try stream.take()
        try stream.send(clientFrame(0x1, Array("Grü".utf8).dropLast().map { $0 }, fin: false))
        try stream.send(clientFrame(0x9, Array("ping".utf8)))
        #expect(try stream.take() == [ServerFrame(opcode: 10, payload: Array("ping".utf8))])
        try stream.send(clientFrame(0x0, [], fin: false))
        #expect(try stream.take().isEmpty)
        try stream.send(clientFrame(0x0, [0xbc] + Array("ße".utf8)))
        #expect(try stream.texts() == ["Grüße"])
    }

    @Test("Bytes that come one by one make the same frames")
    func singleBytes() throws {
        let stream = try EmbeddedStream()
        _ = try stream.take()
        let text = String(repeating: "é", count: 100)
        for byte in clientFrame(0x1, Array(text.utf8)) + clientFrame(0x9, [1, 2]) { try stream.send([byte]) }
        #expect(
            try stream.take() == [
                ServerFrame(opcode: 1, payload: Array(text.utf8)), ServerFrame(opcode: 10, payload: [1, 2]),
            ])
    }

    static let broken: [(name: String, bytes: [UInt8], code: Int)] = [
        ("no mask", clientFrame(0x1, [0x61], isMasked: false), 1002),
        ("reserved bit 1", clientFrame(0x1, [0x61], reserved: 4), 1002),
        ("reserved bit 2", clientFrame(0x1, [0x61], reserved: 2), 1002),
        ("reserved bit 3 of a ping", clientFrame(0x9, [], reserved: 1), 1002),
        ("opcode 3", clientFrame(0x3, [0x61]), 1002), ("opcode 7", clientFrame(0x7, []), 1002),
        ("opcode 11", clientFrame(0xb, []), 1002), ("opcode 15", clientFrame(0xf, [0x61]), 1002),
        ("continuation of nothing", clientFrame(0x0, [0x61]), 1002),
        ("a message within another", clientFrame(0x1, [0x61], fin: false) + clientFrame(0x1, [0x61]), 1002),
        ("a ping in fragments", clientFrame(0x9, [0x61], fin: false), 1002),
        ("a close in fragments", clientFrame(0x8, [3, 232], fin: false), 1002),
        ("a long ping", clientFrame(0x9, [UInt8](repeating: 0, count: 126)), 1002),
        ("a long pong", clientFrame(0xa, [UInt8](repeating: 0, count: 126)), 1002),
        ("a long close", clientFrame(0x8, [3, 232] + [UInt8](repeating: 0x61, count: 124)), 1002),
        ("a length beyond all bounds", [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], 1009),
        ("a close of one byte", clientFrame(0x8, [3]), 1002),
        ("a close with bad text", clientFrame(0x8, [3, 232, 0xc3]), 1007),
        ("bad text", clientFrame(0x1, [0xc0, 0xaf]), 1007),
        ("a surrogate", clientFrame(0x1, [0xed, 0xa0, 0x80]), 1007),
        ("beyond Unicode", clientFrame(0x1, [0xf4, 0x90, 0x80, 0x80]), 1007),
        ("text cut off", clientFrame(0x1, [0x61, 0xe2, 0x82]), 1007),
        ("text bad in its first fragment", clientFrame(0x1, [0xce, 0xba, 0xff], fin: false), 1007),
        (
            "text bad across fragments",
            clientFrame(0x1, [0xe2, 0x82], fin: false) + clientFrame(0x0, [0x28]),
            1007
        ),
        (
            "text cut off at its last fragment",
            clientFrame(0x1, [0x61], fin: false) + clientFrame(0x0, [0xf0, 0x9f]), 1007
        ),
    ]

    @Test("What RFC 6455 forbids ends the connection, after what came before it", arguments: broken.indices)
    func forbidden(index: Int) throws {
        let (name, bytes, code) = Self.broken[index]
        let stream = try EmbeddedStream()
        _ = try stream.take()
        try stream.send(clientFrame(0x1, Array("first".utf8)) + bytes + clientFrame(0x1, [0x62]))
        let frames = try stream.take()
        #expect(frames.first?.text == "first", "\(name)")
        #expect(frames.dropFirst().map(\.code) == [code], "\(name): \(frames)")
        stream.pass(.seconds(6))
        #expect(!stream.channel.isActive, "\(name)")
        #expect(stream.meter?.connections.value == 0)
    }

    @Test("Close codes that a client may send are echoed, others are an error")
    func closeCodes() throws {
        for code in [1000, 1001, 1002, 1003, 1007, 1010, 1011, 1012, 1014, 3000, 3999, 4000, 4999] {
            let stream = try EmbeddedStream()
            _ = try stream.take()
            try stream.send(clientFrame(0x8, [UInt8(code >> 8), UInt8(code & 255)] + Array("bye".utf8)))
            let frames = try stream.take()
            #expect(frames.map(\.code) == [code])
            #expect(frames.first?.payload.count == 2)
            #expect(!stream.channel.isActive)
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
            let stream = try EmbeddedStream()
            _ = try stream.take()
            try stream.send(clientFrame(0x8, [UInt8(code >> 8), UInt8(code & 255)]))
            #expect(try stream.take().map(\.code) == [1002], "\(code)")
        }
        let stream = try EmbeddedStream()
        _ = try stream.take()
        try stream.send(clientFrame(0x8, []))
        #expect(try stream.take() == [ServerFrame(opcode: 8, payload: [])])
        #expect(!stream.channel.isActive)
    }

    @Test("A message over the limit is refused, in one frame or in many")
    func limits() throws {
        let whole = try EmbeddedStream(messageLimit: 20)
        _ = try whole.take()
        try whole.send(String(repeating: "a", count: 20))
        #expect(try whole.texts() == [String(repeating: "a", count: 20)])
        // The control frame is longer than a message may be, and allowed all the same.
        try whole.send(clientFrame(0x9, [UInt8](repeating: 7, count: 125)))
        #expect(try whole.take().first?.payload.count == 125)
        try whole.send(String(repeating: "a", count: 21))
        #expect(try whole.take().map(\.code) == [1009])
        let parts = try EmbeddedStream(messageLimit: 20)
        _ = try parts.take()
        try parts.send(clientFrame(0x1, [UInt8](repeating: 0x61, count: 15), fin: false))
        try parts.send(clientFrame(0x0, [UInt8](repeating: 0x61, count: 6), fin: false))
        #expect(try parts.take().map(\.code) == [1009])
        let header = try EmbeddedStream(messageLimit: 1000)
        _ = try header.take()
        try header.send([0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0])
        #expect(try header.take().map(\.code) == [1009])
    }
}

@Suite("Life of a stream")
struct StreamLifeTests {
    @Test("A stream that closes says so, waits for the answer, and goes")
    func venueCloses() throws {
        let stream = try EmbeddedStream()
        _ = try stream.take()
        try stream.send("close 4003 bad key")
        let frames = try stream.take()
        #expect(frames.map(\.code) == [4003] && frames.first?.reason == "bad key")
        #expect(stream.channel.isActive)
        try stream.send("more")
        #expect(try stream.take().isEmpty)
        try stream.send(clientFrame(0x8, [0x0f, 0xa3]))
        #expect(!stream.channel.isActive)
        #expect(stream.feed.listenerCount == 0)
    }

    @Test("A client that does not answer a close frame is dropped")
    func noAnswer() throws {
        let stream = try EmbeddedStream()
        try stream.send("close 4003 x")
        stream.pass(.milliseconds(4_900))
        #expect(stream.channel.isActive)
        stream.pass(.milliseconds(200))
        #expect(!stream.channel.isActive)
    }

    @Test("Pings go out at their interval; without a pong the connection ends")
    func pings() throws {
        let stream = try EmbeddedStream(pingInterval: 180_000)
        _ = try stream.take()
        for _ in 0..<10 {
            stream.pass(.minutes(3))
            let ping = try #require(try stream.take().first)
            #expect(ping.opcode == 9 && ping.text == "\(stream.world.realTime())")
            try stream.send(clientFrame(0xa, ping.payload))
        }
        stream.pass(.minutes(12))
        #expect(try stream.take().map(\.opcode) == [9, 9, 9, 9])
        stream.pass(.minutes(1))
        #expect(try stream.take().map(\.code) == [4002])
        let quiet = try EmbeddedStream(pingInterval: nil)
        _ = try quiet.take()
        quiet.pass(.hours(5))
        #expect(try quiet.take().isEmpty)
    }

    @Test("A deadline rings once it has come")
    func deadlines() throws {
        let stream = try EmbeddedStream(pingInterval: nil)
        _ = try stream.take()
        try stream.send("wake 5000")
        stream.pass(.milliseconds(4_990))
        #expect(try stream.take().isEmpty)
        stream.pass(.milliseconds(20))
        #expect(try stream.texts() == ["woken"])
        stream.pass(.seconds(60))
        #expect(try stream.take().isEmpty)
    }

    @Test("The server's end is told to every stream, with a reason that fits")
    func shutdown() throws {
        let stream = try EmbeddedStream()
        _ = try stream.take()
        stream.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        let frames = try stream.take()
        // What the venue says before comes before, and counts as a message.
        #expect(frames.count == 2)
        #expect(frames.first?.text == "farewell")
        #expect(stream.meter?.sent.value == 2)
        let frame = try #require(frames.last)
        #expect(frame.code == 1001)
        // 123 bytes hold 61 of the letters, and half a letter is none.
        #expect(frame.reason == String(repeating: "ü", count: 61))
        stream.pass(.milliseconds(2_100))
        #expect(!stream.channel.isActive)
        let late = try EmbeddedStream(isShuttingDown: true)
        #expect(try late.take().last?.code == 1001)
    }

    @Test("Half a connection is none")
    func halfClosed() throws {
        let stream = try EmbeddedStream()
        try stream.send("last words")
        stream.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(try stream.texts() == ["opened", "last words"])
        #expect(!stream.channel.isActive)
    }
}

@Suite("What the ledger tells a stream")
struct StreamNoticeTests {
    @Test("Events of what it follows, in order, from the moment that it knows")
    func events() throws {
        let stream = try EmbeddedStream()
        stream.deposit("a", from: 1)
        try stream.send("follow a")
        #expect(try stream.texts() == ["opened", "taken a false"])
        stream.deposit("a", from: 2, count: 3)
        stream.deposit("b", from: 5)
        #expect(try stream.texts() == ["event 2", "event 3", "event 4"])
        try stream.send("follow b")
        stream.deposit("b", from: 6)
        #expect(try stream.texts() == ["taken a,b false", "event 6"])
        try stream.send("none")
        stream.deposit("a", from: 7)
        #expect(try stream.texts() == ["taken  false"])
        #expect(stream.feed.listenerCount == 0)
    }

    @Test("Prices are told at most once in 100 ms, and the last change is never lost")
    func prices() throws {
        let stream = try EmbeddedStream()
        stream.pass(.seconds(1))
        try stream.send("prices")
        _ = try stream.take()
        var told = 0
        for tick in 0..<1_000 {
            stream.tick(Int64(tick))
            stream.pass(.milliseconds(1))
            told += try stream.texts().count
        }
        stream.pass(.milliseconds(100))
        told += try stream.texts().count
        #expect((10...12).contains(told), "\(told)")
        stream.pass(.seconds(1))
        #expect(try stream.take().isEmpty)
        stream.tick(2_000)
        #expect(try stream.texts() == ["prices"])
        stream.tick(2_001)
        #expect(try stream.take().isEmpty)
        stream.pass(.milliseconds(110))
        #expect(try stream.texts() == ["prices"])
        try stream.send("none")
        stream.tick(2_002)
        stream.pass(.seconds(1))
        #expect(try stream.texts() == ["taken  false"])
        #expect(stream.feed.listenerCount == 0)
    }

    @Test("Whoever goes is let go, though no price ever changes")
    func gone() throws {
        let stream = try EmbeddedStream()
        try stream.send("prices")
        try stream.send("follow a")
        #expect(stream.feed.listenerCount == 2)
        try stream.send(clientFrame(0x8, []))
        stream.pass(.seconds(1))
        #expect(!stream.channel.isActive)
        #expect(stream.feed.listenerCount == 0)
        #expect(!stream.connection.isListed)
    }

    @Test("A full connection is asked nothing, and told everything once there is room")
    func fullConnection() throws {
        let stream = try EmbeddedStream()
        stream.pass(.seconds(1))
        try stream.send("follow a")
        try stream.send("prices")
        _ = try stream.take()
        stream.setWritable(false)
        stream.deposit("a", from: 1, count: 200)
        for tick in 201..<250 { stream.tick(Int64(tick)) }
        try stream.send("one")
        try stream.send("two")
        try stream.send(clientFrame(0x9, [1]))
        try stream.send(clientFrame(0x9, [2]))
        stream.pass(.seconds(5))
        #expect(try stream.take().isEmpty)
        stream.setWritable(true)
        stream.pass(.milliseconds(200))
        let frames = try stream.take()
        #expect(frames.first == ServerFrame(opcode: 10, payload: [2]))
        #expect(
            frames.dropFirst().map(\.text) == ["one", "two"] + (1...200).map { "event \($0)" } + ["prices"])
    }

    @Test("Much work is done in slices, in its order, and none is left")
    func slices() throws {
        let stream = try EmbeddedStream(slice: .zero)
        try stream.send("follow a")
        stream.pass(.milliseconds(1))
        _ = try stream.take()
        try stream.send((0..<5).flatMap { clientFrame(0x1, Array("\($0)".utf8)) })
        stream.deposit("a", from: 1, count: 1_000)
        let first = try stream.texts()
        #expect(first.count < 100)
        stream.pass(.milliseconds(10))
        #expect(try first + stream.texts() == (0..<5).map { "\($0)" } + (1...1_000).map { "event \($0)" })
        // A client that closes is heard out first.
        try stream.send((0..<5).flatMap { clientFrame(0x1, Array("\($0)".utf8)) } + clientFrame(0x8, []))
        #expect(try stream.take().map(\.text) == ["0", "1", "2", "3", "4", ""])
    }

    @Test("A client that does not read is closed in the venue's words, then dropped")
    func slowReader() throws {
        let stalled = try EmbeddedStream()
        _ = try stalled.take()
        stalled.setWritable(false)
        stalled.pass(.milliseconds(10_100))
        #expect(try stalled.take().map(\.code) == [4001])
        #expect(stalled.meter?.slowReaders.value == 1)
        stalled.pass(.milliseconds(5_100))
        #expect(!stalled.channel.isActive)
        var limits = StreamLimits()
        limits.waitingEvents = 100
        let flooded = try EmbeddedStream(limits: limits)
        try flooded.send("follow a")
        _ = try flooded.take()
        flooded.setWritable(false)
        flooded.deposit("a", from: 1, count: 100)
        #expect(try flooded.take().isEmpty)
        flooded.deposit("a", from: 101)
        #expect(try flooded.take().map(\.code) == [4001])
        #expect(flooded.feed.listenerCount == 0)
        flooded.pass(.milliseconds(5_100))
        #expect(!flooded.channel.isActive)
        #expect(flooded.meter?.connections.value == 0)
    }
}
