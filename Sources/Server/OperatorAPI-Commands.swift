import Engine
import JSON
import Ledger
import Synchronization

extension OperatorAPI {
    /// Applies commands: a JSON array, or one command per line.
    func commands(_ call: Call) async throws -> Reply {
        try call.allow(["atomic"])
        let atomic = try call.flag("atomic")
        let media = mediaType(call)
        guard media == "application/json" || media == "application/x-ndjson" else {
            throw Problem(
                415, "unsupported_media_type",
                "Commands are a JSON array (Content-Type: application/json), or one per line "
                    + "(application/x-ndjson)."
            )
        }
        let bytes = try await body(call, limit: Self.bodyLimit)
        let submissions =
            media == "application/json"
            ? try await CommandBatch.array(bytes) : try await CommandBatch.lines(bytes)
        return try await submit(submissions, atomic: atomic)
    }

    private func submit(_ submissions: [Submission], atomic: Bool) async throws -> Reply {
        switch await engine.submit(submissions, atomic: atomic) {
        case .refused(let index, let refusal):
            throw Problem(refusal, status: 422, index: index)
        case .results(let results):
            var writer = JSONWriter(reserving: 64 + 64 * results.count)
            writer.beginObject()
            writer.array("results", of: results) { result, writer in Self.write(result, to: &writer) }
            writer.endObject()
            return Reply(body: writer.bytes)
        }
    }

    private static func write(_ result: CommandResult, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("id")
        if let id = result.id { writer.string(id) } else { writer.null() }
        writer.key("status")
        switch result.status {
        case .applied(let sequence):
            writer.literal("applied")
            writer.member("sequence", sequence)
        case .duplicate(let sequence):
            writer.literal("duplicate")
            writer.member("sequence", sequence)
        case .rejected(let refusal):
            writer.literal("rejected")
            writer.key("error")
            Problem.writeError(
                code: refusal.code.rawValue, message: refusal.message, field: refusal.field, to: &writer)
        }
        writer.endObject()
    }
}

/// Reads what was sent as commands, some at a time: what is held is the commands, and never a tree of the
/// whole text.
enum CommandBatch {
    /// The most commands of one list.
    static let mostCommands = 100_000
    /// The most bytes of one command, with the blanks around it.
    static let longestCommand = 1 << 20

    /// A part of the text that is read at one go, so that nobody else waits for more of it.
    private static let portion = 512 << 10

    /// The commands of a JSON array.
    static func array(_ bytes: [UInt8]) async throws -> [Submission] {
        var reader = JSONArrayReader(longestElement: longestCommand)
        var submissions: [Submission] = []
        while !reader.isAtEnd {
            try read(&reader, bytes, into: &submissions)
            await Task.yield()
        }
        return submissions
    }

    private static func read(
        _ reader: inout JSONArrayReader, _ bytes: [UInt8], into submissions: inout [Submission]
    ) throws(Problem) {
        let room = mostCommands - submissions.count
        let failure = bytes.withUnsafeBufferPointer { buffer -> JSONArrayReader.Failure? in
            do throws(JSONArrayReader.Failure) {
                // One more than there is room for tells a list that is too long.
                try reader.read(buffer, elements: min(room + 1, 5_000), bytes: portion) {
                    submissions.append(Submission(decoding: $0))
                }
                return nil
            } catch {
                return error
            }
        }
        guard submissions.count <= mostCommands else { throw .tooManyCommands }
        switch failure {
        case nil: break
        case .malformed(let error): throw .malformedJSON(error)
        case .noArray:
            throw Problem(
                400, "invalid_body", "The body must be an array of commands: put [ and ] around them.")
        case .tooLong: throw .commandTooLong(index: submissions.count)
        }
    }

    /// The commands of a text with one per line; empty lines are skipped.
    ///
    /// The text is cut at line ends and its parts are read side by side. One line that is no JSON refuses
    /// all.
    static func lines(_ bytes: [UInt8]) async throws -> [Submission] {
        let count = LineCount()
        let ranges = portions(of: bytes)
        if ranges.count == 1 { return try read(bytes, ranges[0], count) }
        return try await withThrowingTaskGroup(of: (Int, [Submission]).self) { group in
            for (index, range) in ranges.enumerated() {
                group.addTask { (index, try read(bytes, range, count)) }
            }
            var parts = [[Submission]](repeating: [], count: ranges.count)
            for try await (index, part) in group { parts[index] = part }
            return Array(parts.joined())
        }
    }

    /// Counts the commands of all parts together.
    private final class LineCount: Sendable {
        private let count = Atomic(0)

        func add() throws(Problem) {
            guard count.add(1, ordering: .relaxed).newValue <= mostCommands else { throw .tooManyCommands }
        }
    }

    private static func portions(of bytes: [UInt8]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            var end = min(start + portion, bytes.count)
            while end < bytes.count, bytes[end - 1] != UInt8(ascii: "\n") { end += 1 }
            ranges.append(start..<end)
            start = end
        }
        return ranges.isEmpty ? [0..<0] : ranges
    }

    private static func read(
        _ bytes: [UInt8], _ range: Range<Int>, _ count: LineCount
    ) throws -> [Submission] {
        var submissions: [Submission] = []
        try bytes.withUnsafeBufferPointer { buffer in
            var start = range.lowerBound
            while start < range.upperBound {
                var end = start
                while end < range.upperBound, buffer[end] != UInt8(ascii: "\n") { end += 1 }
                let line = UnsafeBufferPointer(rebasing: buffer[start..<end])
                if line.contains(where: { $0 > 0x20 }) {
                    try count.add()
                    submissions.append(
                        try read(line) { 1 + buffer[..<start].count { $0 == UInt8(ascii: "\n") } })
                }
                start = end + 1
            }
        }
        return submissions
    }

    /// One line as a command; `number` counts the lines up to it.
    private static func read(
        _ line: UnsafeBufferPointer<UInt8>, number: () -> Int
    ) throws(Problem)
        -> Submission
    {
        guard line.count <= longestCommand else { throw .commandTooLong(line: number()) }
        do {
            return Submission(decoding: try JSONValue(parsing: line))
        } catch {
            throw Problem.malformedJSON(error, line: number())
        }
    }
}

extension Problem {
    /// More commands than one list may have.
    fileprivate static var tooManyCommands: Problem {
        var problem = Problem(
            413, "too_many_commands",
            "A list takes at most \(CommandBatch.mostCommands) commands: send them in several.")
        problem.limit = CommandBatch.mostCommands
        return problem
    }

    /// A command, the first being 0, that no command needs to be as long as.
    fileprivate static func commandTooLong(index: Int) -> Problem {
        commandTooLong("Command \(index), counted from 0,")
    }

    fileprivate static func commandTooLong(line: Int) -> Problem {
        commandTooLong("The command in line \(line)")
    }

    private static func commandTooLong(_ which: String) -> Problem {
        var problem = Problem(
            413, "command_too_long",
            "\(which) is longer than \(CommandBatch.longestCommand) bytes with the blanks around it.")
        problem.limit = CommandBatch.longestCommand
        return problem
    }
}
