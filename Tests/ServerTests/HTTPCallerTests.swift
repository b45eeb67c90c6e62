import NIOCore
import NIOPosix
import Testing

@testable import Server

/// Sends an answer's head at once, and its body byte by byte, for as long as somebody listens.
private final class Dribble: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
        context.writeAndFlush(NIOAny(ByteBuffer(string: head)), promise: nil)
        let channel = context.channel
        channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(20)) { task in
            if !channel.isActive { return task.cancel() }
            channel.writeAndFlush(ByteBuffer(string: " "), promise: nil)
        }
    }
}

@Suite struct HTTPCallerTests {
    @Test func anAnswerThatNeverEndsIsGivenUp() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.pipeline.addHandler(Dribble()) }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let caller = try HTTPCaller(url: "http://127.0.0.1:\(port)", within: .seconds(1))
        let error = await #expect(throws: ProgramError.self) { _ = try await caller.send("GET", "/") }
        #expect(error?.message.contains("has not sent its whole answer within 1 s") == true)
        try await server.close()
    }
}
