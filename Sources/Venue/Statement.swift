import JSON
import Ledger
import Numbers
import Synchronization

/// An account as its venue reported it at one moment: every answer byte for byte, and the figures that all
/// venues have in some form, each named once beside the venue's own field.
///
/// What the venue left out, left empty, sent as null or sent as zero stays four different things. Nothing in
/// it is worked out but figures that say so: what an account is worth where the venue leaves the sum to its
/// reader, and prices that follow from an amount and its worth.
public struct Statement: Sendable {
    public let venue: VenueName
    /// The account as the desk names it; for a sub-account, that name, `/` and the venue's own id of it.
    public let account: String
    /// The venue's own identifier of the account, by which two keys of one account are known; nil where no
    /// answer names one.
    public let identifier: String?
    /// The venue's own word for the way the account is margined, such as `multi-assets` or `portfolio`.
    public let mode: String
    /// The real time, in milliseconds since the epoch, at which the last of the answers came in.
    public let takenAt: Int64
    /// The venue's own time of the figures, where it says one.
    public let venueTime: Int64?
    /// The answers that the figures were read from.
    public let bodies: [RecordedBody]
    /// The account's own figures.
    public var figures: StatementFigures
    /// In the venue's order.
    public var assets: [AssetStatement]
    /// Why the assets are not all of the account, so that no sum of them is one; empty where they are.
    public var lackOfAssets: String
    /// In the venue's order.
    public var positions: [PositionStatement]
    /// Fields that are new, gone or of another type than the venue is known to send.
    public var drift: [FieldDrift]
    /// What is liquidated apart; empty where the account's own figures are those of one pool.
    public var pools: [MarginPool]
    /// What the answers cannot show of the account, a sentence each.
    public var notes: [String]
    /// Money that is in no asset's row, such as the cash of isolated positions that are accounts of their
    /// own.
    public var beside: [ReportedFigure]

    public init(
        venue: VenueName, account: String, identifier: String? = nil, mode: String, takenAt: Int64,
        venueTime: Int64? = nil, bodies: [RecordedBody], figures: StatementFigures = StatementFigures(),
        assets: [AssetStatement] = [], positions: [PositionStatement] = [], drift: [FieldDrift] = [],
        pools: [MarginPool] = [], notes: [String] = [], beside: [ReportedFigure] = [],
        lackOfAssets: String = ""
    ) {
        self.venue = venue
        self.account = account
        self.identifier = identifier
        self.mode = mode
        self.takenAt = takenAt
        self.venueTime = venueTime
        self.bodies = bodies
        self.figures = figures
        self.assets = assets
        self.positions = positions
        self.drift = drift
        self.pools = pools
        self.notes = notes
        self.beside = beside
        self.lackOfAssets = lackOfAssets
    }
}

extension Statement {
    /// The assets, each once: a row that says again what an earlier one says is left out, and `doubtful` are
    /// those of which two rows say different things.
    public var distinctAssets: (rows: [AssetStatement], doubtful: [String]) {
        var rows: [AssetStatement] = []
        var doubtful: [String] = []
        for row in assets {
            guard let first = rows.first(where: { $0.asset.isExactly(row.asset) }) else {
                rows.append(row)
                continue
            }
            if !first.figures.saySameAs(row.figures), !doubtful.containsExactly(row.asset) {
                doubtful.append(row.asset)
            }
        }
        return (rows, doubtful)
    }

    /// The positions, each once: a row that says again what an earlier one says is left out.
    public var distinctPositions: [PositionStatement] {
        positions.enumerated().filter { place, row in
            !positions[..<place].contains {
                $0.instrument.isExactly(row.instrument) && $0.side == row.side
                    && $0.marginMode == row.marginMode && $0.figures.saySameAs(row.figures)
            }
        }.map(\.element)
    }
}

/// A part of an account that is liquidated apart from the rest.
public struct MarginPool: Sendable {
    /// `cross`, or the instrument of an isolated position.
    public let name: String
    /// The equity that backs the positions.
    public let equity: ReportedFigure
    /// What it must maintain.
    public let maintenance: ReportedFigure

    /// A pool of two reported figures in one unit.
    public init(name: String, equity: ReportedFigure, maintenance: ReportedFigure) {
        self.name = name
        self.equity = equity
        self.maintenance = maintenance
    }
}

/// One answer of a venue as it came.
public struct RecordedBody: Sendable, Equatable {
    /// The call that it answers, as `VenueClient.calls` names it, such as `balance`.
    public let call: String
    public let bytes: [UInt8]
    /// The real time, in milliseconds since the epoch, at which it came in.
    public let takenAt: Int64
    private let parsed = ParsedBody()

