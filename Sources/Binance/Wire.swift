import JSON
import Ledger
import Numbers
import Venue

/// Writes the figures as the venue's bytes: keys in the documents' order, amounts as strings, no blanks.
enum Wire {
    /// The body of `GET /fapi/v3/account`.
    static func account(_ figures: AccountFigures) throws -> [UInt8] {
        var writer = JSONWriter(reserving: 512 + 512 * figures.assets.count + 320 * figures.positions.count)
        writer.beginObject()
        try figures.layout.write(figures, to: &writer)
        writer.key("assets")
        let layout = figures.mode.isMultiAssets ? Layouts.asset : Layouts.singleAsset
        try figures.write(figures.assets, as: layout, to: &writer)
        writer.key("positions")
        try figures.write(figures.positions, as: Layouts.position, to: &writer)
        writer.endObject()
        return writer.bytes
    }
}

extension AccountFigures {
    /// Writes an array of rows of it, which it outlives.
    func write(
        _ rows: [PositionRow], as layout: FigureLayout<PositionFigure>, to writer: inout JSONWriter
    ) throws {
        writer.beginArray()
        for row in rows { try writer.row(row, as: layout) }
        writer.endArray()
    }

    /// Writes an array of rows of its assets.
    func write(
        _ rows: [AssetRow], as layout: FigureLayout<AssetFigure>, alias: String? = nil,
        to writer: inout JSONWriter
    ) throws {
        writer.beginArray()
        for row in rows { try writer.row(row, as: layout, alias: alias) }
        writer.endArray()
    }
}

extension JSONWriter {
    /// A member that is an amount: always 8 places.
    mutating func amount(_ key: StaticString, _ value: ExactDecimal) {
        member(key, quoted: value, minimumPlaces: BinanceFigures.places)
    }

    /// A member of a position row: `"0"`, or 8 places.
    mutating func bareAmount(_ key: StaticString, _ value: ExactDecimal) {
        self.key(key)
        if value.isZero { literal("0") } else { quoted(value, minimumPlaces: BinanceFigures.places) }
    }

    mutating func positionSide(_ side: PositionSide) {
        member("positionSide", literal: side.binanceName)
    }

    /// A position row as an answer has it.
    mutating func row(_ row: PositionRow, as layout: FigureLayout<PositionFigure>) throws {
        beginObject()
        try layout.write(row, to: &self) { field, writer in
            switch field {
            case .symbol: writer.string(row.symbol)
            case .positionSide: writer.literal(row.side.binanceName)
            case .marginAsset: writer.string(row.mode.marginAsset)
            case .marginType where layout === Layouts.calledPosition:
                writer.string(row.mode.marginMode == .cross ? "CROSSED" : "ISOLATED")
            case .marginType: writer.string(row.mode.marginMode.rawValue)
            case .isolated: writer.bool(row.mode.marginMode == .isolated)
            default: writer.literal("false")
            }
        }
        endObject()
    }

    /// An asset row as an answer has it.
    mutating func row(
        _ row: AssetRow, as layout: FigureLayout<AssetFigure>, alias: String? = nil
    ) throws {
        beginObject()
        if let alias { member("accountAlias", alias) }
        try layout.write(row, to: &self) { _, writer in writer.string(row.asset) }
        endObject()
    }
}
