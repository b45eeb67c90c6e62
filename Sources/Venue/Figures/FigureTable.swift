import JSON
import Numbers

/// The figures of one object, each in a slot: given, or worked out by its definition when it is first asked
/// for.
///
/// Who fills the slots makes the reader. The ledger's amounts, prices and rules give what is *served*;
/// looking on while a definition asks gives what is *explained*; what a venue reported, with what its digits
/// leave open, gives what is *audited*. The definitions do not know which.
///
/// ```swift
/// final class RowFigures: FigureTable<RowFigure> {
///     override func value(of figure: RowFigure) throws -> ExactFraction {
///         switch figure {
///         case .equity: try self[.cash] + self[.profit]
///         case .cash, .profit: throw gap(figure)
///         }
///     }
/// }
/// ```
open class FigureTable<Figure: FigureKey>: FigureObject {
    /// What its figures are worked out in.
    public typealias Number = Figure.Number

    /// What decides which words hold.
    public final var mode: Figure.Mode
    /// How its figures are written.
    public let layout: FigureLayout<Figure>
    @usableFromInline let state: UnsafeMutablePointer<FigureBookState>
    @usableFromInline let slots: UnsafeMutablePointer<FigureSlot<Number>>
    @usableFromInline let count: Int
    /// What few tables have; made when the first of it comes.
    @usableFromInline var aside: FigureAside?

    /// A table without any number yet.
    @inlinable
    public init(_ book: FigureBook, _ mode: Figure.Mode, _ layout: FigureLayout<Figure>) {
        self.mode = mode
        self.layout = layout
        count = layout.cases.count
        state = book.state
        slots = .allocate(capacity: count)
        slots.initialize(
            repeating: FigureSlot(number: Number(decimal: .zero), stamp: FigureSlot<Number>.empty),
            count: count)
        super.init(book)
    }

    @inlinable
    deinit {
        // Nothing has to be given back where no number holds a reference.
        if state.pointee.isLong { slots.deinitialize(count: count) }
        slots.deallocate()
    }

    /// The definition of a figure, worked out anew. Of an input: ``gap(_:)``.
    open func value(of figure: Figure) throws -> Number { throw gap(figure) }

    /// Whether the object has a figure, in the state that it is in.
    open func isThere(_ figure: Figure) -> Bool { true }

    /// What is said about a figure, in the state that the object is in.
    open func facts(of figure: Figure) -> FigureFacts? { figure.facts(in: mode) }

    /// Where a figure stands among the explanations: as it is printed, or with all its digits.
    open func path(of figure: Figure, isPrinted: Bool) -> String { path + figure.rawValue }

    /// What a figure is called as an input of another one of its own object, or of another object.
    open func name(of figure: Figure, isOwn: Bool) -> String {
        name.isEmpty ? figure.rawValue : "\(figure.rawValue) of \(name)"
    }

    /// What an input is called; its facts' words unless they depend on the account.
    open func name(of input: Figure, _ words: String) -> String { words }

    /// The least number of decimal places that a figure is written with.
    open func minimumPlaces(of figure: Figure) -> Int { 0 }

    /// What else a figure is worked out from that is no number of a table: tiers, switches, what the ledger
    /// has added up.
    open func inputs(besidesThoseOf figure: Figure) -> [Explanation.Input] { [] }

    /// What a figure is called as an input of the object that asks: by default an input of another object has
    /// that object's name behind its words.
    open func name(of figure: Figure, in words: String, of asker: FigureObject) -> String {
        if facts(of: figure)?.origin == nil { return name(of: figure, isOwn: asker === self) }
        return asker === self || name.isEmpty || words.hasSuffix(name) ? words : "\(words) of \(name)"
    }

    // MARK: - Numbers

    /// A figure with all its digits.
    @inlinable
    public final subscript(figure: Figure) -> Number {
        get throws {
            let place = figure.index
            if state.pointee.isWatched { return try ask(figure) }
            if slots[place].stamp >= state.pointee.generation { return slots[place].number }
            return try workOut(figure)
        }
    }

    /// The same while somebody looks on.
    @usableFromInline
    final func ask(_ figure: Figure) throws -> Number {
        let place = figure.index
        let stamp = slots[place].stamp
        book.notes?.add(self, place, isGiven: stamp == FigureSlot<Number>.given, isPrinted: false)
        if stamp >= state.pointee.generation { return slots[place].number }
        book.notes?.depth += 1
        defer { book.notes?.depth -= 1 }
        return try workOut(figure)
    }

