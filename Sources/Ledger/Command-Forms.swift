import JSON
import Numbers

// What every command takes. The reader, its refusals, the OpenAPI document, the tools of assistants and the
// page docs/commands.md are made of this table.

extension CommandForm {
    /// Every command.
    public static let all: [CommandForm] = accounts + cash + orders + positions + interest + reserves + market

    private static let accounts = [
        CommandForm(
            "open_account", "Opens an account at a venue.",
            Field.venue("Where it is."),
            Field.label("parent", "The account that it is a sub-account of, at the same venue.").optional,
            settings.defaulting(to: Settings())
        ) { .openAccount(venue: $0, parent: $1, settings: $2) },
        CommandForm(
            "configure", "Changes settings, where the venue allows it.", settings
        ) { .configure($0) },
        CommandForm(
            "raise", "Sets a field that the venue decides by other means; null lifts it.",
            Field.label("flag", "The field, as the venue names it: `colRes`, `twap`, `is_liquidating` …"),
            Field.label("asset", "The asset that it is of, where the field is of one.").optional,
            Field("value", .scalar, "Its value; null for what the venue would say by itself.") {
                reader, name throws(Refusal) in try reader.required(name)
            }
        ) { .raise(flag: $0, asset: $1, value: $2) },
    ]

    private static let cash = [
        CommandForm("deposit", "Adds cash.", asset, amount("How much, of the asset.")) {
            .deposit(asset: $0, amount: $1)
        },
        CommandForm(
            "withdraw", "Takes cash; refused beyond what the venue would let go.",
            asset, amount("How much, of the asset."),
            Field.decimal("fee", "What it costs besides, of the same asset; 0 if left out.").defaulting(
                to: .zero),
            force
        ) { .withdraw(asset: $0, amount: $1, fee: $2, force: $3) },
        CommandForm(
            "transfer",
            "Moves cash between accounts of one family; refused beyond what the venue would let go.",
            Field.label(
                "to", "The account that gets it: the parent, a sub-account, or one of the same parent."),
            asset, amount("How much, of the asset."), force
        ) { .transfer(to: $0, asset: $1, amount: $2, force: $3) },
    ]

    private static let orders = [
        CommandForm(
            "place_order", "Places an order, which reserves margin; refused beyond the available balance.",
            Field.label("order_id", "Its id, one of the account's own."), instrument, side, quantity,
            Field.decimal("price", "Its limit, in the quote asset."),
            Field.flag(
                "reduce_only", "Whether it may only make a position smaller; it reserves no margin then."),
            positionSide.optional, marginMode.optional, force
        ) { id, instrument, side, quantity, price, reduceOnly, leg, mode, force in
            var order = OrderRequest(
                orderID: id, instrument: instrument, side: side, quantity: quantity, price: price)
            order.reduceOnly = reduceOnly
            order.positionSide = leg
            order.marginMode = mode
            order.force = force
            return .placeOrder(order)
        },
        CommandForm(
            "cancel_order", "Cancels an open order.", Field.label("order_id", "The order.")
        ) { .cancelOrder(orderID: $0) },
        CommandForm(
            "fill", "Books a trade; never refused for lack of margin.",
            instrument, side, quantity, Field.decimal("price", "What it was traded at, in the quote asset."),
            Field.decimal("fee", "What it cost: positive when paid, negative for a rebate; 0 if left out.")
                .optional,
            Field.label("fee_asset", "The asset of the fee; the venue's own if left out.").optional,
            Field.label("order_id", "The order that it fills, in part or whole.").optional,
            positionSide.optional, marginMode.optional,
            Field.flag("liquidation", "Whether the venue closed the position by force."),
            Field<Liquidity>.choice("liquidity", "Of an order's fill: `maker` if left out.").optional,
            marginAsset.optional
        ) { instrument, side, quantity, price, fee, feeAsset, order, leg, mode, isForced, liquidity, margin in
            var fill = FillRequest(instrument: instrument, side: side, quantity: quantity, price: price)
            fill.fee = fee
            fill.feeAsset = feeAsset
            fill.orderID = order
            fill.positionSide = leg
            fill.marginMode = mode
            fill.liquidation = isForced
            fill.liquidity = liquidity
            fill.marginAsset = margin
            return .fill(fill)
        },
    ]

