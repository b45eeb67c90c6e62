import Foundation

/// A program that is told of alerts, as the configuration has it.
public struct AlertCommand: Sendable, Equatable {
    /// The program and its arguments.
    public let words: [String]
    /// Where it runs, and from where a program with a slash in its name is looked for: the configuration's
    /// folder, empty for the one that the desk runs in.
    public let folder: String
    /// Variables of the desk's own environment that it gets beyond `PATH`, `HOME` and `LANG`.
    public let variables: [String]

    public init(_ words: [String], folder: String = "", variables: [String] = []) {
        self.words = words
        self.folder = folder
        self.variables = variables
    }
}

/// One run of a program that gets a text on standard input.
///
/// It is a process group of its own, so that it can be ended with all that it started. It gets nothing of the
/// desk's but what is named: no secrets of the environment, no open files, no ignored signals.
struct CommandRun: Sendable {
    /// How it came out.
    enum End: Sendable, Equatable {
        /// Its status; 128 and the signal's number where a signal ended it.
        case ended(Int32)
        case notStarted
        case tooLong
    }

    let command: AlertCommand
    let input: String

    /// What every program gets of the environment, where it is set.
    private static let commonVariables = ["PATH", "HOME", "LANG"]
    /// How long it has to end once it was asked to.
    private static let grace = Duration.seconds(2)
    private static let pause = Duration.milliseconds(20)

    /// Starts it and waits for its end, but no longer than so many milliseconds: then it is asked to end, and
    /// after two seconds killed, with all that it started. What it leaves running when it ends in time is not
    /// waited for.
    func end(within limit: Int64) async -> End {
        guard var child = start() else { return .notStarted }
        defer { child.closeInput() }
        if await hasEnded(&child, within: .milliseconds(limit)) {
            let status = child.collectStatus()
            return Self.launcherFailures.contains(status) ? .notStarted : .ended(status)
        }
        kill(-child.process, SIGTERM)
        _ = await hasEnded(&child, within: Self.grace)
        kill(-child.process, SIGKILL)
        if await hasEnded(&child, within: Self.grace) { _ = child.collectStatus() }
        return .tooLong
    }

    private func hasEnded(_ child: inout Child, within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while true {
            child.feed()
            if child.hasEnded { return true }
            // A reading that is called off waits for nobody.
            guard ContinuousClock.now < deadline, (try? await Task.sleep(for: Self.pause)) != nil else {
                return child.hasEnded
            }
        }
    }

    // MARK: - Starting

    /// What changes to the folder, looks there for a program with a slash in its name and on the path for
    /// another, and becomes that program.
    private static let launcher = "/usr/bin/env"
    /// The launcher's statuses for a program that it cannot become.
    private static let launcherFailures: Set<Int32> = [125, 126, 127]

    private var launch: [String] {
        [Self.launcher, "--chdir=" + (command.folder.isEmpty ? "." : command.folder)] + command.words
    }

    private var environment: [String] {
        let own = ProcessInfo.processInfo.environment
        var names = Self.commonVariables
        for name in command.variables where !names.contains(name) { names.append(name) }
        return names.compactMap { name in own[name].map { "\(name)=\($0)" } }
    }

    /// Nil where it cannot be started.
    private func start() -> Child? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        let (reading, writing) = (ends[0], ends[1])
        defer { close(reading) }
        _ = fcntl(reading, F_SETFD, FD_CLOEXEC)
        _ = fcntl(writing, F_SETFD, FD_CLOEXEC)
        _ = fcntl(writing, F_SETFL, O_NONBLOCK)

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, reading, STDIN_FILENO)
        // What it prints is for people, and standard output belongs to the desk's own results.
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            guard let descriptor = Int32(name), descriptor > STDERR_FILENO else { continue }
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        posix_spawnattr_setpgroup(&attributes, 0)
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)

        var process: pid_t = 0
        let status = Self.withPointers(launch) { words in
            Self.withPointers(environment) { variables in
                posix_spawn(&process, Self.launcher, &actions, &attributes, words, variables)
            }
        }
        guard status == 0 else {
            close(writing)
            return nil
        }
        return Child(process: process, input: Array((input + "\n").utf8)[...], descriptor: writing)
    }

    private static func withPointers<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}

/// A process that was started, and what it has not read of its input.
private struct Child {
    let process: pid_t
    var input: ArraySlice<UInt8>
    /// Where its input is written; -1 once it has all, or wants no more.
    var descriptor: Int32

    /// Writes what it takes at the moment, without waiting for it.
    mutating func feed() {
        while descriptor >= 0 {
            let written = input.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EAGAIN || errno == EINTR { return }
            input = input.dropFirst(max(written, 0))
            if written < 0 || input.isEmpty { closeInput() }
        }
    }

    mutating func closeInput() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Whether it has ended; its number stays its own until the status is collected.
    var hasEnded: Bool {
        var found = siginfo_t()
        return waitid(P_PID, id_t(process), &found, WEXITED | WNOHANG | WNOWAIT) != 0
            || found.si_signo == SIGCHLD
    }

    /// The status of a process that has ended, as a shell has it.
    func collectStatus() -> Int32 {
        var status: Int32 = 0
        guard waitpid(process, &status, 0) == process else { return 0 }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }
}
