import Foundation

/// A file that holds secrets: read only where nobody but its owner can, and written so.
public enum SecretFile {
    /// Why one cannot be used.
    public struct Failure: Error {
        /// Whether others than its owner have any right to it, or its owner has none.
        public let isNotPermitted: Bool
        /// What is wrong and what to do, without a full stop at the end.
        public let message: String

        fileprivate init(isNotPermitted: Bool = false, _ message: String) {
            self.isNotPermitted = isNotPermitted
            self.message = message
        }
    }

    /// The largest file of secrets that is read.
    private static let largest = 1 << 20

    /// The content of a file; nil where there is none.
    ///
    /// Throws where others than the owner have any right to it or it cannot be read.
    public static func read(_ path: String) throws(Failure) -> [UInt8]? {
        // A pipe that nobody writes into would be waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Failure(
                isNotPermitted: true, "the file \(path) cannot be read: check its owner and mode")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        // The open file is asked, not its name: nobody can swap one for another in between.
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw Failure("\(path) is no file of secrets")
        }
        guard information.st_mode & 0o077 == 0 else {
            throw Failure(
                isNotPermitted: true,
                "the file \(path) can be read by others: run chmod 600 on it, and think of its keys as known")
        }
        guard information.st_size <= largest, let content = try? handle.readToEnd() ?? Data() else {
            throw Failure("the file \(path) cannot be read, or is no file of secrets")
        }
        return [UInt8](content)
    }

    /// Puts content in the place of a file, mode 0600, all of it or nothing.
    public static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        let temporary = "\(path).\(UInt32.random(in: 0 ... .max)).new"
        let failed = Failure(
            "the file \(path) cannot be written: check the folder, its permissions and the disk")
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failed }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        let isWritten = (try? handle.write(contentsOf: Data(bytes))) != nil && fsync(descriptor) == 0
        close(descriptor)
        guard isWritten, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw failed
        }
    }
}