    private static let positions = [
        CommandForm(
            "import_position", "Puts a position there with no cash effect.",
            instrument,
            Field.decimal(
                "quantity", "In the venue's unit: positive is long, negative short, in hedge mode too."),
            Field.decimal("entry_price", "The average price of its entry, in the quote asset."),
            positionSide.optional, marginMode.optional,
            Field.decimal("isolated_wallet", "What an isolated position holds, of the settlement asset.")
                .optional,
            Field.decimal("leverage", "The leverage of the position.").optional,
            Field.decimal("realised", "What it had realized before fees, of the settlement asset.").optional,
            Field.decimal("fees", "What its fills had cost, of the settlement asset; positive when paid.")
                .optional,
            marginAsset.optional,
            Field.decimal("liability", "What it owes, of a spot pair on margin.").optional
        ) { instrument, quantity, price, leg, mode, wallet, leverage, realised, fees, margin, liability in
            var request = ImportRequest(instrument: instrument, quantity: quantity, entryPrice: price)
            request.positionSide = leg
            request.marginMode = mode
            request.isolatedWallet = wallet
            request.leverage = leverage
            request.realised = realised
            request.fees = fees
            request.marginAsset = margin
            request.liability = liability
            return .importPosition(request)
        },
        CommandForm(
            "set_leverage", "Sets the leverage of an instrument.",
            instrument, Field.decimal("leverage", "The leverage, at least 1."), positionSide.optional,
            marginMode.optional
        ) { .setLeverage(instrument: $0, leverage: $1, side: $2, marginMode: $3) },
        CommandForm(
            "set_margin_mode",
            "Sets the margin mode of an instrument, at Rails and Binance; refused while it has a "
                + "position or an "
                + "open order.",
            instrument, marginMode
        ) { .setMarginMode(instrument: $0, marginMode: $1) },
        CommandForm(
            "adjust_isolated_margin", "Moves margin into an isolated position or out of it.",
            instrument,
            amount("How much, of the settlement asset: positive is added, negative taken out."),
            positionSide.optional
        ) { .adjustIsolatedMargin(instrument: $0, amount: $1, side: $2) },
        CommandForm(
            "settle", "Settles a session: moves its profit into cash.",
            instrument.told("The contract; every one if left out.").optional
        ) { .settle(instrument: $0) },
        CommandForm(
            "funding", "Books funding of an account: by a rate at the mark, or an amount.",
            rules: [.one(["rate", "amount"])],
            instrument, rate.optional,
            amount("In place of a rate, of the settlement asset: positive is received, negative paid.")
                .optional,
            positionSide.told("The leg, in hedge mode; both if left out.").optional
        ) { instrument, rate, amount, leg in
            let measure = rate.map { .rate($0) } ?? FundingRequest.Measure.amount(amount ?? .zero)
            return .funding(FundingRequest(instrument: instrument, measure: measure, positionSide: leg))
        },
        CommandForm(
            "funding", "Books funding of all who hold a contract, every one of them or nobody.", of: .market,
            Field.venue("Where the contract is; in place of an account."), instrument, rate
        ) { .fundingOfMarket(venue: $0, instrument: $1, rate: $2) },
    ]

    private static let interest = [
        CommandForm("borrow", "Borrows, where the account may.", asset, amount("How much, of the asset.")) {
            .borrow(asset: $0, amount: $1)
        },
        CommandForm("repay", "Pays a loan back, interest first.", asset, amount("How much, of the asset.")) {
            .repay(asset: $0, amount: $1)
        },
        CommandForm(
            "accrue_interest",
            "Books interest: an amount, or at OKX what the venue charges for so many full hours.",
            rules: [.one(["amount", "hours"]), .with("margin_mode", "instrument")],
            asset, amount("How much, of the asset; positive is owed.").optional,
            Field(
                "hours", .hours(1...744),
                "In place of an amount: by the rates, the quota and the prices of now."
            ) {
                reader, name throws(Refusal) in try reader.hours(name)
            }.optional,
            instrument.told("Of a margin position that owes the asset: its spot pair.").optional,
            marginMode.optional
        ) { asset, amount, hours, instrument, mode in
            let amount = amount ?? .zero
            if let instrument {
                return .accrueMarginInterest(
                    MarginInterestRequest(
                        asset: asset, instrument: instrument, marginMode: mode,
                        measure: hours.map { .hours($0) } ?? .amount(amount)))
            }
            return hours.map { .accrueHourlyInterest(asset: asset, hours: $0) }
                ?? .accrueInterest(asset: asset, amount: amount)
        },
    ]

