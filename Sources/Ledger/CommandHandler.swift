import JSON
import Numbers

/// A command on its way to becoming events: looks names up, checks what needs no venue, and works amounts
/// out.
///
/// It holds copies of the few parts of the ledger that it reads, never the ledger itself: a second reference
/// to the table of accounts would have the whole table copied at the next change.
public struct CommandHandler {
    /// The account as it is before the command.
    public private(set) var account: Account
    /// The other account of a transfer, if there is one of that name.
    let receiver: Account?
    /// The account's venue.
    public let judge: any VenueJudge
    /// When it happens.
    public let time: LedgerTime
    /// The venue's latest prices.
    public let prices: VenuePrices
    private let instruments: InstrumentTable
    private let lastSequence: Int64
    /// Terms of instruments that this command is the first to use.
    private(set) var definitions: [Instrument] = []

    /// The sequence that the command's first event of the account will have.
    var nextSequence: Int64 { lastSequence + Int64(definitions.count) + 1 }

    /// More open orders than any venue allows in one account.
    static let maximumOrders = 10_000

    init(
        of command: Command, account: Account, judge: any VenueJudge, time: LedgerTime, in state: LedgerState
    ) {
        self.account = account
        self.judge = judge
        self.time = time
        if case .transfer(let to, _, _, _) = command.content {
            receiver = state.account(to)
        } else {
            receiver = nil
        }
        prices = state.prices(of: account.venue)
        instruments = state.instrumentTable
        lastSequence = state.lastSequence
    }

    /// Has what follows find a leverage set.
    public mutating func set(_ leverage: LeverageSetting) { account.apply(leverage) }

    /// The events that the command comes to, in their order.
    package mutating func bodies(of content: Command.Content) throws(Refusal) -> [EventBody] {
        switch content {
        case .openAccount, .prices, .quotes, .fundingOfMarket, .passing: return []
        case .trade:
            throw Refusal(.notAllowed, "Orders of the venue's clients are the exchange's.", field: "type")
        case .configure(let changes): return [.configured(try settings(changing: changes))]
        case .placeOrder(let request): return [.orderPlaced(try order(request))]
        case .cancelOrder(let orderID):
            return [.orderCancelled(orderID: try openOrder(orderID).id)]
        case .fill(let request): return [.filled(try fill(request))]
        case .importPosition(let request): return [.positionImported(try imported(request))]
        case .setLeverage(let name, let leverage, let side, let marginMode):
            let instrument = try leveraged(name, marginMode ?? .isolated)
            guard leverage >= .one else {
                throw Refusal(.invalidAmount, "leverage must be at least 1.", field: "leverage")
            }
            return [
                .leverageSet(
                    LeverageSetting(
                        instrument: instrument.name, side: side, marginMode: marginMode, leverage: leverage))
            ]
        case .setMarginMode(let name, let mode): return [try marginModeSet(name, mode)]
        case .adjustIsolatedMargin(let name, let amount, let side):
            return [try isolatedMargin(name, amount, side)]
        case .funding(let request): return try funding(request)
        case .settle(let name): return [try settlement(name)]
        case .accrueMarginInterest(let request): return [try marginInterest(request)]
        case .autoExchange(let afterLiquidation): return try autoExchanges(afterLiquidation)
        case .raise(let flag, let asset, let value): return [try overridden(flag, asset, value)]
        default: return [try money(content)]
        }
    }

    private func overridden(_ flag: String, _ asset: String?, _ value: JSONValue) throws(Refusal) -> EventBody
    {
        try requireLabel(flag, field: "flag")
        if let asset { try require(asset: asset) }
        switch value {
        case .array, .object:
            throw Refusal(
                .invalidField, "value must be a text, a number, true, false or null.", field: "value")
        case .string(let text) where !text.isEmpty: try requireLabel(text, field: "value")
        case .number(let text): try requireLabel(text, field: "value")
        default: break
        }
        return .overridden(flag: flag, asset: asset, value: value == .null ? nil : value)
    }

    // MARK: - Money