    public init(call: String, bytes: [UInt8], takenAt: Int64) {
        self.call = call
        self.bytes = bytes
        self.takenAt = takenAt
    }

    /// What it says, or why it is no JSON: taken apart once, for all that read it.
    public var content: Result<JSONText, JSONError> { parsed.content(of: bytes) }

    public static func == (left: RecordedBody, right: RecordedBody) -> Bool {
        left.call == right.call && left.takenAt == right.takenAt && left.bytes == right.bytes
    }
}

/// An answer taken apart, when somebody first asks.
private final class ParsedBody: Sendable {
    private let content = Mutex<Result<JSONText, JSONError>?>(nil)

    func content(of bytes: [UInt8]) -> Result<JSONText, JSONError> {
        content.withLock { known in
            if let known { return known }
            let found = Result { () throws(JSONError) in try JSONText(parsing: bytes) }
            known = found
            return found
        }
    }
}

/// The figures that all venues have in some form. Which of the venue's fields one is, its venue says.
public enum CommonFigure: String, Sendable, CaseIterable {
    /// What everything is worth, profits that are not realized included.
    case equity
    /// Deposits and withdrawals, realized profits, fees and funding.
    case wallet
    /// What new orders may use.
    case available
    case initialMargin = "initial_margin"
    case maintenanceMargin = "maintenance_margin"
    /// The venue's own ratio, in its own sense; `docs/desk.md` says which way danger lies.
    case marginRatio = "margin_ratio"
    case leverage
    case unrealizedProfit = "unrealized_pnl"
    /// What counts as collateral after the haircut.
    case collateral
    /// Borrowed or negative, as a magnitude.
    case debt
    /// What can be taken out.
    case withdrawable
    /// The signed size of a position, in the venue's unit.
    case quantity
    case entryPrice = "entry_price"
    case markPrice = "mark_price"
    case notional
    case liquidationPrice = "liquidation_price"
    /// The USD price of an asset.
    case index
    /// What everything is worth in USD.
    case equityUSD = "equity_usd"
    /// What margins are held against, where that is not the equity.
    case marginBalance = "margin_balance"
}

/// What stood in a field of an answer.
public enum ReportedValue: Sendable, Equatable {
    /// The field was not there.
    case absent
    /// It was "".
    case empty
    /// It was null.
    case null
    /// It was a number or a text that is one; `text` is what stood there, the value exact. Zero is one of
    /// these.
    case number(ExactDecimal, text: String)
    /// It was a number that 18 places and 38 digits do not hold; never silently rounded.
    case outOfRange(text: String)
    /// It was something else, such as a word or a boolean.
    case other(text: String)

    /// The number; nil for everything else.
    public var number: ExactDecimal? {
        if case .number(let value, _) = self { return value }
        return nil
    }
}

/// One of the common figures as a venue reported it.
public struct ReportedFigure: Sendable, Equatable {
    public let figure: CommonFigure
    /// The venue's own field, as a path into the answer, such as `data[0].details[2].eq`.
    public let field: String
    public let value: ReportedValue
    /// The asset it is counted in, `USD`, or `ratio`; `contracts` for quantities counted so.
    public let unit: String
    /// Whether several rows report the same money, so that summing them would count it twice, such as what
    /// each asset of a joint margin leaves available.
    public let isShared: Bool
    /// Whether a figure of the account is not that of the account as a whole, which is the sum of its assets'
    /// rows, because each of them is margined apart or it leaves out isolated positions: some venues give
    /// totals of one asset alone, others none. With a `lack` the rows do not come to it either.
    public let isPartial: Bool
    /// Whether it is worked out from fields of the answers, because the venue has none for it; `field` says
    /// how.
    public let isDerived: Bool
    /// Why it cannot be worked out, or what of the account is not in it; empty for what has a value or is the
    /// venue's own.
    public let lack: String

    public init(
        _ figure: CommonFigure, field: String, _ value: ReportedValue, unit: String, isShared: Bool = false,
        isPartial: Bool = false, isDerived: Bool = false, lack: String = ""
    ) {
        self.figure = figure
        self.field = field
        self.value = value
        self.unit = unit
        self.isShared = isShared
        self.isPartial = isPartial
        self.isDerived = isDerived
        self.lack = lack
    }

    /// A figure that follows from fields of the answers: nothing where it does not fit.
    public init(
        _ figure: CommonFigure, derived number: ExactDecimal?, from formula: String, unit: String
    ) {
        self.init(
            figure, field: formula,
            number.map { .number($0, text: $0.description) } ?? .absent, unit: unit, isDerived: true,
            lack: number == nil ? "\(formula) does not fit" : "")
    }

