/// An object's constant bytes, glued together, and the fields whose values stand between them.
///
/// Most of a balance is the same in every answer: field names, and values that a mode does not have. All of
/// that is joined once, so that writing a row copies a few long pieces.
struct ObjectLayout<Field: Sendable>: Sendable {
    /// Constant bytes up to a value, and the value.
    struct Step: Sendable {
        let start: Int
        let end: Int
        let field: Field
    }

    let bytes: [UInt8]
    let steps: [Step]
    /// Where the bytes after the last value begin.
    let tail: Int

    /// How a field is laid down.
    enum Part {
        /// Always this JSON.
        case constant(String)
        /// A text that changes; the quotes are constant.
        case text
        /// JSON that changes, with its quotes if it has any.
        case json
    }

    init(_ fields: [(name: String, field: Field, part: Part)]) {
        var bytes = Array("{".utf8)
        var steps: [Step] = []
        var start = 0
        for (place, entry) in fields.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: "\"\(entry.name)\":".utf8)
            switch entry.part {
            case .constant(let json): bytes.append(contentsOf: json.utf8)
            case .json:
                steps.append(Step(start: start, end: bytes.count, field: entry.field))
                start = bytes.count
            case .text:
                bytes.append(UInt8(ascii: "\""))
                steps.append(Step(start: start, end: bytes.count, field: entry.field))
                start = bytes.count
                bytes.append(UInt8(ascii: "\""))
            }
        }
        bytes.append(UInt8(ascii: "}"))
        self.bytes = bytes
        self.steps = steps
        tail = start
    }

    /// Writes an object, with what `value` writes between the constant bytes.
    @inline(__always)
    func write(to sink: inout ByteSink, _ value: (Field, inout ByteSink) throws -> Void) throws {
        try bytes.withUnsafeBufferPointer { bytes in
            for step in steps {
                sink.copy(UnsafeBufferPointer(rebasing: bytes[step.start..<step.end]))
                try value(step.field, &sink)
            }
            sink.copy(UnsafeBufferPointer(rebasing: bytes[tail...]))
        }
    }
}

/// How much of a row may be something else than 0 or nothing.
enum RowContent {
    /// Cash that is not below 0.
    case held
    /// Cash, positions and orders.
    case plain
    case whole
}

/// The layouts of balances, one for each mode; made once.
struct BalanceLayouts: Sendable {
    /// Rows of currencies that are held and nothing else: most of them.
    private let held: [ObjectLayout<CurrencyFigure>]
    /// Rows of currencies without reserves, credits, spot cost, interest or loans.
    private let plain: [ObjectLayout<CurrencyFigure>]
    /// Rows with any of those.
    private let whole: [ObjectLayout<CurrencyFigure>]
    /// Rows and accounts with raised fields: every value is looked at.
    let overriddenRow: ObjectLayout<CurrencyFigure>
    let overriddenAccount: ObjectLayout<AccountFigure>
    private let account: [ObjectLayout<AccountFigure>]

    /// `rows` are the fields of a currency's row with what they are called.
    private init(rows: [(name: String, field: CurrencyFigure)]) {
        let modes = AccountMode.allCases
        func layouts(_ what: RowContent) -> [ObjectLayout<CurrencyFigure>] {
            modes.map { mode in
                ObjectLayout(rows.map { ($0.name, $0.field, $0.field.part(in: mode, what)) })
            }
        }
        held = layouts(.held)
        plain = layouts(.plain)
        whole = layouts(.whole)
        account = modes.map { mode in
            ObjectLayout(AccountFigure.fields.map { ($0.rawValue, $0, $0.part(in: mode)) })
        }
        overriddenRow = ObjectLayout(rows.map { ($0.name, $0.field, .json) })
        overriddenAccount = ObjectLayout(AccountFigure.fields.map { ($0.rawValue, $0, .json) })
    }

    /// As requests are answered.
    static let answered = BalanceLayouts(rows: CurrencyFigure.balance.map { ($0.rawValue, $0) })

    /// As a stream pushes them.
    static let pushed = BalanceLayouts(rows: CurrencyFigure.fields.map { ($0.pushedName, $0) })

    func row(_ mode: AccountMode, _ content: RowContent) -> ObjectLayout<CurrencyFigure> {
        switch content {
        case .held: held[mode.place]
        case .plain: plain[mode.place]
        case .whole: whole[mode.place]
        }
    }

    func account(_ mode: AccountMode) -> ObjectLayout<AccountFigure> { account[mode.place] }
}

extension AccountFigure {
    /// What always stands in it unless it is raised.
    var constant: StaticString? {
        switch self {
        case .delta, .deltaLever, .deltaNeutralStatus: ""
        case .notionalUsdForOption: "0"
        default: nil
        }
    }

    /// How it is laid down in a mode.
    fileprivate func part(in mode: AccountMode) -> ObjectLayout<AccountFigure>.Part {
        guard modes.contains(ModeSet(mode)) else { return .constant("\"\"") }
        if let constant { return .constant("\"\(constant)\"") }
        return self == .details ? .json : .text
    }
}

extension CurrencyFigure {
    /// What always stands in it unless it is raised.
    var constant: StaticString? {
        switch self {
        case .twap, .frpType, .colRes, .colBorrAutoConversion, .autoLendAmt, .autoLendMtAmt: "0"
        case .autoStakingStatus: "unsupported"
        case .clSpotInUseAmt: ""
        default: nil
        }
    }

    /// Whether it is written without quotes, or brings its own.
    var isBare: Bool { self == .ccy || self == .collateralEnabled || self == .collateralRestrict }

    /// How it is laid down in a mode.
    fileprivate func part(
        in mode: AccountMode, _ content: RowContent
    ) -> ObjectLayout<CurrencyFigure>.Part {
        guard modes.contains(ModeSet(mode)) else { return .constant("\"\"") }
        if let constant { return .constant("\"\(constant)\"") }
        let isPlain = content != .whole
        switch self {
        case _ where content == .held && isOfUse: return .constant("\"0\"")
        case .mgnRatio where content == .held: return .constant("\"\"")
        case .ccy: return .json
        case .collateralEnabled: return mode == .multi ? .json : .constant("false")
        case .collateralRestrict: return .constant("false")
        case .fixedBal, .rewardBal, .smtSyncEq, .spotCopyTradingEq, .spotIsoBal, .stgyEq, .interest, .isoLiab:
            return isPlain ? .constant("\"0\"") : .text
        case _ where isOfTrades: return isPlain ? .constant("\"\"") : .text
        default: return .text
        }
    }
}
