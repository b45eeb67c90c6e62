import JSON
import Ledger
import Numbers
import Venue

/// What an account changes about itself.
extension AccountRequest {
    func change(_ endpoint: Endpoint) async throws -> [UInt8] {
        switch endpoint {
        case .multiAssetsMargin: return try await changeAssetMode()
        case .positionMode: return try await changePositionMode()
        case .leverage: return try await changeLeverage()
        case .feeBurn: return try await set(Setting.feeBurn, requiredFlag("feeBurn"))
        case .marginType: return try await changeMarginType()
        case .positionMargin: return try await changePositionMargin()
        default: throw BinanceError.internalError
        }
    }

    private func changeAssetMode() async throws -> [UInt8] {
        let wanted = try requiredFlag("multiAssetsMargin")
        guard wanted != account.isMultiAssets else { throw BinanceError.sameAssetMode }
        // Credits mode is never anything but multi-assets mode.
        if account.isInCreditsMode { throw BinanceError.invalidData("multiAssetsMargin") }
        var switched = account
        switched.settings[Setting.multiAssets] = .bool(wanted)
        if let problem = try venue.assetModeProblem(switched, account, valuation) { throw problem }
        return try await set(Setting.multiAssets, wanted)
    }

    private func changePositionMode() async throws -> [UInt8] {
        let wanted = try requiredFlag("dualSidePosition")
        guard wanted != venue.isHedged(account) else { throw BinanceError.samePositionMode }
        if let problem = venue.positionModeProblem(account) { throw problem }
        return try await set(Setting.hedge, wanted)
    }

    private func set(_ setting: String, _ value: Bool) async throws -> [UInt8] {
        try await submit(.configure(Settings([(setting, .bool(value))])))
        return Self.success
    }

    private func submit(_ content: Command.Content) async throws(Refusal) {
        try await access.submit(Command(account: account.id, content: content))
    }

    private var valuation: Valuation {
        Valuation(venue: venue, prices: snapshot.prices, time: snapshot.at)
    }

    private func changeLeverage() async throws -> [UInt8] {
        let symbol = try symbol()
        let text = try parameters.required("leverage")
        guard let leverage = try? ExactDecimal(text) else { throw BinanceError.missing("leverage") }
        if let problem = try venue.leverageProblem(leverage, of: symbol.name, account, valuation) {
            throw problem
        }
        if venue.lowersIsolated(leverage, of: symbol.name, account, at: snapshot.at) {
            throw BinanceError.isolatedLeverageReduced
        }
        try await submit(
            .setLeverage(instrument: symbol.name, leverage: leverage, side: nil, marginMode: nil))
        return try JSONWriter.object(reserving: 96) { writer in
            writer.member("leverage", number: leverage)
            writer.member(
                "maxNotionalValue",
                try symbol.maximumNotional(
                    leverage: leverage, account.notionalCoefficient
                ).description)
            writer.member("symbol", symbol.name)
        }
    }

    private func changeMarginType() async throws -> [UInt8] {
        let symbol = try symbol()
        let mode: MarginMode
        switch try parameters.required("marginType") {
        case "ISOLATED": mode = .isolated
        case "CROSSED": mode = .cross
        default: throw BinanceError.invalidData("marginType")
        }
        if mode == (account.marginMode(ofSymbol: symbol.name) ?? .cross) { throw BinanceError.sameMarginType }
        if let problem = venue.marginTypeProblem(mode, of: symbol.name, account) { throw problem }
        try await submit(.setMarginMode(instrument: symbol.name, marginMode: mode))
        return Self.success
    }

    /// Adds margin to an isolated position (`type` 1), or takes some out (2).
    private func changePositionMargin() async throws -> [UInt8] {
        let reading = reading
        let symbol = try reading.symbol()
        let amount = try reading.number("amount")
        let type = try parameters.required("type")
        guard type == "1" || type == "2" else { throw BinanceError.invalidData("type") }
        let side = try reading.positionSide()
        guard amount.isPositive else { throw BinanceError.marginNotPositive }
        if amount.fractionDigits > BinanceFigures.places { throw BinanceError.tooPrecise }
        let positions = account.positions.filter {
            $0.instrument.name == symbol.name && $0.side == (side ?? .net)
        }
        if positions.isEmpty { throw BinanceError.marginWithoutPosition }
        guard positions.contains(where: { $0.marginMode == .isolated }) else {
            throw BinanceError.marginOfCrossPosition
        }
        do {
            try await submit(
                .adjustIsolatedMargin(
                    instrument: symbol.name, amount: type == "1" ? amount : -amount, side: side))
        } catch {
            guard error.code == .insufficientBalance else { throw BinanceError.refused(error) }
            throw type == "1"
                ? BinanceError.crossBalanceInsufficient : BinanceError.isolatedBalanceInsufficient
        }
        return JSONWriter.object(reserving: 128) { writer in
            writer.member("code", 200)
            writer.member("msg", literal: "Successfully modify position margin.")
            writer.member("amount", number: amount)
            writer.member("type", type == "1" ? 1 : 2)
        }
    }

    /// A parameter that must be `true` or `false`, in either case.
    private func requiredFlag(_ name: String) throws(BinanceError) -> Bool {
        guard let flag = try parameters.flag(name) else { throw .missing(name) }
        return flag
    }

    /// `{"code":200,"msg":"success"}`.
    private static let success = Array(#"{"code":200,"msg":"success"}"#.utf8)
}