    /// A figure that no field of the answers tells, and why.
    public init(_ figure: CommonFigure, lacking reason: String, unit: String) {
        self.init(figure, field: "", .absent, unit: unit, isDerived: true, lack: reason)
    }

    /// This figure, marked as one that does not cover the account, and why no sum of rows does either.
    public func lacking(_ reason: String) -> ReportedFigure {
        ReportedFigure(
            figure, field: field, value, unit: unit, isShared: isShared, isPartial: true,
            isDerived: isDerived, lack: reason)
    }

    /// The sum of figures of one unit: the one itself where there is one, and what is missing where one of
    /// them is no number.
    public init(_ figure: CommonFigure, sumOf parts: [ReportedFigure], unit: String) {
        if parts.count == 1, !parts[0].isDerived {
            self.init(figure, field: parts[0].field, parts[0].value, unit: unit)
            return
        }
        if let missing = parts.first(where: { $0.value.truncatedNumber == nil }) {
            self.init(
                figure, field: missing.field, missing.value, unit: unit, isDerived: true,
                lack: missing.lack.isEmpty ? "" : missing.lack)
            return
        }
        self.init(
            figure, derived: try? parts.compactMap(\.value.truncatedNumber).sum(),
            from: parts.map(\.field).joined(separator: " + "), unit: unit)
    }
}

/// Figures of one account, asset or position, each at most once.
public struct StatementFigures: Sendable, Equatable {
    public private(set) var all: [ReportedFigure] = []

    public init() {}

    /// Figures of one object, in their order; of two of one name, the later one in the place of the first.
    public init(_ figures: [ReportedFigure]) {
        let isRepeated = figures.indices.contains { later in
            (0..<later).contains { figures[$0].figure == figures[later].figure }
        }
        if isRepeated {
            for figure in figures { set(figure) }
        } else {
            all = figures
        }
    }

    /// Adds a figure; one of the same name that is there already is replaced.
    public mutating func set(_ figure: ReportedFigure) {
        if let place = place(of: figure.figure) {
            all[place] = figure
        } else {
            all.append(figure)
        }
    }

    /// Whether the same stands in all figures, wherever they stand.
    fileprivate func saySameAs(_ other: StatementFigures) -> Bool {
        all.elementsEqual(other.all) { $0.figure == $1.figure && $0.value == $1.value && $0.unit == $1.unit }
    }

    /// A figure; nil where the venue has no field for it here.
    public subscript(figure: CommonFigure) -> ReportedFigure? { place(of: figure).map { all[$0] } }

    /// By index, so that no figure on the way is copied.
    private func place(of figure: CommonFigure) -> Int? { all.indices.first { all[$0].figure == figure } }

    /// A figure's number, cut to 18 places where it has more; nil where there is none or it is too large.
    public func number(_ figure: CommonFigure) -> ExactDecimal? { self[figure]?.value.truncatedNumber }
}

/// One asset of an account as reported.
public struct AssetStatement: Sendable {
    /// The venue's name of it.
    public let asset: String
    public var figures: StatementFigures

    public init(asset: String, figures: StatementFigures = StatementFigures()) {
        self.asset = asset
        self.figures = figures
    }
}

/// One position of an account as reported.
public struct PositionStatement: Sendable {
    /// The venue's name of the instrument.
    public let instrument: String
    public let side: PositionSide
    public let marginMode: MarginMode
    public var figures: StatementFigures

    public init(
        instrument: String, side: PositionSide = .net, marginMode: MarginMode = .cross,
        figures: StatementFigures = StatementFigures()
    ) {
        self.instrument = instrument
        self.side = side
        self.marginMode = marginMode
        self.figures = figures
    }
}

/// A field that is not as the venue is known to send it.
public struct FieldDrift: Sendable, Equatable, Hashable {
    /// In which way it differs.
    public enum Kind: String, Sendable {
        /// Nobody knows the field.
        case new
        /// It is always there, and was not.
        case lost
        /// It is of another JSON type.
        case retyped
    }

    /// In which way it differs.
    public let kind: Kind
    /// The call, and the path in its answer with `[]` for every element, such as
    /// `balance data[].details[].eq`.
    public let path: String
    /// What stood there, at most 80 characters; empty for a lost one.
    public let example: String

    public init(_ kind: Kind, path: String, example: String) {
        self.kind = kind
        self.path = path
        self.example = example
    }
}
