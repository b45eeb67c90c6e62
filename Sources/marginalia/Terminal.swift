import Foundation

/// The terminal that a person sits at, where there is one.
enum Terminal {
    /// Whether what goes to standard error is seen by a person at once.
    static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes a line that the next one replaces; nothing where nobody watches. An empty text clears it.
    static func showProgress(_ text: String) {
        guard isWatched else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[2K\(text)".utf8))
    }

    /// Writes a line to standard error.
    static func tell(_ text: String) {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        FileHandle.standardError.write(Data("marginalia: \(line)\n".utf8))
    }

    /// Asks for a secret without showing what is typed; nil where there is no terminal or nothing was typed.
    static func ask(_ question: String) -> String? {
        guard let terminal = fopen("/dev/tty", "r+") else { return nil }
        defer { fclose(terminal) }
        let descriptor = fileno(terminal)
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { return nil }
        var hidden = settings
        hidden.c_lflag &= ~tcflag_t(ECHO)
        guard tcsetattr(descriptor, TCSAFLUSH, &hidden) == 0 else { return nil }
        defer { tcsetattr(descriptor, TCSAFLUSH, &settings) }
        fputs("\(question): ", terminal)
        fflush(terminal)
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        let count = getline(&line, &capacity, terminal)
        defer { free(line) }
        fputs("\n", terminal)
        guard count > 0, let line else { return nil }
        let typed = String(cString: line).filter { !$0.isNewline }
        return typed.isEmpty ? nil : typed
    }
}
