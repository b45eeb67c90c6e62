import Dispatch
import Foundation
import Ledger
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The end of a store: what it had at least when it was noted.
struct StoreEnd: Sendable, Equatable {
    /// The last event.
    var tip = JournalTip()
    /// How often keys and small things were changed.
    var revision: Int64 = 0
}

/// The end of a store as last acknowledged, in a file of its own beside it: damage to the store or its
/// write-ahead log that makes a ledger shorter cannot make this shorter too.
///
/// It is written after every transaction and before its answer, but synced behind it, a tenth of a second
/// later at most: so the death of the process loses none of it, and a power failure leaves it behind the
/// store by no more than that tenth. It is never ahead of the store. Two slots of 512 bytes are written in
/// turns, so that a torn write leaves the other; each is a line of text with a checksum.
final class TipFile: Sendable {
    /// What is found beside a store.
    enum Finding: Sendable, Equatable {
        /// No such file, as beside a copy.
        case none
        /// The end that it tells; whether one of its slots is damaged.
        case end(StoreEnd, isPartlyDamaged: Bool)
        /// It tells nothing any more.
        case damaged
    }

    private struct State {
        var end: StoreEnd
        /// The slot that is written next.
        var slot = 0
        var isSyncDue = false
        var isSyncFailed = false
    }

    private static let slotSize = 512
    private static let delay = DispatchTimeInterval.milliseconds(100)
    private static let queue = DispatchQueue(label: "marginalia.tip")

    let path: String
    private let descriptor: Int32
    private let state: Mutex<State>

    /// The path of the file that belongs to a store.
    static func path(of store: String) -> String { store + "-tip" }

    /// Goes on with the file that was found, where it tells this end; else makes it anew.
    init(of store: String, _ end: StoreEnd, found: Finding) throws(JournalError) {
        path = Self.path(of: store)
        state = Mutex(State(end: end))
        if found == .end(end, isPartlyDamaged: false) {
            descriptor = open(path, O_RDWR | O_CLOEXEC)
            if descriptor >= 0 { return }
            throw JournalError(.unavailable, "Cannot open \(path): \(systemMessage()).")
        }
        let made = path + ".new"
        descriptor = open(made, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let record = Self.record(end)
        guard descriptor >= 0, Self.write(record + record, to: descriptor, at: 0), Self.sync(descriptor),
            rename(made, path) == 0
        else {
            let reason = systemMessage()
            if descriptor >= 0 { _ = closeFile(descriptor) }
            throw JournalError(.unavailable, "Cannot write \(made): \(reason).")
        }
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            _ = fsync(folder)
            _ = closeFile(folder)
        }
    }

    deinit {
        _ = Self.sync(descriptor)
        _ = closeFile(descriptor)
    }

    /// Notes what has just become durable in the store.
    func note(_ change: (inout StoreEnd) -> Void) throws(JournalError) {
        try state.withLock { (state: inout State) throws(JournalError) in
            change(&state.end)
            guard
                Self.write(Self.record(state.end), to: descriptor, at: state.slot * Self.slotSize),
                !state.isSyncFailed || Self.sync(descriptor)
            else { throw JournalError(.unavailable, "Cannot write \(path): \(systemMessage()).") }
            state.slot = 1 - state.slot
            state.isSyncFailed = false
            if state.isSyncDue { return }
            state.isSyncDue = true
            Self.queue.asyncAfter(deadline: .now() + Self.delay) { [weak self] in self?.syncBehind() }
        }
    }

    /// Notes an end that may be before the one noted last, in both slots; it is on disk when this returns.
    func restart(from end: StoreEnd) throws(JournalError) {
        let record = Self.record(end)
        try state.withLock { (state: inout State) throws(JournalError) in
            guard Self.write(record + record, to: descriptor, at: 0), Self.sync(descriptor) else {
                throw JournalError(.unavailable, "Cannot write \(path): \(systemMessage()).")
            }
            state.end = end
            state.slot = 0
        }
    }

    private func syncBehind() {
        state.withLock { $0.isSyncDue = false }
        if !Self.sync(descriptor) { state.withLock { $0.isSyncFailed = true } }
    }

    /// What is noted beside a store.
    static func find(of store: String) -> Finding {
        let path = path(of: store)
        if FileIdentity(path) == nil { return .none }
        var finding = Finding.damaged
        // A running server may be writing a slot at this moment; the next look finds it whole.
        for _ in 0..<3 {
            guard let bytes = firstBytes(2 * slotSize + 1, of: path), bytes.count == 2 * slotSize else {
                continue
            }
            let (first, second) = (end(Array(bytes[..<slotSize])), end(Array(bytes[slotSize...])))
            if let first, let second {
                return .end(isLater(first, second) ? first : second, isPartlyDamaged: false)
            }
            if let end = first ?? second { finding = .end(end, isPartlyDamaged: true) }
        }
        return finding
    }

    private static func isLater(_ one: StoreEnd, _ other: StoreEnd) -> Bool {
        (one.tip.sequence, one.revision) > (other.tip.sequence, other.revision)
    }

    // MARK: - Slots

    private static func record(_ end: StoreEnd) -> [UInt8] {
        var text =
            "marginalia-tip-1 sequence=\(end.tip.sequence) checksum=\(end.tip.checksum) "
            + "revision=\(end.revision)"
        var hash = ChecksumHash()
        hash.add(text)
        text += " check=\(hash.value)\n"
        return Array(text.utf8) + [UInt8](repeating: 0x20, count: slotSize - text.utf8.count - 1) + [0x0a]
    }

    /// Nil for bytes that `record` did not write.
    private static func end(_ bytes: [UInt8]) -> StoreEnd? {
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard words.count == 5 else { return nil }
        let values = words.dropFirst().map { $0.split(separator: "=").last ?? "" }
        guard let sequence = Int64(values[0]), let checksum = UInt64(values[1]),
            let revision = Int64(values[2])
        else { return nil }
        let end = StoreEnd(
            tip: JournalTip(sequence: sequence, checksum: checksum), revision: revision)
        return record(end) == bytes ? end : nil
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, at place: Int) -> Bool {
        bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(place)) } == bytes.count
    }

    private static func sync(_ descriptor: Int32) -> Bool {
        #if canImport(Darwin)
            fsync(descriptor) == 0
        #else
            fdatasync(descriptor) == 0
        #endif
    }
}
