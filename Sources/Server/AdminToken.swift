import Foundation
import Venue

/// The operator's token: given, or made once and kept in a file that only its owner can read.
public struct AdminToken: Sendable {
    private let bytes: [UInt8]
    /// The file that holds it; nil where it was given.
    public let file: String?
    /// Whether the file was made just now.
    public let isNew: Bool

    /// What a token must be, for messages.
    static let rule = "must be 1 to 512 visible ASCII characters without blanks"

    /// Whether a text can be sent as a bearer token.
    static func isWellFormed(_ text: String) -> Bool {
        (1...512).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    /// A token that was given.
    public init(_ token: String) {
        bytes = Array(token.utf8)
        file = nil
        isNew = false
    }

    /// The token kept in a folder, made there if there is none.
    ///
    /// Throws: `notPermitted` where others may read the file, `unavailable` where it cannot be read or
    /// written.
    public init(folder: String) throws(ProgramError) {
        let path = folder == "/" ? "/admin-token" : "\(folder)/admin-token"
        file = path
        if let kept = try Self.read(path) {
            bytes = kept
            isNew = false
            return
        }
        var generator = SystemRandomNumberGenerator()
        let token = hexText((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
        bytes = Array(token.utf8)
        isNew = true
        try Self.write(bytes + [UInt8(ascii: "\n")], to: path)
    }

    /// Whether a text is the token, in a time that does not tell where they differ.
    public func matches(_ candidate: some StringProtocol) -> Bool {
        constantTimeEqual(Array(candidate.utf8), bytes)
    }

    /// The token's text, for a client of our own.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The token in a file; nil if there is no such file.
    static func read(_ path: String) throws(ProgramError) -> [UInt8]? {
        var information = stat()
        guard stat(path, &information) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw ProgramError(.unavailable, "The token file \(path) cannot be read: check its permissions.")
        }
        guard information.st_mode & 0o077 == 0 else {
            throw ProgramError(
                .notPermitted,
                "The token file \(path) can be read by others: run chmod 600 on it, or give --admin-token.")
        }
        guard let content = FileManager.default.contents(atPath: path) else {
            throw ProgramError(
                .notPermitted, "The token file \(path) cannot be read: check its owner and mode.")
        }
        let token = [UInt8](content).filter { $0 > 0x20 }
        guard isWellFormed(String(decoding: token, as: UTF8.self)) else {
            throw ProgramError(
                .badConfiguration,
                "The token file \(path) holds no token: delete it to get a new one at the next start.")
        }
        return token
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(ProgramError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            throw ProgramError(
                .unavailable,
                "The token file \(path) cannot be made: check the folder, or give --admin-token.")
        }
        defer { close(descriptor) }
        let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written == bytes.count, fsync(descriptor) == 0 else {
            throw ProgramError(.unavailable, "The token file \(path) cannot be written: check the disk.")
        }
    }
}

extension AdminToken {
    /// The token kept in a folder; nil if there is none.
    public static func kept(folder: String) throws(ProgramError) -> String? {
        try read("\(folder)/admin-token").map { String(decoding: $0, as: UTF8.self) }
    }
}
