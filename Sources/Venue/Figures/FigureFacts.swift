import Numbers

/// What is said about a figure: all of it, and nowhere else.
public struct FigureFacts: Sendable {
    /// Where a figure stands.
    public enum Place: Sendable, Equatable {
        /// In the answer, always or now and then.
        case shown(isAlwaysThere: Bool)
        /// In the answer, and no number: a text, or an object of its own.
        case other(isAlwaysThere: Bool)
        /// In another answer than the one that the object is explained by, and explained as it is printed
        /// there.
        case elsewhere
        /// Not in the answer, explained beside it with all its digits.
        case beside
        /// Neither; what risk is judged by, and what stands in other answers without an explanation.
        case judged
        /// It is no figure but what figures are worked out from.
        case input(Explanation.Input.Origin)
    }

    /// Where the figure stands in the answer, if it is shown.
    public private(set) var place: Place
    /// Its formula in words; what it is called, of an input.
    public let formula: String
    /// A remark behind the formula, such as `not floored`; empty for none.
    public let note: String
    /// What it counts: an asset, `coin` or `ratio`.
    public let unit: String
    /// Whether it can be below zero.
    public let isSigned: Bool
    /// How it is printed.
    public let form: PrintForm
    /// What the venue's printed digits leave open.
    public let evidence: Evidence
    /// How far it can be trusted to be the venue's.
    public private(set) var certainty: Explanation.Status
    /// The document and section that state the formula.
    public let source: String
    /// The name that it has at every venue.
    public let common: CommonFigure?
    /// What inputs add where they are not zero.
    public let clauses: [FigureClause]
    /// Whether 0 stands for "there is none", so that a number and 0 are of two kinds.
    public let isNoneAtZero: Bool
    /// How its decimal is written.
    public let style: FigureStyle
    /// How it is rounded, in words, where its form does not say it; empty for not at all.
    public let rounding: String
    /// How many units of its last place a reported figure may be off, because no document tells the order of
    /// its roundings.
    public let leeway: Int

    /// A field of the answer.
    ///
    /// `evidence` is that of the form unless another one is named.
    public static func shown(
        _ formula: String, note: String = "", _ unit: String, signed isSigned: Bool = false,
        _ form: PrintForm = .plain, evidence: Evidence? = nil, _ certainty: Explanation.Status = .exact,
        from source: String, common: CommonFigure? = nil, clauses: [FigureClause] = [],
        isNoneAtZero: Bool = false, isAlwaysThere: Bool = true
    ) -> FigureFacts {
        FigureFacts(
            .shown(isAlwaysThere: isAlwaysThere), formula, note: note, unit, signed: isSigned, form: form,
            evidence: evidence, status: certainty, from: source, common: common, clauses: clauses,
            isNoneAtZero: isNoneAtZero)
    }

    /// A figure of any place.
    public init(
        _ place: Place, _ formula: String, note: String = "", _ unit: String, signed isSigned: Bool = false,
        form: PrintForm = .plain, evidence: Evidence? = nil, leeway: Int = 0,
        style: FigureStyle? = nil, rounding: String? = nil, status certainty: Explanation.Status = .exact,
        from source: String = "", common: CommonFigure? = nil, clauses: [FigureClause] = [],
        isNoneAtZero: Bool = false
    ) {
        self.place = place
        self.formula = formula
        self.note = note
        self.unit = unit
        self.isSigned = isSigned
        self.form = form
        self.evidence = evidence ?? form.evidence
        self.leeway = leeway
        self.style = style ?? (form == .flag ? .flag : .decimal)
        self.rounding = rounding ?? form.words
        self.certainty = certainty
        self.source = source
        self.common = common
        self.clauses = clauses
        self.isNoneAtZero = isNoneAtZero
    }

    /// A field that is no number: a text, or an object of its own.
    public static func other(
        _ words: String, _ certainty: Explanation.Status = .exact, from source: String,
        isAlwaysThere: Bool = true
    ) -> FigureFacts {
        FigureFacts(.other(isAlwaysThere: isAlwaysThere), words, "none", status: certainty, from: source)
    }

    /// What fields rest on and the answer does not show.
    public static func beside(
        _ formula: String, _ unit: String, signed isSigned: Bool = false, _ form: PrintForm = .plain,
        evidence: Evidence? = nil, _ certainty: Explanation.Status = .exact, from source: String
    ) -> FigureFacts {
        FigureFacts(
            .beside, formula, unit, signed: isSigned, form: form, evidence: evidence, status: certainty,
            from: source)
    }

    /// What orders and withdrawals are judged by, and nothing shows.
    public static func judged(
        _ formula: String, _ unit: String, _ form: PrintForm = .plain,
        _ certainty: Explanation.Status = .exact, from source: String
    ) -> FigureFacts {
        FigureFacts(
            .judged, formula, unit, signed: true, form: form, evidence: .exact, status: certainty,
            from: source)
    }

    /// What is given: by the ledger, a price, a rule or a setting.
    public static func input(
        _ name: String, _ unit: String, _ origin: Explanation.Input.Origin, _ form: PrintForm = .plain
    ) -> FigureFacts {
        FigureFacts(.input(origin), name, unit, signed: true, form: form, evidence: .exact)
    }

