/// What the tables of one account share: the moment up to which figures that were worked out hold, and who
/// looks on while definitions ask for their inputs.
///
/// Not for several threads at a time.
public final class FigureBook {
    /// Read at every figure that is asked for, so it lies where no access has to be checked.
    @usableFromInline let state: UnsafeMutablePointer<FigureBookState>
    /// Who looks on; nil nearly always.
    private(set) var notes: FigureNotes?
    /// The slots that an answer says something of, by what stands there and by what that was recovered from;
    /// some of them may have been told something else since.
    private var known: [String: [KnownSlot]] = [:]

    /// A book without figures.
    public init() {
        state = .allocate(capacity: 1)
        state.initialize(to: FigureBookState())
    }

    deinit { state.deallocate() }

    /// Takes down that a slot is known under a name and from fields.
    func know(_ slot: KnownSlot, _ found: KnownFigure) {
        for name in [found.name] + found.reads where !known[name, default: []].contains(slot) {
            known[name, default: []].append(slot)
        }
    }

    /// The slots that are known under a name, or were recovered from the field of that name.
    func known(by name: String) -> [KnownSlot] {
        (known[name] ?? []).filter { slot in
            slot.object.known(at: slot.place).map { $0.name == name || $0.reads.contains(name) } == true
        }
    }

    /// Forgets all that was worked out; what was given stays.
    public func forget() { state.pointee.generation += 1 }

    /// Takes down what is no slot of a table.
    @usableFromInline
    func add(_ input: Explanation.Input) { notes?.add(input) }

    /// Runs `body` while `notes` take down what is asked for.
    func noting<Result>(_ notes: FigureNotes, _ body: () throws -> Result) rethrows -> Result {
        let outer = self.notes
        self.notes = notes
        state.pointee.isWatched = true
        defer {
            self.notes = outer
            state.pointee.isWatched = outer != nil
        }
        return try body()
    }
}

/// What every slot is looked at with.
@frozen
@usableFromInline
struct FigureBookState {
    /// Figures that were worked out before it hold no more.
    @usableFromInline var generation: Int32 = 1
    /// Whether somebody looks on.
    @usableFromInline var isWatched = false
    /// Whether figures were set by hand or reported.
    @usableFromInline var isSpecial = false
    /// Whether a number in a slot holds a reference, as hardly any does.
    @usableFromInline var isLong = false

    @usableFromInline init() {}
}

/// A slot that an answer says something of; its table is held by whoever works with the account.
struct KnownSlot: Equatable {
    unowned let object: FigureObject
    let place: Int

    static func == (left: Self, right: Self) -> Bool {
        left.object === right.object && left.place == right.place
    }
}

/// What definitions asked for, each slot once, in the order of asking.
final class FigureNotes {
    /// A slot of a table.
    struct Entry {
        let object: FigureObject
        let place: Int
        /// Whether only its printed digits were asked for.
        var isPrinted = false
    }

    /// Whether what was given counts, however deep it was asked for, or what the definition itself asked for.
    private let isOfGiven: Bool
    /// How many definitions are being worked out within the one that is looked at.
    var depth = 0
    private(set) var entries: [Entry] = []
    /// What is listed besides.
    private(set) var others: [Explanation.Input] = []

    init(ofGiven isOfGiven: Bool) { self.isOfGiven = isOfGiven }

    func add(_ object: FigureObject, _ place: Int, isGiven: Bool, isPrinted: Bool) {
        guard isOfGiven ? isGiven : depth == 0 else { return }
        if let known = entries.firstIndex(where: { $0.object === object && $0.place == place }) {
            entries[known].isPrinted = entries[known].isPrinted && isPrinted
        } else {
            entries.append(Entry(object: object, place: place, isPrinted: isPrinted))
        }
    }

    func add(_ input: Explanation.Input) {
        if !isOfGiven, depth == 0, !others.contains(input) { others.append(input) }
    }
}

/// One object of an answer, whatever its figures are.
open class FigureObject {
    /// What the tables of the account share.
    public let book: FigureBook

    @usableFromInline init(_ book: FigureBook) { self.book = book }

    /// What its figures' paths begin with, such as `marketBalancesMap.BTC-USD.`; empty for the account.
    open var path: String { "" }
    /// What its figures are called by from elsewhere, such as `BTC-USD`; empty for the account.
    open var name: String { "" }

    /// A slot as an input of a figure of an object.
    func input(_ entry: FigureNotes.Entry, of asker: FigureObject) -> Explanation.Input {
        Explanation.Input("", "", .figure)
    }

    /// The figure in a slot, as clauses name it; nil where it is 0.
    func nameOfNotZero(at place: Int) -> String? { nil }

    /// What an answer says of a slot.
    func known(at place: Int) -> KnownFigure? { nil }
    /// Takes what is known away from a slot for a while, or gives it back.
    func withhold(_ isWithheld: Bool, at place: Int) {}
    /// Puts an end of what is left open into a slot; nil for the number that it had.
    func probe(_ end: FigureEnd?, at place: Int) throws {}
}
