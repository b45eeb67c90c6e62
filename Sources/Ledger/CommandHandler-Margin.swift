import Numbers

/// Spot pairs on margin, on their way to becoming events.
extension CommandHandler {
    /// The asset of the margin of a fill that opens, changes or closes a position of a spot pair: where a
    /// margin mode is asked for, and the venue trades the pair on margin in this account. Nil for every other
    /// fill.
    func marginAsset(
        _ request: FillRequest, of order: OpenOrder?, _ key: PositionKey
    ) throws(Refusal) -> String? {
        if let order, let asset = try marginAsset(of: order, key) { return asset }
        let isPair = !key.instrument.kind.isDerivative
        guard isPair, request.marginMode != nil, request.orderID == nil else {
            if request.marginAsset == nil { return nil }
            throw Refusal(
                .invalidField, "margin_asset goes with the margin_mode of a fill of a spot pair.",
                field: "margin_asset")
        }
        return try marginAsset(key, request.side, wanted: request.marginAsset)
    }

    /// The asset of the margin of a fill of an order; nil where the order is not on margin.
    func marginAsset(of order: OpenOrder, _ key: PositionKey) throws(Refusal) -> String? {
        guard let wanted = order.terms?.marginAsset else { return nil }
        // An isolated position's margin is in what it has, which is not what it was when the order was placed
        // where the position has turned around since.
        let asset = try marginAsset(key, order.side, wanted: key.marginMode == .cross ? wanted : nil)
        guard let asset else {
            throw Refusal(
                .notAllowed, "\(key.instrument.name) is not traded on margin any more.", field: "instrument")
        }
        return asset
    }

    private func marginAsset(
        _ key: PositionKey, _ side: Side, wanted: String?
    ) throws(Refusal) -> String? {
        let held = account.place(of: key).map { account.positions[$0] }
        let asset = try judge.marginAsset(
            of: key.instrument, isLong: held?.isLong ?? (side == .buy),
            marginMode: key.marginMode, wanted: wanted ?? held?.margin?.asset, in: account, at: time)
        if let asset, let other = held?.margin?.asset, asset != other {
            throw Refusal(
                .invalidField, "The position in \(key.instrument.name) has its margin in \(other).",
                field: "margin_asset")
        }
        return asset
    }

    /// A margin position with what it has and owes.
    mutating func importedOnMargin(
        _ request: ImportRequest, _ pair: Instrument
    ) throws(Refusal) -> ImportedPosition {
        if request.quantity.isZero {
            throw Refusal(.invalidAmount, "quantity must not be zero.", field: "quantity")
        }
        try requirePositive(request.entryPrice, field: "entry_price")
        if let leverage = request.leverage, leverage < .one {
            throw Refusal(.invalidAmount, "leverage must be at least 1.", field: "leverage")
        }
        let key = PositionKey(
            instrument: pair, side: .net,
            marginMode: request.marginMode ?? judge.defaultMarginMode(of: pair, in: account))
        let isLong = request.quantity.isPositive
        let asset = try judge.marginAsset(
            of: pair, isLong: isLong, marginMode: key.marginMode, wanted: request.marginAsset, in: account,
            at: time)
        guard let asset else {
            _ = try derivative(pair.name)
            throw Refusal.unknown(instrument: pair.name, judge, at: time)
        }
        if let side = request.positionSide, side != .net {
            throw Refusal(
                .invalidField, "A margin position has no position_side; a short one has a negative quantity.",
                field: "position_side")
        }
        if account.place(of: key) != nil {
            throw Refusal(
                .notAllowed, "Account \(account.id) already has this position in \(pair.name).",
                field: "instrument")
        }
        let wallet = try marginWallet(request, key)
        let liability = try liability(request, wallet, isLong: isLong)
        return ImportedPosition(
            position: key, quantity: request.quantity, entryPrice: request.entryPrice,
            isolatedWallet: wallet, leverage: request.leverage,
            margin: ImportedMargin(asset: asset, liability: liability))
    }

    /// How much of what an imported position has is margin: as given, else what was bought ÷ leverage.
    private func marginWallet(
        _ request: ImportRequest, _ key: PositionKey
    ) throws(Refusal) -> ExactDecimal {
        guard key.marginMode == .isolated else {
            guard request.isolatedWallet == nil else {
                throw Refusal(
                    .invalidField, "isolated_wallet goes with margin_mode isolated.",
                    field: "isolated_wallet")
            }
            return .zero
        }
        let held = request.quantity.magnitude
        if let wallet = request.isolatedWallet {
            guard !wallet.isNegative, wallet < held else {
                throw Refusal(
                    .invalidAmount, "isolated_wallet must be within 0 and quantity, which it is part of.",
                    field: "isolated_wallet")
            }
            return wallet
        }
        // What is held is what was bought and its margin: held = bought × (1 + 1 ÷ leverage).
        let divisor = request.leverage ?? leverage(key)
        return try checked { () throws(NumberError) in
            try held.over(divisor + .one, rounding: .halfEven)
        }
    }

    /// What an imported position owes: as given, else what was bought or sold without its margin, at the
    /// entry price.
    private func liability(
        _ request: ImportRequest, _ wallet: ExactDecimal, isLong: Bool
    ) throws(Refusal) -> ExactDecimal {
        if let liability = request.liability {
            try requirePositive(liability, field: "liability")
            return liability
        }
        let owed = try checked { () throws(NumberError) in
            let traded = try request.quantity.magnitude - wallet
            return isLong
                ? try traded.times(request.entryPrice, rounding: .halfEven)
                : try traded.over(request.entryPrice, rounding: .halfEven)
        }
        guard owed.isPositive else {
            throw Refusal(.invalidAmount, "The position owes nothing, to 18 places.", field: "quantity")
        }
        return owed
    }

    /// Interest of the margin position that is meant.
    mutating func marginInterest(_ request: MarginInterestRequest) throws(Refusal) -> EventBody {
        let pair = try positioned(request.instrument)
        let found = account.positions.filter {
            $0.margin != nil && $0.instrument.name == pair.name
                && (request.marginMode ?? $0.marginMode) == $0.marginMode
        }
        guard found.count == 1, let position = found.first, let liability = position.liability else {
            throw Refusal(
                .noPosition,
                "Account \(account.id) has \(found.isEmpty ? "no" : "more than one") such margin position in "
                    + "\(pair.name).", field: found.isEmpty ? "instrument" : "margin_mode")
        }
        guard liability.asset == request.asset else {
            throw Refusal(
                .invalidField, "The position in \(pair.name) owes \(liability.asset).", field: "asset")
        }
        switch request.measure {
        case .amount(let amount):
            try requirePositive(amount, field: "amount")
            return .marginInterestAccrued(position: position.key, amount: amount)
        case .hours(let hours):
            try requireHours(hours)
            let amount = try judge.marginInterest(on: position, hours: Int(hours), at: time)
            guard amount.isPositive else {
                throw Refusal(
                    .invalidField, "The position in \(pair.name) bears no interest.", field: "asset")
            }
            return .marginInterestAccrued(position: position.key, amount: amount)
        }
    }
}
