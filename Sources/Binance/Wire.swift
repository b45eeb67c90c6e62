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
        amount("totalInitialMargin", totals.initialMargin)
        amount("totalMaintMargin", totals.maintMargin)
        amount("totalWalletBalance", totals.walletBalance)
        amount("totalUnrealizedProfit", totals.unrealizedProfit)
        amount("totalMarginBalance", totals.marginBalance)
        amount("totalPositionInitialMargin", totals.positionInitialMargin)
        amount("totalOpenOrderInitialMargin", totals.openOrderInitialMargin)
        amount("totalCrossWalletBalance", totals.crossWalletBalance)
        amount("totalCrossUnPnl", totals.crossUnPnl)
        amount("availableBalance", totals.availableBalance)
        amount("maxWithdrawAmount", totals.maxWithdrawAmount)
    }

    /// An element of `assets`; V3 shows `marginAvailable` in multi-assets mode only.
    mutating func assetRow(_ row: BinanceAssetRow, showsMargin: Bool) {
        beginObject()
        text("asset", row.asset)
        amount("walletBalance", row.walletBalance)
        amount("unrealizedProfit", row.unrealizedProfit)
        amount("marginBalance", row.marginBalance)
        amount("maintMargin", row.maintMargin)
        amount("initialMargin", row.initialMargin)
        amount("positionInitialMargin", row.positionInitialMargin)
        amount("openOrderInitialMargin", row.openOrderInitialMargin)
        amount("crossWalletBalance", row.crossWalletBalance)
        amount("crossUnPnl", row.crossUnPnl)
        amount("availableBalance", row.availableBalance)
        amount("maxWithdrawAmount", row.maxWithdrawAmount)
        if showsMargin { bool("marginAvailable", row.marginAvailable) }
        integer("updateTime", row.updateTime)
        endObject()
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