    private static let reserves = [
        CommandForm(
            "reserve", "Marks funds as in use elsewhere.", asset, amount("How much, of the asset."),
            purpose(
                "What for: at OKX `strategy`, `fixed`, `smart_sync`, `copy_trading` or "
                    + "`copy_trading_isolated`, at Crypto.com `reserved`.")
        ) { .reserve(asset: $0, amount: $1, purpose: $2) },
        CommandForm(
            "release", "Ends a reservation, in part or whole.", asset, amount("How much, of the asset."),
            purpose("As it was reserved.")
        ) { .release(asset: $0, amount: $1, purpose: $2) },
        CommandForm(
            "credit", "Gives trial or promotional funds.", asset, amount("How much, of the asset."),
            purpose("What for: `promo`, `reward`, at Crypto.com `fees`.")
        ) { .credit(asset: $0, amount: $1, purpose: $2) },
        CommandForm(
            "auto_exchange",
            "Carries out what Binance exchanges by itself in multi-assets mode; refused where none is due.",
            Field.flag(
                "liquidation",
                "Whether a liquidation has left a shortfall: every negative wallet is filled up.")
        ) { .autoExchange(afterLiquidation: $0) },
    ]

    private static let market = [
        CommandForm(
            "prices",
            "Sets mark prices, by which margin and profit are worked out, and index prices; for everybody at "
                + "the venue. What orders meet is told by `quotes`.", of: .market,
            rules: [.some("marks", or: "index")],
            Field.venue("The venue."), prices("marks", "Mark prices, by instrument, in the quote asset."),
            prices("index", "Prices in USD, by asset.")
        ) { .prices(venue: $0, marks: $1, index: $2) },
        CommandForm(
            "quotes",
            "Tells what is bid, asked and was last traded: what clients' orders are executed against. The "
                + "mark price stays where it is: `prices` sets it.",
            of: .market, Field.venue("The venue."),
            Field(
                "quotes", .table(of: .record(quoteFields)),
                "By instrument; each has `bid` and `ask`, or `last`."
            ) {
                reader, name throws(Refusal) in
                let quotes = try reader.quotes()
                for quote in quotes { try reader.checkName(quote.instrument, in: name) }
                return quotes
            }
        ) { .quotes(venue: $0, quotes: $1) },
    ]
}

// What several commands take.
extension CommandForm {
    private static let asset = Field.label("asset", "The asset, as the venue names it.")
    private static let instrument = Field.label("instrument", "The instrument, as the venue names it.")
    private static let side = Field<Side>.choice("side", "Which way.")
    private static let quantity = Field.decimal(
        "quantity", "How much, in the venue's unit: contracts at OKX's derivatives, coin elsewhere.")
    private static let rate = Field.share(
        "rate", "A share of the notional at the mark: positive, and the long pays the short.")
    private static let positionSide = Field<PositionSide>.choice(
        "position_side", among: [.long, .short], "The leg, in hedge mode.")
    private static let marginMode = Field<MarginMode>.choice("margin_mode", "The margin mode.")
    private static let marginAsset = Field.label(
        "margin_asset", "Of a spot pair on margin (OKX): the currency of the margin.")
    private static let force = Field.flag("force", "Whether the venue is not asked.")

    private static let settings = Field("settings", .settings, "Settings of the account, by name.") {
        reader, name throws(Refusal) in
        Settings(try reader.members(name).map { (name: $0.key, value: $0.value) })
    }

    private static func amount(_ words: String) -> Field<ExactDecimal> { Field.decimal("amount", words) }

    private static func purpose(_ words: String) -> Field<String> { Field.label("purpose", words) }

    /// What a quote may hold.
    static let quoteFields = [
        FieldDescription("bid", .decimal, isRequired: false, "The best price that is bid."),
        FieldDescription("ask", .decimal, isRequired: false, "The best price that is asked."),
        FieldDescription("bid_size", .decimal, isRequired: false, "How much is bid, in the venue's unit."),
        FieldDescription("ask_size", .decimal, isRequired: false, "How much is asked, in the venue's unit."),
        FieldDescription("last", .decimal, isRequired: false, "What was traded last."),
        FieldDescription("quantity", .decimal, isRequired: false, "How much was traded at `last`."),
    ]

    /// Prices by name; none where they are left out.
    private static func prices(_ name: String, _ words: String) -> Field<[PriceTick.Quote]> {
        Field(name, .table(of: .decimal), words) { reader, name throws(Refusal) in
            var quotes: [PriceTick.Quote] = []
            for (member, value) in try reader.members(name) {
                try reader.checkName(member, in: name)
                quotes.append(
                    PriceTick.Quote(
                        name: member, price: try reader.decimal(value, field: "\(name).\(member)")))
            }
            return quotes
        }
        .defaulting(to: [])
    }
}