    @inlinable
    final func workOut(_ figure: Figure) throws -> Number {
        let place = figure.index
        if state.pointee.isSpecial { try requireKnown(place) }
        guard slots[place].stamp != FigureSlot<Number>.working else { throw selfReading(figure) }
        slots[place].stamp = FigureSlot<Number>.working
        do {
            let number = try value(of: figure)
            if number.isLong { state.pointee.isLong = true }
            slots[place] = FigureSlot(number: number, stamp: state.pointee.generation)
            return number
        } catch {
            slots[place].stamp = FigureSlot<Number>.empty
            throw error
        }
    }

    /// Throws where an answer says that there is no number.
    @usableFromInline
    final func requireKnown(_ place: Int) throws {
        if let known = known[place], known.number == nil, !withheld.contains(place) {
            throw FigureGap.missing(known.lack)
        }
    }

    @usableFromInline
    final func selfReading(_ figure: Figure) -> FigureGap { .readsItself(path + figure.rawValue) }

    /// A figure, or nil where the object has none: the state that it is in has no such figure, or its
    /// definition finds none.
    @inlinable
    public final func ifThere(_ figure: Figure) throws -> Number? {
        guard isThere(figure) else { return nil }
        do { return try self[figure] } catch FigureGap.nothing { return nil }
    }

    /// Runs `body` while nobody looks on: for asking whether something counts at all, which is no input.
    @inlinable
    public final func unnoted<Result>(_ body: () throws -> Result) rethrows -> Result {
        state.pointee.isWatched ? try whileUnwatched(body) : try body()
    }

    @usableFromInline
    final func whileUnwatched<Result>(_ body: () throws -> Result) rethrows -> Result {
        try book.noting(FigureNotes(ofGiven: false), body)
    }

    /// A figure as it is printed, for definitions that the venue works out from printed digits.
    @inlinable
    public final func printed(_ figure: Figure) throws -> Number { Number(decimal: try decimal(figure)) }

    /// A figure as it is printed.
    @inlinable
    public final func decimal(_ figure: Figure) throws -> ExactDecimal {
        if state.pointee.isWatched || state.pointee.isSpecial { return try specialDecimal(figure) }
        return try layout.forms[figure.index].print(try self[figure])
    }

    /// The same where somebody looks on, or where figures were set by hand or reported.
    @usableFromInline
    final func specialDecimal(_ figure: Figure) throws -> ExactDecimal {
        let place = figure.index
        if let number = known[place]?.number, !withheld.contains(place) {
            book.notes?.add(self, place, isGiven: true, isPrinted: true)
            return number
        }
        guard state.pointee.isWatched else { return try printed(try self[figure], at: place) }
        book.notes?.add(
            self, place, isGiven: slots[place].stamp == FigureSlot<Number>.given, isPrinted: true)
        book.notes?.depth += 1
        defer { book.notes?.depth -= 1 }
        return try printed(try self[figure], at: place)
    }

    /// What an answer says, by place; none of a ledger's figures.
    final var known: [Int: KnownFigure] { aside?.known ?? [:] }

    /// Slots whose reported number is not looked at for now.
    final var withheld: Set<Int> { aside?.withheld ?? [] }

    /// What few tables have, made if this one has it not yet.
    final func makeAside() -> FigureAside {
        let aside = self.aside ?? FigureAside()
        self.aside = aside
        return aside
    }

    private final func printed(_ number: Number, at place: Int) throws(NumberError) -> ExactDecimal {
        // What was set by hand is shown as it was set.
        aside?.overridden.contains(place) == true && aside?.rounded.contains(place) != true
            ? try PrintForm.plain.print(number) : try layout.forms[place].print(number)
    }

    /// Fills a slot: an amount of the ledger, a price, a rule, a setting.
    @inlinable
    public final func give(_ figure: Figure, _ number: Number) {
        if number.isLong { state.pointee.isLong = true }
        slots[figure.index] = FigureSlot(number: number, stamp: FigureSlot<Number>.given)
    }

    /// Fills a slot with a decimal: an amount of the ledger, a price, a rule, a setting.
    @_disfavoredOverload
    @inlinable
    public final func give(_ figure: Figure, _ number: ExactDecimal) { give(figure, Number(decimal: number)) }

    /// Puts a number that was set by hand in the place of what the definition gives; nothing for nil. It is
    /// printed as it was set, or as the figure always is.
    public final func setOverride(_ figure: Figure, to number: ExactDecimal?, isRounded: Bool = false) {
        guard let number else { return }
        give(figure, number)
        let aside = makeAside()
        aside.overridden.append(figure.index)
        if isRounded { aside.rounded.append(figure.index) }
        state.pointee.isSpecial = true
    }

