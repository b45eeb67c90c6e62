import JSON
import Numbers

extension Command {
    /// Reads a command as the operator API and scenario files write it (contract, section 3).
    ///
    /// Strict: a field that the command does not have is refused by name, and amounts must be texts.
    public init(decoding value: JSONValue) throws(Refusal) {
        let type = try FieldReader(value, subject: "A command").text("type")
        guard let allowed = Self.allowedFields[type] else {
            throw Refusal(
                .unknownCommand,
                "There is no command of type \(type.prefix(64))."
                    + NearestName.question(type, among: Self.typeNames),
                field: "type")
        }
        let reader = try FieldReader(value, subject: type)
        try reader.allow(allowed)
        let id = try reader.optionalLabel("id")
        self.init(
            id: id, at: reader.has("at") ? try reader.time("at") : nil,
            account: try Self.account(type, reader),
            content: try Content(type: type, reader))
    }

    /// The account of a command; nil for one that is about a venue's market.
    private static func account(_ type: String, _ reader: FieldReader) throws(Refusal) -> String? {
        if marketWide.contains(type) { return nil }
        guard type == "funding", !reader.has("account") else { return try reader.label("account") }
        guard reader.has("venue") else {
            throw Refusal(
                .missingField, "funding is of an account, or of a venue for all who hold the contract.",
                field: "account")
        }
        return nil
    }

    /// Every field of each command type; put together once, for this is on the way of every command.
    private static let allowedFields: [String: [String]] = Dictionary(
        uniqueKeysWithValues: fields.map { type, own in
            (
                type,
                ["type", "account", "id", "at"].filter { !marketWide.contains(type) || $0 != "account" } + own
            )
        })

    /// The commands that are about no account.
    private static let marketWide = ["prices", "quotes"]

    /// The fields of each command type besides the common ones.
    private static let fields: [String: [String]] = [
        "open_account": ["venue", "parent", "settings"],
        "configure": ["settings"],
        "deposit": ["asset", "amount"],
        "withdraw": ["asset", "amount", "fee", "force"],
        "transfer": ["to", "asset", "amount", "force"],
        "place_order": [
            "order_id", "instrument", "side", "quantity", "price", "reduce_only", "position_side",
            "margin_mode",
            "force",
        ],
        "cancel_order": ["order_id"],
        "fill": [
            "instrument", "side", "quantity", "price", "fee", "fee_asset", "order_id", "position_side",
            "margin_mode", "liquidation", "liquidity", "margin_asset",
        ],
        "import_position": [
            "instrument", "quantity", "entry_price", "position_side", "margin_mode", "isolated_wallet",
            "leverage", "realised", "fees", "margin_asset", "liability",
        ],
        "set_leverage": ["instrument", "leverage", "position_side", "margin_mode"],
        "set_margin_mode": ["instrument", "margin_mode"],
        "adjust_isolated_margin": ["instrument", "amount", "position_side"],
        "auto_exchange": ["liquidation"],
        "funding": ["instrument", "rate", "amount", "position_side", "venue"],
        "borrow": ["asset", "amount"],
        "repay": ["asset", "amount"],
        "accrue_interest": ["asset", "amount", "hours", "instrument", "margin_mode"],
        "reserve": ["asset", "amount", "purpose"],
        "release": ["asset", "amount", "purpose"],
        "credit": ["asset", "amount", "purpose"],
        "settle": ["instrument"],
        "prices": ["venue", "marks", "index"],
        "quotes": ["venue", "quotes"],
        "raise": ["flag", "asset", "value"],
    ]

    /// Every command type, in alphabetical order.
    public static let typeNames = fields.keys.sorted()

    /// The fields that a type of command takes besides its type; empty for a type that there is not.
    public static func fieldNames(of type: String) -> [String] {
        (allowedFields[type] ?? []).filter { $0 != "type" }
    }
}

