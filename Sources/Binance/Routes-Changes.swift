import JSON
import Ledger
import Numbers
import Venue

/// What an account changes about itself.
extension BinanceVenue {
    func change(
        _ endpoint: Endpoint, _ snapshot: AccountSnapshot, _ parameters: Parameters, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        switch endpoint {
        case .multiAssetsMargin: return try await changeAssetMode(snapshot, parameters, access)
        case .positionMode: return try await changePositionMode(snapshot, parameters, access)
        case .leverage: return try await changeLeverage(snapshot, parameters, access)
        case .feeBurn:
            let wanted = try Self.flag("feeBurn", parameters)
            return try await set(Setting.feeBurn, wanted, snapshot, access)
        case .marginType: return try await changeMarginType(snapshot, parameters, access)
        case .positionMargin: return try await changePositionMargin(snapshot, parameters, access)
        default: throw BinanceError.internalError
        }
    }

    private func changeAssetMode(
        _ snapshot: AccountSnapshot, _ parameters: Parameters, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let wanted = try Self.flag("multiAssetsMargin", parameters)
        let account = snapshot.account
        guard wanted != account.isMultiAssets else { throw BinanceError.sameAssetMode }
        // Credits mode is never anything but multi-assets mode.
        if account.isInCreditsMode { throw BinanceError.invalidData("multiAssetsMargin") }
        let market = Valuation(venue: self, prices: snapshot.prices, time: snapshot.at)
        var switched = account
        switched.settings[Setting.multiAssets] = .bool(wanted)
        if let problem = try assetModeProblem(switched, account, market) { throw problem }
        return try await set(Setting.multiAssets, wanted, snapshot, access)
    }

    private func changePositionMode(
        _ snapshot: AccountSnapshot, _ parameters: Parameters, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let wanted = try Self.flag("dualSidePosition", parameters)
        let account = snapshot.account
        guard wanted != isHedged(account) else { throw BinanceError.samePositionMode }
        if let problem = positionModeProblem(account) { throw problem }
        return try await set(Setting.hedge, wanted, snapshot, access)
    }

    private func set(
        _ setting: String, _ value: Bool, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let settings = Settings([(setting, .bool(value))])
        try await access.submit(Command(account: snapshot.account.id, content: .configure(settings)))
        return Self.success
    }

    private func changeLeverage(
        _ snapshot: AccountSnapshot, _ parameters: Parameters, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let account = snapshot.account
        let symbol = try parameters.symbol(rules(at: snapshot.at))
        let text = try parameters.required("leverage")
        guard let leverage = try? ExactDecimal(text) else { throw BinanceError.missing("leverage") }
        let market = Valuation(venue: self, prices: snapshot.prices, time: snapshot.at)
        if let problem = try leverageProblem(leverage, of: symbol.name, account, market) { throw problem }
        if lowersIsolated(leverage, of: symbol.name, account, at: snapshot.at) {
            throw BinanceError.isolatedLeverageReduced
        }
        try await access.submit(
            Command(
                account: account.id,
                content: .setLeverage(
                    instrument: symbol.name, leverage: leverage, side: nil, marginMode: nil)))
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

    private func changeMarginType(
        _ snapshot: AccountSnapshot, _ parameters: Parameters, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let account = snapshot.account
        let symbol = try OrderReading(parameters, snapshot, self).symbol()
        let mode: MarginMode
        switch try parameters.required("marginType") {
        case "ISOLATED": mode = .isolated
        case "CROSSED": mode = .cross
        default: throw BinanceError.invalidData("marginType")
        }
        if mode == (account.marginMode(ofSymbol: symbol.name) ?? .cross) { throw BinanceError.sameMarginType }
        if let problem = marginTypeProblem(mode, of: symbol.name, account) { throw problem }
        try await access.submit(
            Command(
                account: account.id, content: .setMarginMode(instrument: symbol.name, marginMode: mode)))
        return Self.success
    }

    /// Adds margin to an isolated position (`type` 1), or takes some out (2).
    private func changePositionMargin(
        _ snapshot: AccountSnapshot, _ parameters: Parameters, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let account = snapshot.account
        let reading = OrderReading(parameters, snapshot, self)
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
            try await access.submit(
                Command(
                    account: account.id,
                    content: .adjustIsolatedMargin(
                        instrument: symbol.name, amount: type == "1" ? amount : -amount, side: side)))
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
    private static func flag(_ name: String, _ parameters: Parameters) throws(BinanceError) -> Bool {
        guard let flag = try parameters.flag(name) else { throw .missing(name) }
        return flag
    }

    /// `{"code":200,"msg":"success"}`.
    private static let success = Array(#"{"code":200,"msg":"success"}"#.utf8)
}