    private func money(_ content: Command.Content) throws(Refusal) -> EventBody {
        switch content {
        case .deposit(let asset, let amount):
            try require(asset: asset, amount: amount, placesLimited: true)
            return .deposited(asset: asset, amount: amount)
        case .withdraw(let asset, let amount, let fee, _):
            try require(asset: asset, amount: amount, placesLimited: true)
            if fee.isNegative { throw Refusal(.invalidAmount, "fee must not be negative.", field: "fee") }
            try requirePlaces(fee, field: "fee")
            return .withdrawn(asset: asset, amount: amount, fee: fee)
        case .transfer(let receiver, let asset, let amount, _):
            try require(asset: asset, amount: amount, placesLimited: true)
            try checkFamily(receiver)
            return .transferred(to: receiver, asset: asset, amount: amount)
        case .borrow(let asset, let amount):
            try require(asset: asset, amount: amount)
            return .borrowed(asset: asset, amount: amount)
        case .repay(let asset, let amount):
            try require(asset: asset, amount: amount)
            try checkDebt(asset, amount)
            return .repaid(asset: asset, amount: amount)
        case .accrueInterest(let asset, let amount):
            try require(asset: asset, amount: amount)
            return .interestAccrued(asset: asset, amount: amount)
        case .accrueHourlyInterest(let asset, let hours):
            return .interestAccrued(asset: asset, amount: try hourlyInterest(asset, hours: hours))
        case .reserve(let asset, let amount, let purpose):
            try require(asset: asset, amount: amount)
            try requireLabel(purpose, field: "purpose")
            return .reserved(asset: asset, amount: amount, purpose: purpose)
        case .release(let asset, let amount, let purpose):
            try require(asset: asset, amount: amount)
            let reserved = account.holding(asset)?.reserved(for: purpose) ?? .zero
            guard amount <= reserved else {
                throw Refusal(
                    .insufficientBalance, "Only \(reserved) \(asset) is reserved for \(purpose).",
                    field: "amount")
            }
            return .released(asset: asset, amount: amount, purpose: purpose)
        case .credit(let asset, let amount, let purpose):
            try require(asset: asset, amount: amount)
            try requireLabel(purpose, field: "purpose")
            return .credited(asset: asset, amount: amount, purpose: purpose)
        default:
            throw Refusal(.unknownCommand, "This command does not move money.", field: "type")
        }
    }

    /// What the venue would exchange by itself now; one event for each asset that it fills up.
    private func autoExchanges(_ afterLiquidation: Bool) throws(Refusal) -> [EventBody] {
        let exchanges = try judge.autoExchanges(
            of: account, afterLiquidation: afterLiquidation, prices: prices, at: time)
        guard !exchanges.isEmpty else {
            throw Refusal(.notAllowed, "No exchange is due in account \(account.id).")
        }
        return exchanges.map { .autoExchanged($0) }
    }

    /// What the venue charges for so many hours, by the account, the prices and the rules of now.
    func hourlyInterest(_ asset: String, hours: Int64) throws(Refusal) -> ExactDecimal {
        try require(asset: asset)
        try requireHours(hours)
        let amount = try judge.interest(
            on: asset, of: account, hours: Int(hours), prices: prices, at: time)
        guard amount.isPositive else {
            throw Refusal(
                .invalidField, "Account \(account.id) owes no \(asset) that bears interest.",
                field: "asset")
        }
        return amount
    }

    func requireHours(_ hours: Int64) throws(Refusal) {
        guard (1...744).contains(hours) else {
            throw Refusal(.invalidField, "hours must be a whole number from 1 to 744.", field: "hours")
        }
    }

    /// Refuses a text that the ledger would have to keep or repeat and that is no name.
    func requireLabel(_ text: String, field: String) throws(Refusal) {
        guard text.isLabel else {
            throw Refusal(.invalidField, "\(field) must be \(String.labelDescription).", field: field)
        }
    }

    func require(asset: String) throws(Refusal) {
        guard judge.knowsAsset(asset, at: time) else {
            throw Refusal.unknown(asset: asset, judge, at: time)
        }
    }

    private func require(
        asset: String, amount: ExactDecimal, placesLimited: Bool = false
    ) throws(Refusal) {
        try require(asset: asset)
        guard amount.isPositive else {
            throw Refusal(.invalidAmount, "amount must be above zero, not \(amount).", field: "amount")
        }
        if placesLimited { try requirePlaces(amount, field: "amount") }
    }

    private func requirePlaces(_ amount: ExactDecimal, field: String) throws(Refusal) {
        let places = account.conventions.amountPlaces
        guard amount.fractionDigits <= places else {
            throw Refusal(
                .invalidAmount,
                "\(field) has more than the \(places) fraction digits that \(account.venue) books.",
                field: field)
        }
    }

