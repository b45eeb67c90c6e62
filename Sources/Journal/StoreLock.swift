#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The right to write a store: a lock on a file beside it, which the system releases when the process ends,
/// however it ends.
final class StoreLock: Sendable {
    private let descriptor: Int32

    init(besides path: String) throws(JournalError) {
        let name = path + "-lock"
        let descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw JournalError(.notPermitted, "Cannot make the lock file \(name): \(systemMessage()).")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let reason = systemMessage()
            _ = close(descriptor)
            throw JournalError(
                isHeld ? .inUse : .unavailable,
                isHeld
                    ? "The store \(path) is in use by another process; stop it, or give another --store."
                    : "Cannot lock \(name): \(reason).")
        }
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }
}

/// What the system says about its last error.
func systemMessage() -> String { String(cString: strerror(errno)) }