extension Command.Content {
    fileprivate init(type: String, _ reader: FieldReader) throws(Refusal) {
        switch type {
        case "open_account":
            self = .openAccount(
                venue: try reader.label("venue"), parent: try reader.optionalLabel("parent"),
                settings: reader.has("settings") ? try Self.settings(reader) : Settings())
        case "configure": self = .configure(try Self.settings(reader))
        case "place_order": self = .placeOrder(try Self.order(reader))
        case "cancel_order": self = .cancelOrder(orderID: try reader.label("order_id"))
        case "fill": self = .fill(try Self.fill(reader))
        case "import_position": self = .importPosition(try Self.imported(reader))
        case "set_leverage":
            self = .setLeverage(
                instrument: try reader.label("instrument"), leverage: try reader.decimal("leverage"),
                side: try Self.positionSide(reader), marginMode: try reader.marginMode())
        case "set_margin_mode":
            self = .setMarginMode(
                instrument: try reader.label("instrument"),
                marginMode: try reader.choice("margin_mode", MarginMode.self))
        case "adjust_isolated_margin":
            self = .adjustIsolatedMargin(
                instrument: try reader.label("instrument"), amount: try reader.decimal("amount"),
                side: try Self.positionSide(reader))
        case "funding": self = try Self.funding(reader)
        case "auto_exchange": self = .autoExchange(afterLiquidation: try reader.flag("liquidation"))
        case "settle": self = .settle(instrument: try reader.optionalLabel("instrument"))
        case "prices":
            guard reader.has("marks") || reader.has("index") else {
                throw Refusal(.missingField, "prices: marks or index must be given.", field: "marks")
            }
            self = .prices(
                venue: try reader.label("venue"), marks: try Self.quotes(reader, "marks"),
                index: try Self.quotes(reader, "index"))
        case "quotes":
            let quotes = try reader.quotes()
            guard quotes.allSatisfy({ $0.instrument.isLabel }) else {
                throw Refusal(
                    .invalidField, "quotes: a name must be \(String.labelDescription).", field: "quotes")
            }
            self = .quotes(venue: try reader.label("venue"), quotes: quotes)
        case "raise":
            self = .raise(
                flag: try reader.label("flag"), asset: try reader.optionalLabel("asset"),
                value: try reader.required("value"))
        default: self = try Self.money(type, reader)
        }
    }

    private static func money(_ type: String, _ reader: FieldReader) throws(Refusal) -> Self {
        let asset = try reader.label("asset")
        if type == "accrue_interest" { return try interest(on: asset, reader) }
        let amount = try reader.decimal("amount")
        switch type {
        case "deposit": return .deposit(asset: asset, amount: amount)
        case "withdraw":
            return .withdraw(
                asset: asset, amount: amount, fee: try reader.optionalDecimal("fee") ?? .zero,
                force: try reader.flag("force"))
        case "transfer":
            return .transfer(
                to: try reader.label("to"), asset: asset, amount: amount, force: try reader.flag("force"))
        case "borrow": return .borrow(asset: asset, amount: amount)
        case "repay": return .repay(asset: asset, amount: amount)
        default:
            let purpose = try reader.label("purpose")
            switch type {
            case "reserve": return .reserve(asset: asset, amount: amount, purpose: purpose)
            case "release": return .release(asset: asset, amount: amount, purpose: purpose)
            case "credit": return .credit(asset: asset, amount: amount, purpose: purpose)
            default: throw Refusal(.unknownCommand, "There is no command of type \(type).", field: "type")
            }
        }
    }

    private static func interest(on asset: String, _ reader: FieldReader) throws(Refusal) -> Self {
        let isByTheHour = reader.has("hours")
        guard !isByTheHour || !reader.has("amount") else {
            throw Refusal(.invalidField, "accrue_interest: give amount or hours, not both.", field: "hours")
        }
        guard reader.has("instrument") || reader.has("margin_mode") else {
            return isByTheHour
                ? .accrueHourlyInterest(asset: asset, hours: try reader.integer("hours"))
                : .accrueInterest(asset: asset, amount: try reader.decimal("amount"))
        }
        return .accrueMarginInterest(
            MarginInterestRequest(
                asset: asset, instrument: try reader.label("instrument"),
                marginMode: try reader.marginMode(),
                measure: isByTheHour
                    ? .hours(try reader.integer("hours")) : .amount(try reader.decimal("amount"))))
    }

    private static func settings(_ reader: FieldReader) throws(Refusal) -> Settings {
        Settings(try reader.members("settings").map { (name: $0.key, value: $0.value) })
    }