    private func checkFamily(_ id: String) throws(Refusal) {
        guard let other = receiver else { throw Refusal.unknown(account: id, field: "to") }
        let isFamily = (other.parent ?? other.id) == (account.parent ?? account.id)
        guard isFamily && other.id != account.id else {
            throw Refusal(
                .notFamily, "\(id) is not another account of the family of \(account.id).", field: "to")
        }
        guard time >= other.updatedAt else {
            throw Refusal(.timeBackwards, "at is before the last event of account \(id).", field: "at")
        }
    }

    private func checkDebt(_ asset: String, _ amount: ExactDecimal) throws(Refusal) {
        let holding = account.holding(asset)
        let owed = try checked { () throws(NumberError) in
            try (holding?.borrowed ?? .zero) + (holding?.interest ?? .zero)
        }
        guard amount <= owed else {
            throw Refusal(.insufficientBalance, "Only \(owed) \(asset) is owed.", field: "amount")
        }
    }

    /// The margin mode of an instrument is kept among the settings, in `margin_modes`.
    private mutating func marginModeSet(_ name: String, _ mode: MarginMode) throws(Refusal) -> EventBody {
        let instrument = try derivative(name)
        guard judge.hasMarginModesOfInstruments else {
            throw Refusal(
                .notAllowed, "\(account.venue) takes the margin mode with each order, not for an instrument.",
                field: "instrument")
        }
        // A conditional order that waits would be placed in the mode that it was meant for.
        if account.positions.contains(where: { $0.instrument.name == instrument.name })
            || account.orders.contains(where: { $0.instrument.name == instrument.name })
            || account.conditionals.contains(where: { $0.instrument.name == instrument.name })
        {
            throw Refusal(
                .notAllowed,
                "The margin mode of \(name) cannot be changed while it has a position or an open order, "
                    + "conditional ones too.",
                field: "instrument")
        }
        var modes = (account.settings[Settings.marginModes]?.object?.members ?? []).filter { $0.key != name }
        modes.append((name, .string(mode.rawValue)))
        var settings = account.settings
        settings[Settings.marginModes] = .members(modes)
        return .configured(settings)
    }

    private func settings(changing changes: Settings) throws(Refusal) -> Settings {
        var settings = account.settings
        for (name, value) in changes.values { settings[name] = try judge.setting(name, value) }
        return settings
    }

    // MARK: - Instruments

    /// The terms of an instrument in the rulebook in force, as the journal knows or will know them.
    public mutating func instrument(_ name: String) throws(Refusal) -> Instrument {
        guard let current = judge.instrument(name, in: account, at: time) else {
            throw Refusal.unknown(instrument: name, judge, at: time)
        }
        if let known = instruments.definition(of: current) { return known }
        let sequence = lastSequence + Int64(definitions.count) + 1
        let defined = current.defined(by: sequence)
        definitions.append(defined)
        return defined
    }

    /// As `instrument`, where only a contract makes sense.
    mutating func derivative(_ name: String) throws(Refusal) -> Instrument {
        let instrument = try instrument(name)
        guard instrument.kind.isDerivative else {
            throw Refusal(
                .invalidField, "\(name) is a spot pair and has no positions.", field: "instrument")
        }
        return instrument
    }

    /// As `instrument`, where only a contract or a pair with a position on margin makes sense.
    mutating func positioned(_ name: String) throws(Refusal) -> Instrument {
        let instrument = try instrument(name)
        let isOnMargin = account.positions.contains { $0.margin != nil && $0.instrument.name == name }
        return isOnMargin ? instrument : try derivative(name)
    }

    /// As `instrument`, where only what has a leverage makes sense.
    mutating func leveraged(_ name: String, _ marginMode: MarginMode) throws(Refusal) -> Instrument {
        let instrument = try instrument(name)
        if instrument.kind.isDerivative { return instrument }
        let asset = try judge.marginAsset(
            of: instrument, isLong: true, marginMode: marginMode, wanted: nil, in: account, at: time)
        return asset == nil ? try derivative(name) : instrument
    }

    /// The leverage in force for a position.
    func leverage(_ key: PositionKey) -> ExactDecimal {
        judge.leverage(of: key, in: account)
            ?? judge.defaultLeverage(of: key.instrument, in: account, at: time)
    }

    /// Runs arithmetic; what does not fit is refused.
    public func checked<Value>(_ work: () throws(NumberError) -> Value) throws(Refusal) -> Value {
        do {
            return try work()
        } catch {
            throw Refusal(.overflow, "A figure of account \(account.id) does not fit: \(error).")
        }
    }
}
