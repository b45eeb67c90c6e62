import Binance
import CryptoCom
import JSON
import Ledger
import Numbers
import OKX
import Rails
import Testing
import Venue
import VenueTestSupport

@testable import Desk

/// The equity that the desk reads out of our own answers is what the ledger says the account is worth.
@Suite("Worth")
struct WorthTests {
    /// A kind of account.
    struct Kind: Sendable, CustomTestStringConvertible {
        let venue: String
        let profile: WireProfile
        let settings: String
        /// With how much of each about so many dollars are there.
        let assets: [(name: String, unit: String)]
        /// With a price each.
        let contracts: [(name: String, price: Int)]
        let index: [(name: String, price: String)]
        /// Whether positions can be isolated, and the answers show what these hold.
        let hasIsolated: Bool
        let passphrase: String?

        init(
            _ venue: String, _ profile: WireProfile = .documented, _ settings: String = "{}",
            assets: [(name: String, unit: String)], contracts: [(name: String, price: Int)],
            index: [(name: String, price: String)] = [], isolated: Bool = false, passphrase: String? = nil
        ) {
            self.venue = venue
            self.profile = profile
            self.settings = settings
            self.assets = assets
            self.contracts = contracts
            self.index = index
            hasIsolated = isolated
            self.passphrase = passphrase
        }

        var testDescription: String { "\(venue) \(profile) \(settings)" }
    }

    static let kinds: [Kind] = {
        let dollars = [("USDT", "1"), ("BTC", "0.00001"), ("ETH", "0.0004")]
        let prices = [("USDT", "0.9993"), ("BTC", "61234.5"), ("ETH", "3050.1")]
        let swaps = [("BTC-USDT-SWAP", 60000), ("ETH-USDT-SWAP", 3000), ("BTC-USD-SWAP", 60000)]
        let perpetuals = [("BTCUSD-PERP", 60000), ("ETHUSD-PERP", 3000)]
        let futures = [("BTCUSDT", 60000), ("ETHUSDT", 3000)]
        var kinds = WireProfile.allCases.map { profile in
            Kind(
                "crypto-com", profile, assets: [("USD", "1"), ("CRO", "9")] + dollars, contracts: perpetuals,
                index: prices + [("CRO", "0.1")], isolated: profile == .live)
        }
        kinds += WireProfile.allCases.map { profile in
            Kind(
                "rails", profile, assets: [("USD", "1")], contracts: [("BTC-USD", 60000), ("ETH-USD", 3000)],
                isolated: true)
        }
        for settings in [
            #"{"multi_assets":false}"#, #"{"multi_assets":true}"#, #"{"multi_assets":false,"hedge":true}"#,
            #"{"multi_assets":true,"credits_mode":true}"#,
        ] {
            kinds.append(
                Kind(
                    "binance", .documented, settings, assets: [("USDC", "1"), ("BNB", "0.002")] + dollars,
                    contracts: futures, index: prices + [("USDC", "1.0002"), ("BNB", "600")],
                    isolated: settings.contains("false")))
        }
        for settings in [
            #"{"mode":"spot"}"#, #"{"mode":"spot","spot_borrow":true}"#, #"{"mode":"futures"}"#,
            #"{"mode":"multi"}"#, #"{"mode":"multi","auto_borrow":true}"#, #"{"mode":"portfolio"}"#,
        ] {
            let isSpot = settings.contains("spot")
            // Pairs on margin, too: what they have and owe is in no holding.
            let contracts = isSpot ? [] : swaps + [("BTC-USDT", 60000), ("ETH-USDT", 3000)]
            kinds.append(
                Kind(
                    "okx", .documented, settings, assets: dollars, contracts: contracts, index: prices,
                    isolated: !isSpot, passphrase: "phrase"))
        }
        return kinds
    }()

    @Test(arguments: kinds)
    func equityIsWhatTheAccountIsWorth(kind: Kind) async throws {
        for seed in 1...40 {
            switch kind.venue {
            case "crypto-com":
                try await check(CryptoComVenue(addedRulebooks: [], profile: kind.profile), kind, seed)
            case "rails": try await check(RailsVenue(addedRulebooks: [], profile: kind.profile), kind, seed)
            case "binance":
                try await check(BinanceVenue(addedRulebooks: [], profile: kind.profile), kind, seed)
            default: try await check(OKXVenue(addedRulebooks: [], profile: kind.profile), kind, seed)
            }
        }
    }