    private static func positionSide(_ reader: FieldReader) throws(Refusal) -> PositionSide? {
        guard reader.has("position_side") else { return nil }
        switch try reader.text("position_side") {
        case "long": return .long
        case "short": return .short
        default: throw reader.wrong("position_side", "long or short")
        }
    }

    private static func order(_ reader: FieldReader) throws(Refusal) -> OrderRequest {
        var order = OrderRequest(
            orderID: try reader.label("order_id"), instrument: try reader.label("instrument"),
            side: try reader.choice("side", Side.self), quantity: try reader.decimal("quantity"),
            price: try reader.decimal("price"))
        order.reduceOnly = try reader.flag("reduce_only")
        order.positionSide = try positionSide(reader)
        order.marginMode = try reader.marginMode()
        order.force = try reader.flag("force")
        return order
    }

    private static func fill(_ reader: FieldReader) throws(Refusal) -> FillRequest {
        var fill = FillRequest(
            instrument: try reader.label("instrument"), side: try reader.choice("side", Side.self),
            quantity: try reader.decimal("quantity"), price: try reader.decimal("price"))
        fill.fee = try reader.optionalDecimal("fee")
        fill.feeAsset = try reader.optionalLabel("fee_asset")
        fill.orderID = try reader.optionalLabel("order_id")
        fill.positionSide = try positionSide(reader)
        fill.marginMode = try reader.marginMode()
        fill.liquidation = try reader.flag("liquidation")
        fill.liquidity = try reader.optionalChoice("liquidity", Liquidity.self)
        fill.marginAsset = try reader.optionalLabel("margin_asset")
        return fill
    }

    private static func imported(_ reader: FieldReader) throws(Refusal) -> ImportRequest {
        var request = ImportRequest(
            instrument: try reader.label("instrument"), quantity: try reader.decimal("quantity"),
            entryPrice: try reader.decimal("entry_price"))
        request.positionSide = try positionSide(reader)
        request.marginMode = try reader.marginMode()
        request.isolatedWallet = try reader.optionalDecimal("isolated_wallet")
        request.leverage = try reader.optionalDecimal("leverage")
        request.realised = try reader.optionalDecimal("realised")
        request.fees = try reader.optionalDecimal("fees")
        request.marginAsset = try reader.optionalLabel("margin_asset")
        request.liability = try reader.optionalDecimal("liability")
        return request
    }

    /// Of one account; or of all who hold the contract, which has a rate then and nothing of one position.
    private static func funding(_ reader: FieldReader) throws(Refusal) -> Self {
        guard reader.has("venue") else { return .funding(try fundingOfAccount(reader)) }
        for field in ["account", "amount", "position_side"] where reader.has(field) {
            throw Refusal(
                .invalidField,
                "funding: \(field) does not go with venue, which funds all who hold the contract.",
                field: field)
        }
        return .fundingOfMarket(
            venue: try reader.label("venue"), instrument: try reader.label("instrument"),
            rate: try reader.decimal("rate"))
    }

    private static func fundingOfAccount(_ reader: FieldReader) throws(Refusal) -> FundingRequest {
        guard reader.has("rate") != reader.has("amount") else {
            throw Refusal(
                .missingField, "funding takes either a rate or an amount.", field: "rate")
        }
        let measure: FundingRequest.Measure =
            reader.has("rate")
            ? .rate(try reader.decimal("rate")) : .amount(try reader.decimal("amount"))
        return FundingRequest(
            instrument: try reader.label("instrument"), measure: measure,
            positionSide: try positionSide(reader))
    }

    private static func quotes(
        _ reader: FieldReader, _ field: String
    ) throws(Refusal) -> [PriceTick.Quote] {
        guard reader.has(field) else { return [] }
        var quotes: [PriceTick.Quote] = []
        for (name, value) in try reader.members(field) {
            guard name.isLabel else {
                throw Refusal(
                    .invalidField, "prices: a name must be \(String.labelDescription).", field: field)
            }
            quotes.append(
                PriceTick.Quote(name: name, price: try reader.decimal(value, field: "\(field).\(name)")))
        }
        return quotes
    }
}

extension FieldReader {
    fileprivate func marginMode() throws(Refusal) -> MarginMode? {
        try optionalChoice("margin_mode", MarginMode.self)
    }
}
