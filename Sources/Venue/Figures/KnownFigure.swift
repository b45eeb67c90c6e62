import Numbers

/// What a venue's answer says of a figure or an input.
struct KnownFigure {
    /// Where it stands in the answer, or what it was recovered as.
    let name: String
    /// What stood there, for the list of inputs.
    let shown: String
    /// What stood there.
    let text: String
    /// As printed, cut to 18 places where it has more; nil for what is no number.
    let number: ExactDecimal?
    /// Why there is no number; a sentence.
    var lack = ""
    /// What it is worked with: the printed number, or a sharper one that is printed so.
    var exact: ExactFraction
    /// What the venue's digits leave open.
    var range: FigureRange
    /// When the answer came in; nil for what is of no moment, such as a rule.
    let moment: Int64?
    /// The fields that it was recovered from.
    var reads: [String] = []
    /// What a difference means of a figure that takes it in.
    var difference = FigureCheck.Difference.contradicts
    /// Whether digits after the eighteenth place were dropped here.
    var isCut = false
    /// Whether it stands in the answer, and was not recovered from something else.
    var isReported = false
}

/// An end of what a number's digits leave open.
enum FigureEnd {
    case low
    case high
}

extension FigureTable {
    /// Takes a figure from a field of an answer, whatever stands there. `moment` is when the answer came in.
    ///
    /// Where others are only to be worked out from it `isInput` keeps it from being held itself. What its
    /// digits leave open is what its facts say, unless `evidence` says otherwise.
    public final func report(
        _ figure: Figure, _ object: ReportedObject, _ field: String? = nil, at moment: Int64,
        asInput isInput: Bool = false, evidence own: Evidence? = nil
    ) {
        let field = field ?? figure.rawValue
        let value = object[field]
        let name = object.path(of: field)
        let number = value.truncatedNumber
        var isCut = false
        if case .outOfRange = value { isCut = true }
        let facts = facts(of: figure)
        // Where 0 says that there is none, nothing lies behind its digits.
        let isNone = facts?.isNoneAtZero == true && number?.isZero == true
        let evidence = isNone ? .exact : own ?? facts?.evidence ?? .exact
        var range = number.flatMap { try? evidence.range(of: $0) }
        if isCut { range = range.flatMap { try? $0.widened(by: Evidence.step(ExactDecimal.places)) } }
        let exact = ExactFraction(number ?? .zero)
        know(
            figure,
            KnownFigure(
                name: name, shown: value.shown, text: value.text, number: number,
                lack: "\(name) is \(value.shown).", exact: exact, range: range ?? FigureRange(exact),
                moment: moment, isCut: isCut, isReported: !isInput))
    }

    /// Takes every number that an object of an answer has; what not each body has, only where it is there.
    public final func report(_ layout: FigureLayout<Figure>, _ object: ReportedObject, at moment: Int64) {
        for (field, name) in zip(layout.fields, layout.names) where field.style != nil {
            if field.isAlways || object[name] != .absent {
                report(field.figure, object, name, at: moment)
            }
        }
    }

    /// Takes what other fields of the answers imply: `reads` are their paths, and where one of them is being
    /// held, the recovered number is not used. It is called what the figure's facts call it, unless another
    /// name says more.
    ///
    /// `difference` says what follows where a figure that takes it in is another one than reported.
    public final func recover(
        _ figure: Figure, _ number: ExactDecimal, as name: String? = nil, from reads: [String] = [],
        within range: FigureRange? = nil, at moment: Int64? = nil,
        _ difference: FigureCheck.Difference = .contradicts
    ) {
        recover(
            figure, exactly: ExactFraction(number), as: name, from: reads, within: range, at: moment,
            difference)
    }

    /// Takes what other fields of the answers imply, where it is a fraction and no decimal.
    public final func recover(
        _ figure: Figure, exactly exact: ExactFraction, as name: String? = nil, from reads: [String] = [],
        within range: FigureRange? = nil, at moment: Int64? = nil,
        _ difference: FigureCheck.Difference = .contradicts
    ) {
        guard let number = try? PrintForm.plain.print(exact) else { return }
        know(
            figure,
            KnownFigure(
                name: name ?? facts(of: figure)?.formula ?? figure.rawValue, shown: number.description,
                text: number.description, number: number, exact: exact,
                range: range ?? FigureRange(exact), moment: moment, reads: reads, difference: difference))
    }

    /// Says why there is no number where one could be; a sentence. `reads` are the fields that would have
    /// told a part of it: nothing is said about those then.
    public final func lack(_ figure: Figure, because reason: String, from reads: [String] = []) {
        know(
            figure,
            KnownFigure(
                name: path + figure.rawValue, shown: "absent", text: "", number: nil, lack: reason,
                exact: .zero, range: FigureRange(.zero), moment: nil, reads: reads))
    }

    /// Takes away what an answer says of a figure, so that it is worked out.
    public final func drop(_ figure: Figure) {
        aside?.known[figure.index] = nil
        slots[figure.index].stamp = FigureSlot<Number>.empty
    }

    /// Puts a number with all its digits in the place of a reported one where it would be printed as that.
    public final func sharpen(_ figure: Figure, to exact: Number?) {
        let place = figure.index
        guard let exact, let number = known[place]?.number,
            (try? layout.forms[place].print(exact)) == number
        else { return }
        aside?.known[place]?.exact = exact.exact
        aside?.known[place]?.range = FigureRange(exact.exact)
        give(figure, exact)
    }

    /// Whether an answer has a number for it.
    public final func isKnown(_ figure: Figure) -> Bool { known[figure.index]?.number != nil }

    /// The number that an answer has for it.
    public final func reported(_ figure: Figure) -> ExactDecimal? { known[figure.index]?.number }

    private func know(_ figure: Figure, _ found: KnownFigure) {
        let place = figure.index
        state.pointee.isSpecial = true
        makeAside().known[place] = found
        book.know(KnownSlot(object: self, place: place), found)
        if found.number == nil {
            slots[place].stamp = FigureSlot<Number>.empty
        } else if let number = try? Number(nearest: found.exact) {
            give(figure, number)
        }
    }
}