    /// These facts for a mode in which the answer does not show the figure, but other figures rest on it.
    public var besideTheAnswer: FigureFacts {
        var facts = self
        facts.place = .beside
        return facts
    }

    /// These facts with another certainty.
    public func trusted(as certainty: Explanation.Status) -> FigureFacts {
        var facts = self
        facts.certainty = certainty
        return facts
    }

    /// Whether it is a number of the answer.
    public var isShown: Bool { if case .shown = place { true } else { false } }

    /// Whether every answer has it, of a field; nil of what is none.
    public var isAlwaysThere: Bool? {
        switch place {
        case .shown(let isAlwaysThere), .other(let isAlwaysThere): isAlwaysThere
        case .elsewhere, .beside, .judged, .input: nil
        }
    }

    /// Whether explanations have it.
    public var isExplained: Bool { isPrinted || place == .beside }

    /// Whether explanations have it as an answer prints it.
    var isPrinted: Bool { isShown || place == .elsewhere }

    /// Where an input comes from; nil for a figure that is worked out.
    public var origin: Explanation.Input.Origin? {
        if case .input(let origin) = place { origin } else { nil }
    }

    /// The words with what inputs that are not zero add.
    func words(with clauses: [FigureClause]) -> String {
        formula + clauses.map(\.words).joined() + (note.isEmpty ? "" : "; \(note)")
    }
}

/// What an input adds to a figure's words where it is not zero.
///
/// ```swift
/// FigureClause(MarketFigure.isolatedMargin, adds: " − what isolated positions hold", .choice)
/// ```
public struct FigureClause: Sendable {
    let input: String
    /// What it adds to the formula.
    public let words: String
    /// How far the figure can then be trusted.
    public let certainty: Explanation.Status
    /// A rounding step that comes with it; empty for none.
    public let rounding: String
    /// What it is about, in a word or two, for the venue's page.
    public let topic: String

    public init<Input: FigureKey>(
        _ input: Input, adds words: String = "", _ certainty: Explanation.Status, rounding: String = "",
        topic: String
    ) {
        self.input = Self.name(of: input)
        self.words = words
        self.certainty = certainty
        self.rounding = rounding
        self.topic = topic
    }

    static func name<Input: FigureKey>(of input: Input) -> String { "\(Input.self).\(input.rawValue)" }
}

/// How a figure is printed: which digits, and with which rounding.
public enum PrintForm: Sendable, Equatable {
    /// Every digit.
    case plain
    /// Every digit, of which there are no more than so many: it is stored so.
    case stored(Int)
    /// Digits after a place are dropped, toward zero.
    case cut(Int)
    /// Half up to a place.
    case halfUp(Int)
    /// Half even to a place.
    case halfEven(Int)
    /// Up to a place, away from zero.
    case up(Int)
    /// A switch: 0 is `false`, everything else `true`.
    case flag
    /// Half up to so many significant digits, and at most as many places.
    case significant(Int)

    /// The decimal that is printed.
    @inlinable
    public func print(_ number: some FigureNumber) throws(NumberError) -> ExactDecimal {
        switch self {
        case .plain, .stored, .flag: try number.rounded(places: ExactDecimal.places, rounding: .halfEven)
        case .cut(let places): try number.rounded(places: places, rounding: .towardZero)
        case .halfUp(let places): try number.rounded(places: places, rounding: .halfUp)
        case .halfEven(let places): try number.rounded(places: places, rounding: .halfEven)
        case .up(let places): try number.rounded(places: places, rounding: .awayFromZero)
        case .significant(let digits):
            try number.rounded(places: Self.places(of: number.exact, digits), rounding: .halfUp)
        }
    }

    /// A number as explanations show it.
    public func text(_ number: ExactDecimal) -> String {
        self == .flag ? number.isZero ? "false" : "true" : number.description
    }

    /// How many places so many significant digits leave to a number.
    @usableFromInline
    static func places(of number: ExactFraction, _ digits: Int) throws(NumberError) -> Int {
        var places = digits
        var limit = ExactFraction.one
        while places > 0, number.magnitude >= limit {
            places -= 1
            limit = try limit.times(ExactDecimal(10))
        }
        return places
    }

    /// What is printed, for definitions that go on with it.
    public func of(_ number: ExactFraction) throws(NumberError) -> ExactFraction {
        ExactFraction(try print(number))
    }

    /// Places after the decimal point, at most.
    public var places: Int {
        switch self {
        case .plain: ExactDecimal.places
        case .flag: 0
        case .stored(let places), .cut(let places), .halfUp(let places), .halfEven(let places),
            .up(let places), .significant(let places):
            places
        }
    }

    /// The rounding in words; empty for none.
    public var words: String {
        switch self {
        case .plain, .stored: ""
        case .cut(let places): "cut to \(places) places"
        case .halfUp(let places): "half up to \(places) places"
        case .halfEven(let places): "half even to \(places) places"
        case .up(let places): "rounded up at \(places) places"
        case .flag: ""
        case .significant(let digits): "half up to \(digits) significant digits, at most \(digits) places"
        }
    }

    /// What digits that are printed so leave open.
    public var evidence: Evidence {
        switch self {
        case .plain, .stored, .flag: .exact
        case .cut(let places): .cut(places)
        case .halfUp(let places), .halfEven(let places): .half(places)
        case .up(let places): .up(places)
        case .significant: .binary
        }
    }
}
