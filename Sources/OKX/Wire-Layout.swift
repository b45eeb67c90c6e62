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
}

/// The layouts of balances, one for each mode; made once.
struct BalanceLayouts: Sendable {
    /// Rows of currencies without reserves, credits, spot cost, interest or loans: most of them.
    private let plain: [ObjectLayout<DetailField>]
    /// Rows with any of those.
    private let whole: [ObjectLayout<DetailField>]
    /// Rows and accounts with raised fields: every value is looked at.
    let raisedRow: ObjectLayout<DetailField>
    let raisedAccount: ObjectLayout<AccountField>
    private let account: [ObjectLayout<AccountField>]

    /// `rows` are the fields of a currency's row with what they are called.
    private init(rows: [(name: String, field: DetailField)]) {
        let modes = AccountMode.allCases
        plain = modes.map { mode in
            ObjectLayout(rows.map { ($0.name, $0.field, $0.field.part(in: mode, isPlain: true)) })
        }
        whole = modes.map { mode in
            ObjectLayout(rows.map { ($0.name, $0.field, $0.field.part(in: mode, isPlain: false)) })
        }
        account = modes.map { mode in
            ObjectLayout(AccountField.allCases.map { ($0.rawValue, $0, $0.part(in: mode)) })
        }
        raisedRow = ObjectLayout(rows.map { ($0.name, $0.field, .json) })
        raisedAccount = ObjectLayout(AccountField.allCases.map { ($0.rawValue, $0, .json) })
    }

    /// As requests are answered.
    static let answered = BalanceLayouts(rows: DetailField.balance.map { ($0.rawValue, $0) })

    /// As a stream pushes them.
    static let pushed = BalanceLayouts(rows: DetailField.allCases.map { ($0.pushedName, $0) })

    func row(_ mode: AccountMode, isPlain: Bool) -> ObjectLayout<DetailField> {
        (isPlain ? plain : whole)[Self.place(mode)]
    }

    func account(_ mode: AccountMode) -> ObjectLayout<AccountField> { account[Self.place(mode)] }

    private static func place(_ mode: AccountMode) -> Int {
        switch mode {
        case .spot: 0
        case .futures: 1
        case .multi: 2
        case .portfolio: 3
        }
    }
}

extension AccountField {
    /// How it is laid down in a mode.
    fileprivate func part(in mode: AccountMode) -> ObjectLayout<AccountField>.Part {
        guard modes.contains(ModeSet(mode)) else { return .constant("\"\"") }
        switch self {
        case .details: return .json
        case .delta, .deltaLever, .deltaNeutralStatus: return .constant("\"\"")
        case .notionalUsdForOption: return .constant("\"0\"")
        default: return .text
        }
    }
}

extension DetailField {
    /// How it is laid down in a mode.
    fileprivate func part(in mode: AccountMode, isPlain: Bool) -> ObjectLayout<DetailField>.Part {
        guard modes.contains(ModeSet(mode)) else { return .constant("\"\"") }
        switch self {
        case .ccy: return .json
        case .collateralEnabled: return mode == .multi ? .json : .constant("false")
        case .collateralRestrict: return .constant("false")
        case .twap, .frpType, .colRes, .colBorrAutoConversion, .autoLendAmt, .autoLendMtAmt:
            return .constant("\"0\"")
        case .autoStakingStatus: return .constant("\"unsupported\"")
        case .clSpotInUseAmt: return .constant("\"\"")
        case .fixedBal, .rewardBal, .smtSyncEq, .spotCopyTradingEq, .spotIsoBal, .stgyEq, .interest, .isoLiab:
            return isPlain ? .constant("\"0\"") : .text
        case .spotBal, .openAvgPx, .accAvgPx, .spotUpl, .spotUplRatio, .totalPnl, .totalPnlRatio:
            return isPlain ? .constant("\"\"") : .text
        default: return .text
        }
    }
}
