import JSON
import Ledger
import Numbers

/// Why a figure is what it is: its value, the formula in the venue's words, and what went into it.
///
/// The value comes from the very function that serves it; only the words are added here.
public struct Explanation: Sendable, Equatable {
    /// How far a figure can be trusted to be the venue's.
    public enum Status: String, Sendable, CaseIterable {
        /// The venue's document, or its recordings, state the formula.
        case exact
        /// No source decides; ours is written down in the venue's page.
        case choice
        /// The venue hides an input or a formula; a documented subset is worked out.
        case estimate
    }

    /// Something that a figure is worked out from.
    public struct Input: Sendable, Equatable {
        /// Where an input comes from.
        public enum Origin: String, Sendable, CaseIterable {
            /// Another figure, explained under its own path.
            case figure
            /// What the account's events have come to.
            case ledger
            /// A price given to the ledger, or the rulebook's reference price.
            case price
            /// A rule of the rulebook in force.
            case rule
            /// A setting of the account.
            case setting
            /// A value raised by hand.
            case overridden = "raised"
        }

        /// The input's name, value and kind.
        public let name: String
        public let value: String
        public let origin: Origin
        /// The path of the figure that it is, where it is one.
        public let path: String?

        public init(_ name: String, _ value: String, _ origin: Origin, path: String? = nil) {
            self.name = name
            self.value = value
            self.origin = origin
            self.path = path
        }

        public init(_ name: String, _ value: ExactDecimal, _ origin: Origin, path: String? = nil) {
            self.init(name, value.description, origin, path: path)
        }
    }

    /// Where it stands in the answer, such as `details.USDT.eq`.
    public let path: String
    /// The venue's own field name, such as `eq`.
    public let field: String
    /// The figure as the venue prints it.
    public let value: String
    public let formula: String
    public let inputs: [Input]
    /// The rounding step, such as "cut to 8 places"; empty for none.
    public let rounding: String
    public let status: Status
    /// The document and section that state the formula.
    public let source: String

    public init(
        path: String, field: String, value: String, formula: String, inputs: [Input], rounding: String = "",
        status: Status, source: String
    ) {
        self.path = path
        self.field = field
        self.value = value
        self.formula = formula
        self.inputs = inputs
        self.rounding = rounding
        self.status = status
        self.source = source
    }

    /// Writes it as one JSON object.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        for (key, text) in [("path", path), ("field", field), ("value", value), ("formula", formula)] {
            writer.key(key)
            writer.string(text)
        }
        writer.array("inputs", of: inputs) { input, writer in
            writer.beginObject()
            writer.member("name", input.name)
            writer.member("value", input.value)
            writer.member("origin", input.origin.rawValue)
            if let path = input.path {
                writer.member("path", path)
            }
            writer.endObject()
        }
        for (key, text) in [("rounding", rounding), ("status", status.rawValue), ("source", source)] {
            writer.key(key)
            writer.string(text)
        }
        writer.endObject()
    }
}

/// How safe an account is: what liquidation is decided by, in the venue's own terms.
public struct MarginHealth: Sendable, Equatable {
    /// What backs the account's positions, in `unit`.
    public let equity: ExactDecimal
    /// What it must maintain, in `unit`.
    public let maintenance: ExactDecimal
    /// USD, or the asset of the pool that is nearest to liquidation.
    public let unit: String
    /// Whether the venue would liquidate, by its own definition (the venue's page). Unless it has another
    /// one: something must be maintained, and equity does not exceed it.
    public let isLiquidated: Bool

    public init(equity: ExactDecimal, maintenance: ExactDecimal, unit: String) {
        self.init(
            equity: equity, maintenance: maintenance, unit: unit,
            isLiquidated: maintenance.isPositive && equity <= maintenance)
    }

    /// Figures with the verdict of a venue that has a definition of its own.
    public init(equity: ExactDecimal, maintenance: ExactDecimal, unit: String, isLiquidated: Bool) {
        self.equity = equity
        self.maintenance = maintenance
        self.unit = unit
        self.isLiquidated = isLiquidated
    }

    /// The verdict on the exact figures, which are kept half up to `places`.
    ///
    /// Throws `NumberError.overflow` for a figure that does not fit.
    public init(
        equity: ExactFraction, maintenance: ExactFraction, places: Int, unit: String
    ) throws(NumberError) {
        self.equity = try equity.rounded(places: places, rounding: .halfUp)
        self.maintenance = try maintenance.rounded(places: places, rounding: .halfUp)
        self.unit = unit
        isLiquidated = maintenance.isPositive && equity <= maintenance
    }
}

/// How safe an isolated position is: what it is liquidated by on its own.
public struct IsolatedHealth: Sendable, Equatable {
    /// The venue's name of the instrument.
    public let instrument: String
    /// `net`, or its side in hedge mode.
    public let side: PositionSide
    /// Its own margin with what it has earned, against what it must maintain.
    public let health: MarginHealth

    public init(instrument: String, side: PositionSide, health: MarginHealth) {
        self.instrument = instrument
        self.side = side
        self.health = health
    }
}
