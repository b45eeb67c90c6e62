import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file that a store is in: who may read it, and whether it is there.
enum StoreFile {
    /// Makes an empty file that only its owner may read, in a folder that only its owner may enter; leaves a
    /// file that is there, but takes others' rights to it away, as it holds keys.
    static func prepare(_ path: String) throws(JournalError) {
        let folder = (path as NSString).deletingLastPathComponent
        if !folder.isEmpty && !FileManager.default.fileExists(atPath: folder) {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw JournalError(.notPermitted, "Cannot make the folder \(folder) for the store.")
            }
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw JournalError(
                .notPermitted, "Cannot open the store \(path) for writing: \(systemMessage()).")
        }
        defer { _ = close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw JournalError(.notOurs, "\(path) is no ordinary file, so it cannot be a store.")
        }
        // The mode is asked as well as the system: an administrator may write what is marked read-only.
        guard status.st_mode & S_IWUSR != 0 else {
            throw JournalError(
                .notPermitted,
                "The store \(path) is marked read-only; make it writable, or give another --store.")
        }
        if status.st_mode & 0o077 != 0, fchmod(descriptor, 0o600) != 0 {
            throw JournalError(
                .notPermitted, "Others may read the store \(path), which holds keys; set its mode to 0600.")
        }
    }

    /// Whether there is something in the file.
    static func isEmpty(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) != 0 || status.st_size == 0
    }
}
