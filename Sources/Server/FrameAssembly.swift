import NIOCore
import NIOWebSocket
import Venue

/// Puts a client's frames together and refuses what RFC 6455 forbids: the checks that NIO's decoder leaves to
/// others.
struct FrameAssembly {
    /// What a frame comes to.
    enum Outcome: Equatable {
        /// More is to come.
        case incomplete
        case message(StreamMessage)
        case ping(ByteBuffer)
        case pong
        /// The client closes; nil where it gives no code.
        case close(code: UInt16?)
        case fault(Fault)
    }

    /// Why a connection cannot go on.
    enum Fault: Equatable {
        /// A frame that must not be.
        case badFrame
        /// Text that is no UTF-8.
        case badText
        /// A message over the limit.
        case tooBig

        /// The reason that the venue is asked by.
        var reason: StreamCloseReason { self == .tooBig ? .messageTooBig : .protocolError }
    }

    /// The most bytes of a message, its fragments joined.
    let messageLimit: Int
    private var isText = false
    /// The message under way; nil between messages.
    private var joined: [UInt8]?
    private var text = UTF8Check()

    init(messageLimit: Int) { self.messageLimit = messageLimit }

    /// Takes the next frame.
    mutating func accept(_ frame: WebSocketFrame) -> Outcome {
        // No extension is ever agreed on, so no reserved bit has a meaning; and a client masks every frame.
        guard frame.reservedBits.isEmpty, frame.maskKey != nil else { return .fault(.badFrame) }
        switch frame.opcode {
        case .text, .binary:
            guard joined == nil else { return .fault(.badFrame) }
            isText = frame.opcode == .text
            text = UTF8Check()
            joined = []
            return append(frame)
        case .continuation:
            guard joined != nil else { return .fault(.badFrame) }
            return append(frame)
        case .ping: return .ping(frame.unmaskedData)
        case .pong: return .pong
        case .connectionClose: return Self.close(frame.unmaskedData)
        default: return .fault(.badFrame)
        }
    }

    private mutating func append(_ frame: WebSocketFrame) -> Outcome {
        guard (joined?.count ?? 0) + frame.length <= messageLimit else { return .fault(.tooBig) }
        let data = frame.unmaskedData
        if isText, !text.accept(data.readableBytesView) { return .fault(.badText) }
        joined?.append(contentsOf: data.readableBytesView)
        guard frame.fin, let message = joined else { return .incomplete }
        if isText, !text.isComplete { return .fault(.badText) }
        joined = nil
        return .message(isText ? .text(message) : .binary(message))
    }

    private static func close(_ data: ByteBuffer) -> Outcome {
        var data = data
        if data.readableBytes == 0 { return .close(code: nil) }
        guard let code = data.readInteger(as: UInt16.self), mayBeSent(code) else { return .fault(.badFrame) }
        var reason = UTF8Check()
        guard reason.accept(data.readableBytesView), reason.isComplete else { return .fault(.badText) }
        return .close(code: code)
    }

    /// Whether a close frame may carry a code: those of RFC 6455, section 7.4.1, and IANA's registry, without
    /// the ones that only describe an end to the program itself, and those of libraries and programs.
    private static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

/// Checks UTF-8 that comes in pieces, byte for byte, so that what is wrong shows at once (Unicode,
/// table 3-7).
struct UTF8Check: Equatable {
    /// Bytes of the present character that are still to come.
    private var missing = 0
    /// What the next of them may be.
    private var next: ClosedRange<UInt8> = 0x80...0xbf

    /// Whether no character is cut off.
    var isComplete: Bool { missing == 0 }

    /// Takes the next piece; false where it cannot be UTF-8.
    mutating func accept(_ bytes: some Sequence<UInt8>) -> Bool {
        for byte in bytes {
            if missing > 0 {
                guard next.contains(byte) else { return false }
                missing -= 1
                next = 0x80...0xbf
                continue
            }
            switch byte {
            case 0x00...0x7f: continue
            case 0xc2...0xdf: missing = 1
            case 0xe0: (missing, next) = (2, 0xa0...0xbf)
            case 0xe1...0xec, 0xee...0xef: missing = 2
            case 0xed: (missing, next) = (2, 0x80...0x9f)
            case 0xf0: (missing, next) = (3, 0x90...0xbf)
            case 0xf1...0xf3: missing = 3
            case 0xf4: (missing, next) = (3, 0x80...0x8f)
            default: return false
            }
        }
        return true
    }
}

extension String {
    /// Its beginning, as many whole characters as fit into so many bytes of UTF-8.
    func shortened(toBytes limit: Int) -> Substring {
        var end = endIndex
        while utf8.distance(from: startIndex, to: end) > limit { end = index(before: end) }
        return self[..<end]
    }
}