    /// Whether a number was given, and is not worked out.
    public final func isGiven(_ figure: Figure) -> Bool {
        slots[figure.index].stamp == FigureSlot<Number>.given
    }

    /// Whether a figure was set by hand.
    public final func isOverridden(_ figure: Figure) -> Bool {
        aside?.overridden.contains(figure.index) == true
    }

    /// Whether a figure is printed as it always is, though it may have been set by hand.
    final func printsRounded(_ figure: Figure) -> Bool {
        !isOverridden(figure) || aside?.rounded.contains(figure.index) == true
    }

    /// A figure under another name: explained by what the other one rests on, and held against the other one
    /// where an answer has it.
    public final func same(as figure: Figure) throws -> Number {
        isKnown(figure) ? try self[figure] : try value(of: figure)
    }

    /// What an input's definition throws: nobody gave it.
    public final func gap(_ input: Figure) -> FigureGap { .notGiven(path + input.rawValue) }

    /// Works out all that is shown, so that what cannot be is known before anything is written.
    @inlinable
    public final func workOutAll() throws {
        for field in layout.fields where field.style != nil { _ = try ifThere(field.figure) }
    }

    // MARK: - As an input

    /// Says what a definition goes by that is no figure and no amount of its own: it is listed with the
    /// inputs of what is being explained.
    @inlinable
    public final func note(_ input: @autoclosure () -> Explanation.Input) {
        if state.pointee.isWatched { book.add(input()) }
    }

    override func input(_ entry: FigureNotes.Entry, of asker: FigureObject) -> Explanation.Input {
        let figure = layout.cases[entry.place]
        let facts = facts(of: figure)
        let text = text(of: slots[entry.place].number, figure, facts, isPrinted: entry.isPrinted)
        guard let facts, let origin = facts.origin else {
            return Explanation.Input(
                name(of: figure, in: figure.rawValue, of: asker), text, .figure,
                path: path(of: figure, isPrinted: entry.isPrinted))
        }
        return Explanation.Input(
            name(of: figure, in: name(of: figure, facts.formula), of: asker), text, origin)
    }

    /// A number with all its digits; as it is printed where those are the same, or nothing else was asked
    /// for.
    final func text(
        of number: Number, _ figure: Figure, _ facts: FigureFacts?, isPrinted: Bool
    ) -> String {
        guard let decimal = try? printed(number, at: figure.index) else { return number.description }
        let isStyled = facts.map { $0.isPrinted || $0.form == .flag } == true
        let style = isStyled ? facts?.style ?? .decimal : .decimal
        let isWhole = isPrinted || facts?.form == .flag || ExactFraction(decimal) == number.exact
        guard isWhole else { return number.description }
        return style.text(of: decimal, places: minimumPlaces(of: figure))
    }

    override func nameOfNotZero(at place: Int) -> String? {
        slots[place].number.exact.isZero ? nil : FigureClause.name(of: layout.cases[place])
    }

    // MARK: - While it is audited

    override func known(at place: Int) -> KnownFigure? { known[place] }

    override func withhold(_ isWithheld: Bool, at place: Int) {
        if isWithheld {
            makeAside().withheld.insert(place)
            slots[place].stamp = FigureSlot<Number>.empty
        } else {
            makeAside().withheld.remove(place)
            try? probe(nil, at: place)
        }
    }

    override func probe(_ end: FigureEnd?, at place: Int) throws {
        guard let known = known[place], known.number != nil else { return }
        let number =
            switch end {
            case .low: known.range.low
            case .high: known.range.high
            case nil: known.exact
            }
        give(layout.cases[place], try Number(nearest: number))
    }
}

/// What few tables have: figures that were set by hand, and what an answer says.
@usableFromInline
final class FigureAside {
    /// Places of figures that were set by hand.
    var overridden: [Int] = []
    /// Those of them that are printed as the figures always are.
    var rounded: [Int] = []
    /// What an answer says, by place.
    var known: [Int: KnownFigure] = [:]
    /// Places whose reported number is not looked at for now.
    var withheld: Set<Int> = []
}

/// A figure's number, and since when it holds.
@frozen
@usableFromInline
struct FigureSlot<Number> {
    @usableFromInline var number: Number
    /// The generation in which it was worked out, or one of the values below.
    @usableFromInline var stamp: Int32

    @inlinable
    init(number: Number, stamp: Int32) {
        self.number = number
        self.stamp = stamp
    }

    @inlinable static var empty: Int32 { 0 }
    @inlinable static var working: Int32 { -1 }
    @inlinable static var given: Int32 { .max }
}
