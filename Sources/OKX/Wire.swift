import JSON
import Ledger
import Numbers

/// Writes an account's figures as the body of `GET /api/v5/account/balance`: keys in ASCII order, every
/// scalar a string but the two collateral switches, rows by falling `eqUsd`.
struct BalanceWriter: Sendable {
    let account: Account
    let at: LedgerTime
    let figures: AccountFigures
    let rules: RuleTable

    /// The body: `{"code":"0","data":[…],"msg":""}`, with the rows that the filter admits: those whose
    /// cashBal and eq are not both 0.
    func body(filter: CurrencyFilter, layouts: BalanceLayouts) -> [UInt8] {
        let order = rowOrder { place in
            !(figures.rows[place].cash.isZero && figures.rows[place].equity.isZero)
                && filter.admits(figures.rows[place].place)
        }
        return ByteSink.bytes(estimate: 1024 + order.count * 1800) { sink in
            sink.copy("{\"code\":\"0\",\"data\":[")
            writeAccount(order, layouts, to: &sink)
            sink.copy("],\"msg\":\"\"}")
        }
    }

    /// The account object with these rows, as a stream pushes it.
    func pushed(_ order: [Int]) -> [UInt8] {
        ByteSink.bytes(estimate: 1024 + order.count * 1900) { writeAccount(order, .pushed, to: &$0) }
    }

    /// The rows to show, by falling eqUsd, equal ones by first appearance. Rows are judged by their number: a
    /// copy of one would count a reference for each of its figures.
    @inline(__always)
    func rowOrder(_ isShown: (Int) -> Bool) -> [Int] {
        var order: [Int] = []
        order.reserveCapacity(figures.rows.count)
        for place in figures.rows.indices {
            if !isShown(place) { continue }
            // Accounts hold few currencies, and mostly in the same order: an insertion sort beats the general
            // one.
            var target = order.count
            let value = figures.rows[place].equityUSD
            order.append(place)
            while target > 0, figures.rows[order[target - 1]].equityUSD < value {
                order[target] = order[target - 1]
                target -= 1
            }
            order[target] = place
        }
        return order
    }

    private func writeAccount(_ order: [Int], _ layouts: BalanceLayouts, to sink: inout ByteSink) {
        let hasRaised = !account.raised.isEmpty && account.raised.contains { $0.asset == nil }
        let layout = hasRaised ? layouts.raisedAccount : layouts.account(figures.mode)
        layout.bytes.withUnsafeBufferPointer { bytes in
            for step in layout.steps {
                sink.copy(UnsafeBufferPointer(rebasing: bytes[step.start..<step.end]))
                if step.field == .details {
                    writeRows(order, layouts, to: &sink)
                } else if hasRaised {
                    writeRaised(step.field, to: &sink)
                } else {
                    write(step.field, to: &sink)
                }
            }
            sink.copy(UnsafeBufferPointer(rebasing: bytes[layout.tail...]))
        }
    }

    /// A field as JSON: the raised value if there is one.
    private func writeRaised(_ field: AccountField, to sink: inout ByteSink) {
        if let value = account.raised(field.rawValue) {
            value.copy(to: &sink)
            return
        }
        sink.byte(UInt8(ascii: "\""))
        if field.modes.contains(ModeSet(figures.mode)) { write(field, to: &sink) }
        sink.byte(UInt8(ascii: "\""))
    }

    /// A field's text, without quotes.
    private func write(_ field: AccountField, to sink: inout ByteSink) {
        switch field {
        case .adjEq: sink.number(figures.totals.adjustedEquity)
        case .availEq: sink.number(figures.totals.availableEquity)
        case .borrowFroz: sink.number(figures.totals.borrowFrozen)
        case .imr: sink.number(figures.totals.initialMargin)
        case .isoEq: sink.number(figures.totals.isolatedEquity)
        case .mgnRatio: sink.optionalNumber(figures.totals.marginRatio)
        case .mmr: sink.number(figures.totals.maintenanceMargin)
        case .notionalUsd: sink.number(figures.totals.notional)
        case .notionalUsdForBorrow: sink.number(figures.totals.borrowing)
        case .notionalUsdForFutures: sink.number(figures.totals.futuresNotional)
        case .notionalUsdForOption: sink.copy("0")
        case .notionalUsdForSwap: sink.number(figures.totals.swapNotional)
        case .ordFroz: sink.number(figures.totals.orderMargin)
        case .totalEq: sink.number(figures.totals.totalEquity)
        case .uTime: sink.integer(at.milliseconds)
        case .upl: sink.number(figures.totals.unrealised)
        case .delta, .deltaLever, .deltaNeutralStatus, .details: break
        }
    }
}

