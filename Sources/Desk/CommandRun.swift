import Foundation
import Synchronization

/// One run of a program that gets a text on standard input.
struct CommandRun: Sendable {
    /// How it came out.
    enum End: Sendable, Equatable {
        case ended(Int32)
        case notStarted
        case tooLong
    }

    let words: [String]
    let input: String

    /// Starts it and waits for its end, but no longer than so many milliseconds; then it is ended. Its name
    /// is looked for on the path where it has no slash.
    func end(within limit: Int64) async -> End {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        if let program = words.first, program.contains("/") {
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = Array(words.dropFirst())
        }
        // The passphrase that opens the keys is the desk's own.
        process.environment = ProcessInfo.processInfo.environment.filter {
            $0.key != Secrets.passphraseVariable
        }
        let pipe = Pipe()
        process.standardInput = pipe
        // What it prints is for people, and standard output belongs to the desk's own results.
        process.standardOutput = FileHandle.standardError
        let isTooLong = Atomic(false)
        return await withCheckedContinuation { continuation in
            process.terminationHandler = { ended in
                if isTooLong.load(ordering: .acquiring) {
                    continuation.resume(returning: .tooLong)
                } else {
                    // The status of env(1) for a program that there is not.
                    let status = ended.terminationStatus
                    continuation.resume(returning: status == 127 ? .notStarted : .ended(status))
                }
            }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(returning: .notStarted)
                return
            }
            try? pipe.fileHandleForWriting.write(contentsOf: Data((input + "\n").utf8))
            try? pipe.fileHandleForWriting.close()
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Int(limit))) {
                guard process.isRunning else { return }
                isTooLong.store(true, ordering: .releasing)
                process.terminate()
            }
        }
    }
}