    private func check(_ model: some VenueServer & VenueClient, _ kind: Kind, _ seed: Int) async throws {
        let world = TestWorld(model, enforcesRateLimits: false)
        world.addKey(
            account: "desk", apiKey: "key", secret: "secret", passphrase: kind.passphrase)
        try world.apply(
            #"{"type":"open_account","account":"desk","venue":"\#(kind.venue)","settings":\#(kind.settings)}"#
        )
        var chance = Chance(state: UInt64(seed))
        // What an account may not do is left out: the rest is an account all the same.
        for command in Self.commands(kind, &chance) { _ = try? world.apply(command) }
        let account = try #require(world.account("desk"))
        let worth = try Self.worth(of: account, in: try #require(world.snapshot(of: "desk")), by: model)
        let bodies = try await world.recorded(
            Credentials(apiKey: "key", secret: "secret", passphrase: kind.passphrase))
        let statements = try model.statements(from: bodies, account: "desk")
        let read = AccountRead(statements: Array(statements.prefix(1)), bodies: bodies)
        let portfolio = Portfolio([.read(read)], givenPrices: [:], takenAt: 1_780_272_000_000)
        try checkProfit(account, in: world, portfolio, by: model, seed)
        let total = try #require(PortfolioTotals(of: portfolio).totals.first { $0.figure == .equity })
        #expect(total.isWhole, "seed \(seed): \(total.gaps)")
        guard total.isWhole, let equity = total.value else { return }
        // Answers print eight places, and OKX leaves dust below a cent out.
        let slack = try worth.gross.times(ExactDecimal("0.000001"), rounding: .ceiling) + ExactDecimal("0.02")
        #expect(try (equity - worth.net).magnitude <= slack, "seed \(seed): \(equity), not \(worth.net)")
    }

    /// Unrealized profit is that of every position, isolated ones included.
    private func checkProfit(
        _ account: Account, in world: TestWorld<some VenueServer & VenueClient>, _ portfolio: Portfolio,
        by model: some VenueServer, _ seed: Int
    ) throws {
        // What a pair on margin earns is told by fields of its own.
        if account.positions.contains(where: { $0.margin != nil }) { return }
        let total = try #require(
            PortfolioTotals(of: portfolio).totals.first { $0.figure == .unrealizedProfit })
        // Spot mode has no field for it.
        guard total.isWhole, let profit = total.value else {
            #expect(account.positions.isEmpty, "seed \(seed): \(total.gaps)")
            return
        }
        let snapshot = try #require(world.snapshot(of: "desk"))
        let market = model.market(snapshot.prices, at: snapshot.at)
        var earned = ExactDecimal.zero
        var size = ExactDecimal.zero
        for position in account.positions {
            let settle = position.instrument.settle
            let index = try market.requiredIndex(settle)
            let own = try position.unrealized(
                at: market.requiredMark(position.instrument), rounding: .halfEven)
            earned = try earned + own.times(index, rounding: .halfEven)
            size = try size + position.cost.magnitude.times(index, rounding: .halfEven)
        }
        let slack = try size.times(ExactDecimal("0.000001"), rounding: .ceiling) + ExactDecimal("0.02")
        #expect(try (profit - earned).magnitude <= slack, "seed \(seed): \(profit), not \(earned)")
    }

    /// Cash, what strategies hold, isolated wallets and unrealized profit, less loans and interest; and what
    /// all of these are with one sign.
    private static func worth(
        of account: Account, in snapshot: AccountSnapshot, by model: some VenueServer
    ) throws -> (net: ExactDecimal, gross: ExactDecimal) {
        let market = model.market(snapshot.prices, at: snapshot.at)
        var net = ExactDecimal.zero
        var gross = ExactDecimal.zero
        func add(_ amount: ExactDecimal, of asset: String) throws {
            let usd = try amount.times(market.requiredIndex(asset), rounding: .halfEven)
            (net, gross) = (try net + usd, try gross + usd.magnitude)
        }
        for holding in account.holdings {
            try add(
                holding.cash + holding.reserved(for: "strategy") - holding.borrowed - holding.interest,
                of: holding.asset)
        }
        for position in account.positions {
            let mark = try market.requiredMark(position.instrument)
            if position.margin != nil {
                // What it has and owes, in the asset of its margin, at the mark.
                let pair = position.instrument
                let isBase = position.settlementAsset == pair.base
                let (base, quote) = (position.amount(of: pair.base), position.amount(of: pair.quote))
                try add(
                    isBase ? base : base.times(mark, rounding: .halfEven), of: position.settlementAsset)
                try add(
                    isBase ? quote.over(mark, rounding: .halfEven) : quote, of: position.settlementAsset)
                continue
            }
            try add(position.isolatedWallet, of: position.instrument.settle)
            try add(position.unrealized(at: mark, rounding: .halfEven), of: position.instrument.settle)
            // Profits are differences of amounts of this size.
            try add(position.cost.magnitude, of: position.instrument.settle)
            try add(-position.cost.magnitude, of: position.instrument.settle)
        }
        return (net, gross)
    }