// MARK: - Currency rows

extension BalanceWriter {
    private func writeRows(_ order: [Int], _ layouts: BalanceLayouts, to sink: inout ByteSink) {
        sink.byte(UInt8(ascii: "["))
        let plain = layouts.row(figures.mode, isPlain: true)
        let whole = layouts.row(figures.mode, isPlain: false)
        var isFirst = true
        for place in order {
            if !isFirst { sink.byte(UInt8(ascii: ",")) }
            isFirst = false
            let rules = rules.assets[figures.rows[place].place]
            if !account.raised.isEmpty, account.raised.contains(where: { $0.asset == rules.name }) {
                writeRaised(place, rules, layouts.raisedRow, to: &sink)
            } else {
                write(place, rules, figures.rows[place].isPlain ? plain : whole, to: &sink)
            }
        }
        sink.byte(UInt8(ascii: "]"))
    }

    private func write(
        _ place: Int, _ rules: AssetRules, _ layout: ObjectLayout<DetailField>,
        to sink: inout ByteSink
    ) {
        layout.bytes.withUnsafeBufferPointer { bytes in
            for step in layout.steps {
                sink.copy(UnsafeBufferPointer(rebasing: bytes[step.start..<step.end]))
                write(step.field, place, rules, to: &sink)
            }
            sink.copy(UnsafeBufferPointer(rebasing: bytes[layout.tail...]))
        }
    }

    /// A row with raised values among its fields.
    private func writeRaised(
        _ place: Int, _ rules: AssetRules, _ layout: ObjectLayout<DetailField>,
        to sink: inout ByteSink
    ) {
        layout.bytes.withUnsafeBufferPointer { bytes in
            for step in layout.steps {
                sink.copy(UnsafeBufferPointer(rebasing: bytes[step.start..<step.end]))
                if let value = account.raised(step.field.rawValue, asset: rules.name) {
                    value.copy(to: &sink)
                    continue
                }
                let hasQuotes =
                    step.field != .ccy && step.field != .collateralEnabled
                    && step.field != .collateralRestrict
                if hasQuotes { sink.byte(UInt8(ascii: "\"")) }
                if step.field.modes.contains(ModeSet(figures.mode)) {
                    write(step.field, place, rules, to: &sink)
                }
                if hasQuotes { sink.byte(UInt8(ascii: "\"")) }
            }
            sink.copy(UnsafeBufferPointer(rebasing: bytes[layout.tail...]))
        }
    }

    /// A field's text, without quotes but for the currency's name. Rows are read where they stand: a copy of
    /// one is several hundred bytes.
    @inline(__always)
    private func write(
        _ field: DetailField, _ place: Int, _ rules: AssetRules, to sink: inout ByteSink
    ) {
        switch field {
        case .availBal: sink.rememberedNumber(Figures.floored(figures.rows[place].freeBalance))
        case .availEq: sink.repeatedNumber(Figures.floored(figures.rows[place].freeEquity))
        case .borrowFroz: sink.number(figures.rows[place].borrowFrozen)
        case .cashBal: sink.repeatedNumber(figures.rows[place].cash)
        case .ccy: sink.copy(rules.quotedName)
        case .crossLiab: sink.number(figures.rows[place].crossLiability)
        case .disEq: sink.number(figures.rows[place].discountedUSD)
        case .eq: sink.repeatedNumber(figures.rows[place].equity)
        case .eqUsd: sink.number(figures.rows[place].equityUSD)
        case .frozenBal: sink.number(figures.rows[place].frozen)
        case .isoEq: sink.number(figures.rows[place].isolatedEquity)
        case .isoUpl: sink.number(figures.rows[place].isolatedUnrealised)
        case .liab: sink.number(figures.rows[place].liability)
        case .maxLoan: sink.number(figures.rows[place].maximumLoan)
        case .ordFrozen: sink.number(figures.rows[place].ordersFrozen)
        case .uTime: sink.time(figures.rows[place].updatedAt.milliseconds)
        case .upl: sink.number(figures.rows[place].unrealised)
        case .uplLiab: sink.number(figures.rows[place].unrealisedLossLiability)
        case .autoLendStatus: sink.copy(rules.supportsAutoLend ? "off" : "unsupported")
        default: writeRare(field, place, rules, to: &sink)
        }
    }

