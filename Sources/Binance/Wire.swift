import JSON
import Ledger
import Numbers
import Venue

/// Writes the figures as the venue's bytes: keys in the documents' order, amounts as strings, no blanks.
enum Wire {
    /// The body of `GET /fapi/v3/account`. Sheet 3.1.
    static func account(_ figures: BinanceAccountFigures) -> [UInt8] {
        var writer = JSONWriter(reserving: 512 + 512 * figures.assets.count + 320 * figures.positions.count)
        writer.beginObject()
        writer.totals(figures.totals)
        writer.key("assets")
        writer.beginArray()
        for row in figures.assets { writer.assetRow(row, showsMargin: figures.isMultiAssets) }
        writer.endArray()
        writer.key("positions")
        writer.beginArray()
        for row in figures.positions { writer.positionRow(row) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

extension JSONWriter {
    /// A member that is an amount: always 8 places.
    mutating func amount(_ key: StaticString, _ value: ExactDecimal) {
        self.key(key)
        quoted(value, minimumPlaces: BinanceFigures.places)
    }

    /// A member of a position row: `"0"`, or 8 places. Sheet 3.5, the other of the two spellings of zero.
    mutating func bareAmount(_ key: StaticString, _ value: ExactDecimal) {
        self.key(key)
        if value.isZero { literal("0") } else { quoted(value, minimumPlaces: BinanceFigures.places) }
    }

    /// A price of entry: trailing zeros stripped, zero `"0.0"`, never an exponent (`decisions.md` Binance 6).
    mutating func entryPrice(_ key: StaticString, _ value: ExactDecimal) {
        self.key(key)
        if value.isZero { literal("0.0") } else { quoted(value) }
    }

    mutating func text(_ key: StaticString, _ value: String) {
        self.key(key)
        string(value)
    }

    mutating func literal(_ key: StaticString, _ value: StaticString) {
        self.key(key)
        literal(value)
    }

    mutating func integer(_ key: StaticString, _ value: Int64) {
        self.key(key)
        integer(value)
    }

    mutating func bool(_ key: StaticString, _ value: Bool) {
        self.key(key)
        bool(value)
    }

    /// The eleven totals.
    mutating func totals(_ totals: BinanceTotals) {
        key("totalInitialMargin")
        quoted(totals.initialMargin, minimumPlaces: BinanceFigures.places)
        next(",\"totalMaintMargin\":\"", totals.maintMargin)
        next(",\"totalWalletBalance\":\"", totals.walletBalance)
        next(",\"totalUnrealizedProfit\":\"", totals.unrealizedProfit)
        next(",\"totalMarginBalance\":\"", totals.marginBalance)
        next(",\"totalPositionInitialMargin\":\"", totals.positionInitialMargin)
        next(",\"totalOpenOrderInitialMargin\":\"", totals.openOrderInitialMargin)
        next(",\"totalCrossWalletBalance\":\"", totals.crossWalletBalance)
        next(",\"totalCrossUnPnl\":\"", totals.crossUnPnl)
        next(",\"availableBalance\":\"", totals.availableBalance)
        next(",\"maxWithdrawAmount\":\"", totals.maxWithdrawAmount)
    }

    /// An element of `assets`; V3 shows `marginAvailable` in multi-assets mode only.
    mutating func assetRow(_ row: BinanceAssetRow, showsMargin: Bool) {
        beginObject()
        text("asset", row.asset)
        next(",\"walletBalance\":\"", row.walletBalance)
        next(",\"unrealizedProfit\":\"", row.unrealizedProfit)
        next(",\"marginBalance\":\"", row.marginBalance)
        next(",\"maintMargin\":\"", row.maintMargin)
        next(",\"initialMargin\":\"", row.initialMargin)
        next(",\"positionInitialMargin\":\"", row.positionInitialMargin)
        next(",\"openOrderInitialMargin\":\"", row.openOrderInitialMargin)
        next(",\"crossWalletBalance\":\"", row.crossWalletBalance)
        next(",\"crossUnPnl\":\"", row.crossUnPnl)
        next(",\"availableBalance\":\"", row.availableBalance)
        next(",\"maxWithdrawAmount\":\"", row.maxWithdrawAmount)
        if showsMargin { bool("marginAvailable", row.marginAvailable) }
        integer("updateTime", row.updateTime)
        endObject()
    }

    /// A further member that is an amount, after another member: the comma, the key and the opening quote
    /// come in one piece, because this is most of what an account costs.
    private mutating func next(_ lead: StaticString, _ value: ExactDecimal) {
        lead.withUTF8Buffer { bytes.append(contentsOf: $0) }
        if value.isZero {
            let zero: StaticString = "0.00000000\""
            zero.withUTF8Buffer { bytes.append(contentsOf: $0) }
            return
        }
        value.append(to: &bytes, minimumPlaces: BinanceFigures.places)
        bytes.append(UInt8(ascii: "\""))
    }

    /// An element of V3's `positions`.
    mutating func positionRow(_ row: BinancePositionRow) {
        beginObject()
        text("symbol", row.symbol)
        positionSide(row.side)
        positionAmount(row)
        amount("unrealizedProfit", row.unrealizedProfit)
        bareAmount("isolatedMargin", row.isolatedMargin)
        bareAmount("notional", row.notional)
        bareAmount("isolatedWallet", row.isolatedWallet)
        bareAmount("initialMargin", row.initialMargin)
        bareAmount("maintMargin", row.maintMargin)
        integer("updateTime", row.updateTime)
        endObject()
    }

    mutating func positionSide(_ side: PositionSide) {
        switch side {
        case .net: literal("positionSide", "BOTH")
        case .long: literal("positionSide", "LONG")
        case .short: literal("positionSide", "SHORT")
        }
    }

    /// `positionAmt`: with the symbol's quantity precision, more digits if it has more.
    mutating func positionAmount(_ row: BinancePositionRow) {
        key("positionAmt")
        quoted(row.quantity, minimumPlaces: row.rules.quantityPrecision)
    }
}
