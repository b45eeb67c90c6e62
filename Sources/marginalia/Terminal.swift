import Foundation
import JSON
import Server

/// The terminal that a person sits at, where there is one, and all that the program writes to it.
///
/// A venue's names and numbers, a server's answer and an argument of the command line may hold anything. So
/// nothing is written past the functions of this file, and they write every control character, line end and
/// hidden mark as an escape: no text can move the cursor, or make a line that looks like one of ours.
enum Terminal {
    /// Whether what goes to standard error is seen by a person at once.
    static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes a line that the next one replaces; nothing where nobody watches. An empty text clears it.
    static func showProgress(_ text: String) {
        guard isWatched else { return }
        StandardError.write("\r\u{1B}[2K\(text.visible)")
    }

    /// Clears the terminal where standard output is one, for a picture that replaces the last.
    static func clear() {
        if isatty(STDOUT_FILENO) == 1 { Swift.print("\u{1B}[H\u{1B}[2J", terminator: "") }
    }

    /// Writes a line to standard error.
    static func tell(_ text: String) {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        StandardError.write("marginalia: \(line.visible)\n")
    }

    /// Writes lines to standard error as they are, for a person who has just started something.
    static func show(_ lines: [String]) {
        StandardError.write(lines.map { $0.visible + "\n" }.joined())
    }

    /// Writes one line to standard output at once, past the library's buffers: flushing those would wait for
    /// a thread that reads standard input. False where nobody reads any more.
    static func send(_ line: some CustomStringConvertible) -> Bool {
        let bytes = Data("\(line.description.visible)\n".utf8)
        return (try? FileHandle.standardOutput.write(contentsOf: bytes)) != nil
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
        fputs("\(question.visible): ", terminal)
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

/// Writes one line to standard output, whatever is in it; JSON stays the same JSON.
///
/// It stands before the standard library's function of this name, so that every command's `print` is this
/// one.
func print(_ line: some CustomStringConvertible, terminator: String = "\n") {
    Swift.print(line.description.visible, terminator: terminator)
}

/// Writes one line to standard output at once, for who waits for it.
func printNow(_ line: some CustomStringConvertible) {
    print(line)
    fflush(nil)
}

/// Writes a text of several lines whose line ends are the program's own.
func printLines(_ text: String, ending: String = "\n") {
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    if lines.last?.isEmpty == true { lines.removeLast() }
    for line in lines { print(line, terminator: ending) }
}