    /// Fields that most rows do not have.
    private func writeRare(
        _ field: DetailField, _ place: Int, _ rules: AssetRules, to sink: inout ByteSink
    ) {
        switch field {
        case .collateralEnabled:
            let isOn = figures.mode == .multi && figures.rows[place].isCollateral
            sink.copy(isOn ? "true" : "false")
        case .collateralRestrict:
            sink.copy(account.raised("colRes", asset: rules.name)?.text == "2" ? "true" : "false")
        case .imr: sink.number(figures.rows[place].positionMargin)
        case .mmr: sink.number(figures.rows[place].positionMaintenance)
        case .mgnRatio: sink.optionalNumber(figures.rows[place].marginRatio)
        case .notionalLever: sink.optionalNumber(figures.rows[place].notionalLeverage)
        case .interest: sink.number(figures.rows[place].interest)
        case .stgyEq: sink.number(figures.rows[place].strategyEquity)
        case .coinUsdPrice: sink.number(figures.rows[place].index)
        case .spotInUseAmt: sink.number(figures.rows[place].spotInUse)
        case .maxSpotInUse: sink.number(figures.rows[place].maximumSpotInUse)
        case .rewardBal: sink.number(holding(place)?.credited(for: "reward") ?? ExactDecimal.zero)
        case .fixedBal: sink.number(holding(place)?.reserved(.fixed) ?? ExactDecimal.zero)
        case .smtSyncEq: sink.number(holding(place)?.reserved(.smartSync) ?? ExactDecimal.zero)
        case .spotCopyTradingEq: sink.number(holding(place)?.reserved(.copyTrading) ?? ExactDecimal.zero)
        case .spotIsoBal: sink.number(holding(place)?.reserved(.copyTradingIsolated) ?? ExactDecimal.zero)
        case .isoLiab: sink.number(figures.rows[place].isolatedLiability)
        case .twap, .frpType, .colRes, .colBorrAutoConversion, .autoLendAmt, .autoLendMtAmt: sink.copy("0")
        case .autoStakingStatus: sink.copy("unsupported")
        default: writeSpot(field, place, to: &sink)
        }
    }

    private func holding(_ place: Int) -> Holding? {
        figures.rows[place].holding.map { account.holdings[$0] }
    }

    /// Cost and profit of spot trades; nothing, which is "", where none was made or the figure does not
    /// exist.
    private func writeSpot(_ field: DetailField, _ place: Int, to sink: inout ByteSink) {
        guard let number = figures.rows[place].spot else { return }
        let spot = figures.spots[number]
        switch field {
        case .spotBal: sink.number(spot.balance)
        case .openAvgPx: sink.optionalNumber(spot.openAveragePrice)
        case .accAvgPx: sink.optionalNumber(spot.accumulatedAveragePrice)
        case .spotUpl: sink.number(spot.unrealised)
        case .spotUplRatio: sink.optionalNumber(spot.unrealisedRatio)
        case .totalPnl: sink.number(spot.total)
        case .totalPnlRatio: sink.optionalNumber(spot.totalRatio)
        default: break
        }
    }
}

extension ByteSink {
    /// A figure, or nothing where there is none.
    mutating func optionalNumber(_ number: ExactFraction?) {
        if let number { self.number(number) }
    }
}

extension JSONValue {
    /// Copies the value as JSON.
    fileprivate func copy(to sink: inout ByteSink) {
        var bytes: [UInt8] = []
        append(to: &bytes)
        sink.copy(bytes)
    }
}

extension Holding {
    /// The amount reserved for one of OKX's purposes.
    func reserved(_ purpose: ReservePurpose) -> ExactDecimal { reserved(for: purpose.rawValue) }
}
