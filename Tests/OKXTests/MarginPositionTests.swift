import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// Spot pairs on margin: positions that have one asset of the pair and owe the other.
@Suite("Margin positions")
struct MarginPositionTests {
    private func ready(_ mode: String, leverage: String = "5") throws -> TestWorld<OKXVenue> {
        let world = try world()
        world.addKey(account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase")
        try world.open("desk", #"{"mode":"\#(mode)"}"#)
        try world.prices(
            marks: #"{"BTC-USDT":"62891.9"}"#, index: #"{"BTC":"62886.3","USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"0.01""#),
            ("deposit", #""asset":"USDT","amount":"1000""#),
            ("set_leverage", #""instrument":"BTC-USDT","leverage":"\#(leverage)""#))
        return world
    }

    private func row(_ world: TestWorld<OKXVenue>) async throws -> JSONValue? {
        try await world.data("GET", "/api/v5/account/positions?instType=MARGIN").first
    }

    /// Figures come out of what their explanations list, and nothing is created or lost.
    private func isSound(_ world: TestWorld<OKXVenue>, _ comment: Comment = "") throws {
        #expect(try !world.explanations("desk").isEmpty, comment)
        let account = try #require(world.account("desk"))
        let missing = try account.imbalances()
        #expect(missing.isEmpty, "\(missing) \(comment)")
    }

    private static let sample = #"""
        "instrument":"BTC-USDT","quantity":"0.00190433573","entry_price":"62961.4",\#
        "margin_mode":"isolated","isolated_wallet":"0.000317654","leverage":"5",\#
        "liability":"99.9998177776581948"
        """#

    @Test("the documentation's sample, digit by digit", arguments: ["futures", "multi", "portfolio"])
    func documentedSample(mode: String) async throws {
        let world = try ready(mode)
        try world.run("desk", ("import_position", Self.sample))
        expect(
            try await row(world),
            [
                "availPos": "0.00190433573", "avgPx": "62961.4", "bePx": "", "ccy": "BTC", "fee": "",
                "fundingFee": "", "hedgedPos": "", "imr": "", "instId": "BTC-USDT", "instType": "MARGIN",
                "interest": "0", "lever": "5", "liab": "-99.9998177776581948", "liabCcy": "USDT",
                "liqPenalty": "", "liqPx": "53615.44833659376", "margin": "0.000317654",
                "markPx": "62891.9", "maxSpotInUseAmt": "", "mgnMode": "isolated",
                "mgnRatio": "9.4041439299473973", "mmr": "0.0000318005395854",
                "notionalUsd": "119.756628017499", "pendingCloseOrdLiabVal": "0", "pnl": "",
                "pos": "0.00190433573", "posCcy": "BTC", "posSide": "net", "realizedPnl": "",
                "upl": "-0.0000033452492717", "uplRatio": "-0.0105311101755552", "usdPx": "",
            ])
        let account = try world.balance("desk")
        expect(
            account.detail("BTC"),
            [
                "cashBal": "0.01", "isoEq": "0.0003143087507283", "isoUpl": "-0.0000033452492717",
                "upl": "-0.0000033452492717", "eq": "0.0103143087507283",
            ])
        if mode != "futures" {
            expect(
                account.detail("USDT"),
                [
                    "eq": "1000", "isoLiab": "99.9998177776581948", "liab": "99.9998177776581948",
                    "crossLiab": "0", "borrowFroz": "0",
                ])
            expect(account, ["notionalUsd": "0", "imr": "0", "mmr": "0"])
        }
        let explained = try world.explanations("desk")
        let price = explained.first { $0.path == "positions.BTC-USDT.net.isolated.liqPx" }
        #expect(price?.value == "53615.44833659376")
        try isSound(world)
    }

    @Test("a fill takes what it buys and owes what it pays; interest is owed; repaying closes it")
    func isolatedLong() async throws {
        let world = try ready("futures")
        let pair = #""instrument":"BTC-USDT","margin_mode":"isolated""#
        try world.run(
            "desk",
            (
                "fill",
                pair + #","side":"buy","quantity":"0.00158827","price":"62961.4","fee":"0.00000158827","#
                    + #""fee_asset":"BTC""#
            ))
        expect(
            try await row(world),
            [
                "pos": "0.00190433573", "margin": "0.000317654", "avgPx": "62961.4",
                "liab": "-99.999702778", "lever": "5",
            ])
        expect(try world.balance("desk").detail("BTC"), ["cashBal": "0.009682346"])
        try isSound(world)
        try world.run("desk", ("accrue_interest", pair + #","asset":"USDT","amount":"0.0001149996581948""#))
        expect(try await row(world), ["liab": "-99.9998177776581948", "liqPx": "53615.44833659376"])
        try world.run("desk", ("accrue_interest", pair + #","asset":"USDT","hours":2"#))
        // 99.9998177776581948 × 0.00043728 ÷ 24 = 0.0018219966799089…, up; then on that too.
        expect(try await row(world), ["liab": "-100.0034618042147923"])
        try isSound(world)
        // Selling a part pays its value back, selling enough closes it and returns the rest.
        try world.run(
            "desk", ("fill", pair + #","side":"sell","quantity":"0.0005","price":"63000","fee":"0.0315""#))
        expect(try await row(world), ["pos": "0.00140433573", "liab": "-68.5349618042147923"])
        try isSound(world)
        let more = pair + #","side":"sell","quantity":"0.0015","price":"63000""#
        #expect(try refusal(world, "fill", more)?.code == .noPosition)
        try world.run("desk", ("fill", pair + #","side":"sell","quantity":"0.0011","price":"63000""#))
        #expect(try await row(world) == nil)
        expect(
            try world.balance("desk").detail("USDT"), ["cashBal": "1000.7650381957852077", "isoEq": "0"])
        expect(try world.balance("desk").detail("BTC"), ["cashBal": "0.00998668173"])
        try isSound(world)
    }

    @Test("an isolated short has the quote and owes the base")
    func isolatedShort() async throws {
        let world = try ready("multi", leverage: "4")
        let pair = #""instrument":"BTC-USDT","margin_mode":"isolated""#
        try world.run(
            "desk",
            ("fill", pair + #","side":"sell","quantity":"0.01","price":"62000","fee":"0.62""#))
        // 620 less the fee, and a margin of 155; owed 0.01 at 62891.9; 774.38 ÷ (0.01 × 1.02102).
        expect(
            try await row(world),
            [
                "pos": "774.38", "posCcy": "USDT", "ccy": "USDT", "margin": "155", "liab": "-0.01",
                "liabCcy": "BTC", "upl": "-9.539", "mmr": "12.57838", "liqPx": "75843.7640790582",
                "mgnRatio": "11.0032034200305117", "notionalUsd": "774.38",
            ])
        expect(try world.balance("desk").detail("BTC"), ["isoLiab": "0.01", "liab": "0.01"])
        try isSound(world)
        try world.run(
            "desk", ("adjust_isolated_margin", #""instrument":"BTC-USDT","amount":"45""#),
            ("fill", pair + #","side":"buy","quantity":"0.01","price":"64000""#))
        #expect(try await row(world) == nil)
        // 1000 − 155 − 45 + 819.38 − 640.
        expect(try world.balance("desk").detail("USDT"), ["cashBal": "979.38"])
        try isSound(world)
    }

    @Test("a short can pay out what it has and no more; repaying all of it may take from cash")
    func shortBeyondItsMeans() async throws {
        for mode in [#""isolated""#, #""cross""#] {
            let world = try ready("futures", leverage: "4")
            let pair = #""instrument":"BTC-USDT","margin_mode":\#(mode)"#
            try world.run("desk", ("fill", pair + #","side":"sell","quantity":"0.01","price":"62000""#))
            // It has 620 and, isolated, 155 more; 0.009 at 90000 are 810.
            let much = pair + #","side":"buy","quantity":"0.009","price":"90000""#
            #expect(try refusal(world, "fill", much)?.code == .noPosition)
            try isSound(world)
            // A fee out of the position counts too.
            let fee = pair + #","side":"buy","quantity":"0.001","price":"62000","fee":"720""#
            #expect(try refusal(world, "fill", fee)?.code == .noPosition)
            expect(try await row(world), ["pos": mode.contains("cross") ? "620" : "775", "liab": "-0.01"])
            let shown = try #require(try await row(world)?.text("notionalUsd"))
            #expect(try decimal(shown).isPositive)
            // All of it at a loss beyond what it had: the rest is paid out of cash.
            try world.run(
                "desk", ("fill", pair + #","side":"buy","quantity":"0.01","price":"90000""#))
            #expect(try await row(world) == nil)
            expect(try world.balance("desk").detail("USDT"), ["cashBal": "720", "isoEq": "0"])
            expect(try world.balance("desk").detail("BTC"), ["cashBal": "0.01"])
            try isSound(world)
            // One that has nothing left is closed with what it owes.
            try world.run("desk", ("fill", pair + #","side":"sell","quantity":"0.01","price":"62000""#))
            let all = mode.contains("cross") ? "77500" : "96875"
            try world.run(
                "desk", ("fill", pair + #","side":"buy","quantity":"0.008","price":"\#(all)""#))
            #expect(try await row(world) == nil)
            expect(try world.balance("desk").detail("BTC"), ["cashBal": "0.008"])
            try isSound(world)
        }
    }

    @Test(
        "cross margin in futures mode, in either currency of the pair",
        arguments: [
            // side, currency, upl, imr, mmr
            ("buy", "USDT", "8.919", "125.7838", "12.4"),
            ("buy", "BTC", "0.0001418147646994", "0.002", "0.0001971637047060"),
            ("sell", "USDT", "-8.919", "125.7838", "12.57838"),
            ("sell", "BTC", "-0.0001418147646994", "0.002", "0.0002"),
        ])
    func crossMargin(
        side: String, currency: String, profit: String, initial: String, maintenance: String
    ) async throws {
        let world = try ready("futures")
        try world.run(
            "desk",
            (
                "fill",
                #""instrument":"BTC-USDT","margin_mode":"cross","margin_asset":"\#(currency)","#
                    + #""side":"\#(side)","quantity":"0.01","price":"62000""#
            ))
        let isLong = side == "buy"
        let shown = try await row(world)
        let mmr = try ExactDecimal(maintenance).description
        expect(
            shown,
            [
                "pos": isLong ? "0.01" : "620", "posCcy": isLong ? "BTC" : "USDT", "ccy": currency,
                "liab": isLong ? "-620" : "-0.01", "upl": profit, "imr": initial, "mmr": mmr, "margin": "",
            ])
        let detail = try world.balance("desk").detail(currency)
        expect(
            detail,
            ["upl": profit, "imr": initial, "mmr": mmr, "cashBal": currency == "BTC" ? "0.01" : "1000"])
        #expect(detail?.text("mgnRatio") == shown?.text("mgnRatio"))
        try isSound(world)
        try world.run(
            "desk",
            (
                "fill",
                #""instrument":"BTC-USDT","margin_mode":"cross","side":"\#(isLong ? "sell" : "buy")","#
                    + #""quantity":"0.01","price":"63000""#
            ))
        #expect(try await row(world) == nil)
        expect(try world.balance("desk").detail("USDT"), ["cashBal": isLong ? "1010" : "990"])
        expect(try world.balance("desk").detail("BTC"), ["cashBal": "0.01"])
        try isSound(world)
    }

    @Test("where a pair is not traded on margin, and what does not fit")
    func refusals() throws {
        let fill = #""instrument":"BTC-USDT","side":"buy","quantity":"0.01","price":"62000""#
        let spot = try world()
        try spot.open("desk", #"{"mode":"spot"}"#)
        #expect(try refusal(spot, "fill", fill + #","margin_mode":"isolated""#)?.code == .notAllowed)
        #expect(try refusal(spot, "import_position", Self.sample)?.code == .invalidField)
        // A cross trade in a mode that shares collateral is an exchange, as at the venue.
        let multi = try ready("multi")
        try multi.run("desk", ("fill", fill + #","margin_mode":"cross""#))
        #expect(multi.account("desk")?.positions.isEmpty == true)
        #expect(
            try refusal(multi, "fill", fill + #","margin_mode":"cross","margin_asset":"BTC""#)?.code
                == .notAllowed)
        let futures = try ready("futures")
        try futures.run("desk", ("fill", fill))
        #expect(futures.account("desk")?.positions.isEmpty == true)
        for (members, code) in [
            (#","margin_mode":"isolated","margin_asset":"USDT""#, Refusal.Code.invalidField),
            (#","margin_mode":"cross","margin_asset":"ETH""#, .invalidField),
            (#","margin_asset":"BTC""#, .invalidField),
        ] {
            #expect(try refusal(futures, "fill", fill + members)?.code == code, "\(members)")
        }
        #expect(
            try refusal(
                futures, "set_leverage", #""instrument":"BTC-USDT","leverage":"11""#)?.field == "leverage")
        #expect(
            try refusal(
                futures, "accrue_interest", #""asset":"USDT","instrument":"BTC-USDT","amount":"1""#)?.code
                == .invalidField)
        #expect(
            try refusal(
                futures, "import_position",
                #""instrument":"BTC-USD","quantity":"1","entry_price":"60000""#)?.code == .invalidField)
    }

    @Test("what the journal keeps reads back as it was")
    func journal() throws {
        let world = try ready("futures")
        try world.run("desk", ("import_position", Self.sample))
        try world.run(
            "desk",
            (
                "accrue_interest",
                #""instrument":"BTC-USDT","asset":"USDT","amount":"0.5""#
            ),
            (
                "fill",
                #""instrument":"BTC-USDT","side":"sell","quantity":"0.0001","price":"62000","#
                    + #""margin_mode":"isolated""#
            ))
        var instruments = InstrumentTable()
        var copy: Account?
        for event in world.events(after: 0) {
            var bytes: [UInt8] = []
            event.appendBody(to: &bytes)
            let read = try Event(
                sequence: event.sequence, at: event.at, account: event.account, typeName: event.typeName,
                body: JSONValue(parsing: bytes), instruments: instruments)
            #expect(read == event)
            if case .instrumentDefined(let definition) = read.body {
                instruments.define(definition.instrument)
            }
            if case .accountOpened(let opening) = read.body {
                copy = Account(
                    id: "desk", venue: opening.venue, parent: nil, conventions: opening.conventions,
                    settings: opening.settings, openedAt: read.at)
            } else if read.account == "desk" {
                try copy?.apply(read)
            }
        }
        let account = try #require(world.account("desk"))
        #expect(copy?.positions == account.positions && copy?.holdings == account.holdings)
        var bytes: [UInt8] = []
        account.append(to: &bytes)
        #expect(try Account(decoding: JSONValue(parsing: bytes), instruments: instruments) == account)
    }

    @Test("tiers, instruments and the risk row of margin positions")
    func neighbours() async throws {
        let world = try ready("futures")
        try world.run("desk", ("import_position", Self.sample))
        let tiers = try await world.publicData(
            "/api/v5/public/position-tiers?instType=MARGIN&tdMode=isolated&instId=BTC-USDT")
        expect(
            tiers.first,
            [
                "baseMaxLoan": "50", "quoteMaxLoan": "500000", "mmr": "0.02", "imr": "0.1", "maxLever": "10",
                "instId": "BTC-USDT",
            ])
        let pairs = try await world.publicData("/api/v5/public/instruments?instType=MARGIN&instId=BTC-USDT")
        expect(pairs.first, ["instType": "MARGIN", "lever": "10", "baseCcy": "BTC"])
        let risk = try await world.data("GET", "/api/v5/account/account-position-risk")
        expect(
            risk.first?["posData"]?.elements?.first,
            ["instType": "MARGIN", "posCcy": "BTC", "pos": "0.00190433573"])
        #expect(try await world.data("GET", "/api/v5/account/positions?instType=SWAP").isEmpty)
    }
}