    private static func commands(_ kind: Kind, _ chance: inout Chance) -> [String] {
        var commands: [String] = []
        func add(_ type: String, _ members: String) {
            commands.append(#"{"type":"\#(type)","account":"desk",\#(members)}"#)
        }
        func quoted(_ prices: [(name: String, price: String)]) -> String {
            prices.map { #""\#($0.name)":"\#($0.price)""# }.joined(separator: ",")
        }
        let marks = kind.contracts.map { ($0.name, chance.scaled("\($0.price)", 800...1200)) }
        commands.append(
            #"{"type":"prices","venue":"\#(kind.venue)","marks":{\#(quoted(marks))},"#
                + #""index":{\#(quoted(kind.index))}}"#)
        for asset in kind.assets where chance.maybe(0.8) {
            add("deposit", #""asset":"\#(asset.name)","amount":"\#(chance.scaled(asset.unit, 1...90000))""#)
        }
        for contract in kind.contracts {
            let isIsolated = kind.hasIsolated && chance.maybe(0.4)
            let mode = isIsolated ? "isolated" : "cross"
            add("set_margin_mode", #""instrument":"\#(contract.name)","margin_mode":"\#(mode)""#)
            for _ in 0..<chance.number(0...4) {
                let side = chance.maybe(0.6) ? "buy" : "sell"
                let size = contract.name.contains("SWAP") ? "1" : chance.scaled("0.001", 1...40)
                add(
                    "fill",
                    #""instrument":"\#(contract.name)","side":"\#(side)","quantity":"\#(size)","price":"#
                        + #""\#(chance.scaled("\(contract.price)", 900...1100))","fee":"0.5","#
                        + #""margin_mode":"\#(mode)""#)
            }
            if chance.maybe(0.3) {
                add("funding", #""instrument":"\#(contract.name)","rate":"0.0003""#)
            }
            if chance.maybe(0.3) {
                add(
                    "place_order",
                    #""order_id":"o\#(contract.name)","instrument":"\#(contract.name)","side":"buy","#
                        + #""quantity":"1","price":"\#(contract.price)","margin_mode":"\#(mode)""#)
            }
        }
        if kind.venue == "crypto-com" {
            add(
                "place_order",
                #""order_id":"s1","instrument":"CRO_USD","side":"buy","quantity":"100","price":"0.11""#)
            add(
                "place_order",
                #""order_id":"s2","instrument":"BTC_USD","side":"sell","quantity":"0.00001","price":"70000""#)
        }
        for asset in kind.assets where chance.maybe(0.3) {
            let purpose = chance.maybe(0.5) ? "strategy" : "reserved"
            add("reserve", #""asset":"\#(asset.name)","amount":"\#(asset.unit)","purpose":"\#(purpose)""#)
            add("borrow", #""asset":"\#(asset.name)","amount":"\#(asset.unit)""#)
            add("accrue_interest", #""asset":"\#(asset.name)","amount":"\#(asset.unit)""#)
        }
        return commands
    }
}

/// Whole numbers that are the same for a seed.
private struct Chance {
    var state: UInt64

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return range.lowerBound + Int((state >> 33) % UInt64(range.count))
    }

    mutating func maybe(_ share: Double) -> Bool { Double(number(0...9999)) < share * 10000 }

    /// A unit times a number of thousandths (of prices) or of units.
    mutating func scaled(_ unit: String, _ range: ClosedRange<Int>) -> String {
        let factor = ExactDecimal(number(range))
        guard let unit = try? ExactDecimal(unit), let product = try? unit.times(factor, rounding: .halfEven)
        else { return "1" }
        let isPrice = range.upperBound <= 1200 && range.lowerBound >= 800
        return
            (isPrice ? try? product.over(ExactDecimal(1000), rounding: .halfEven) : product)?.description
            ?? "1"
    }
}
