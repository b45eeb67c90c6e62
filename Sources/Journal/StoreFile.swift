import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file that a store is in, held by the one process that may write it, and for its owner only.
///
/// The lock is on the file itself and not on a name, so it holds whichever link leads to the file, and the
/// system releases it when the process ends, however it ends. It is one of `flock`, which SQLite's own locks
/// (of `fcntl`) neither see nor disturb. But SQLite loses its locks when the process closes any descriptor of
/// the file; so a process never opens a file a second time that it holds already.
final class StoreFile: Sendable {
    /// The path without links: SQLite names the files beside the store after it, and so do we.
    let path: String
    private let descriptor: Int32
    private let identity: FileIdentity

    private static let held = Mutex<Set<FileIdentity>>([])

    /// Takes hold of a file, which is made where it is missing, in a folder that only its owner may enter.
    /// One that is there is not changed.
    init(_ path: String) throws(JournalError) {
        if let identity = FileIdentity(path), Self.held.withLock({ $0.contains(identity) }) {
            throw Self.inUse(path)
        }
        try Self.makeFolder(of: path)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw JournalError(
                .notPermitted, "Cannot open the store \(path) for writing: \(systemMessage()).")
        }
        do throws(JournalError) {
            identity = try Self.lock(descriptor, path)
        } catch {
            _ = close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.path = Self.resolved(path)
        Self.held.withLock { _ = $0.insert(identity) }
    }

    deinit {
        _ = close(descriptor)
        Self.held.withLock { _ = $0.remove(identity) }
    }

    /// Waits until all that was written to it is on disk.
    func sync() throws(JournalError) {
        guard fsync(descriptor) == 0 else {
            throw JournalError(.unavailable, "Cannot write \(path): \(systemMessage()).")
        }
    }

    private static func makeFolder(of path: String) throws(JournalError) {
        let folder = (path as NSString).deletingLastPathComponent
        if folder.isEmpty || FileManager.default.fileExists(atPath: folder) { return }
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw JournalError(.notPermitted, "Cannot make the folder \(folder) for the store.")
        }
    }

    private static func lock(
        _ descriptor: Int32, _ path: String
    ) throws(JournalError) -> FileIdentity {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw JournalError(.notOurs, "\(path) is no ordinary file, so it cannot be a store.")
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return FileIdentity(status) }
        if errno == EWOULDBLOCK { throw inUse(path) }
        throw JournalError(.unavailable, "Cannot lock the store \(path): \(systemMessage()).")
    }

    /// Sees to it that the file may be written, and takes others' rights to it away, as it holds keys.
    func secure() throws(JournalError) {
        var status = stat()
        // The mode is asked as well as the system: an administrator may write what is marked read-only.
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IWUSR != 0 else {
            throw JournalError(
                .notPermitted,
                "The store \(path) is marked read-only; make it writable, or give another --store.")
        }
        if status.st_mode & 0o077 != 0, fchmod(descriptor, 0o600) != 0 {
            throw JournalError(
                .notPermitted, "Others may read the store \(path), which holds keys; set its mode to 0600.")
        }
    }

    private static func inUse(_ path: String) -> JournalError {
        JournalError(
            .inUse, "The store \(path) is in use by another process; stop it, or give another --store.")
    }

    /// Whether there is nothing in a file, or no file.
    static func isEmpty(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) != 0 || status.st_size == 0
    }

    /// The path without links, also of a file that is not there yet.
    static func resolved(_ path: String) -> String {
        if let found = realPath(path) { return found }
        let folder = (path as NSString).deletingLastPathComponent
        guard let parent = realPath(folder.isEmpty ? "." : folder) else { return path }
        return (parent as NSString).appendingPathComponent((path as NSString).lastPathComponent)
    }

    private static func realPath(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}

/// What tells a file from all others, whatever names it has.
struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let number: UInt64
    /// How many names it has.
    let names: Int

    init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        number = UInt64(truncatingIfNeeded: status.st_ino)
        names = Int(status.st_nlink)
    }

    /// Nil where there is no file.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    static func == (one: FileIdentity, other: FileIdentity) -> Bool {
        one.device == other.device && one.number == other.number
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(device)
        hasher.combine(number)
    }
}

/// The bytes at the beginning of a file, as far as there are so many; nil where it cannot be read.
func firstBytes(_ count: Int, of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { _ = close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: count)
    let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, 0) }
    return got < 0 ? nil : Array(bytes.prefix(got))
}

/// What the system says about its last error.
func systemMessage() -> String { String(cString: strerror(errno)) }

/// `close` under a name that types with a `close` of their own can call.
func closeFile(_ descriptor: Int32) -> Int32 { close(descriptor) }
