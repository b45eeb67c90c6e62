import JSON
import Ledger
import Numbers
import Venue

/// Writes an account's figures as the body of `GET /api/v5/account/balance`: keys in ASCII order, every
/// scalar a string but the two collateral switches, rows by falling `eqUsd`.
struct BalanceWriter {
    let account: Account
    let at: LedgerTime
    let figures: AccountFigures

    /// The body: `{"code":"0","data":[…],"msg":""}`, with the rows that the filter admits: those whose
    /// cashBal and eq are not both 0.
    func body(filter: CurrencyFilter, layouts: BalanceLayouts) throws -> [UInt8] {
        let order = try figures.balanceRows(filter)
        return try ByteSink.bytes(estimate: 1024 + order.count * 1800) { sink in
            sink.copy("{\"code\":\"0\",\"data\":[")
            try writeAccount(order, layouts, to: &sink)
            sink.copy("],\"msg\":\"\"}")
        }
    }

    /// The account object with these rows, as a stream pushes it.
    func pushed(_ order: [CurrencyFigures]) throws -> [UInt8] {
        let order = order.map { BalanceRow.table($0) }
        return try ByteSink.bytes(estimate: 1024 + order.count * 1900) {
            try writeAccount(order, .pushed, to: &$0)
        }
    }

    /// The rows to show, by falling eqUsd, equal ones by first appearance.
    @inline(__always)
    func rowOrder(_ isShown: (CurrencyFigures) throws -> Bool) throws -> [CurrencyFigures] {
        var order: [CurrencyFigures] = []
        order.reserveCapacity(figures.rows.count)
        for row in figures.rows {
            if try !isShown(row) { continue }
            // Accounts hold few currencies, and mostly in the same order: an insertion sort beats the general
            // one.
            var target = order.count
            let value = try row[.eqUsd]
            while target > 0, try order[target - 1][.eqUsd] < value { target -= 1 }
            order.insert(row, at: target)
        }
        return order
    }

    private func writeAccount(
        _ order: [BalanceRow], _ layouts: BalanceLayouts, to sink: inout ByteSink
    ) throws {
        let hasOverrides = !account.overridden.isEmpty && account.overridden.contains { $0.asset == nil }
        let layout = hasOverrides ? layouts.overriddenAccount : layouts.account(figures.mode)
        try layout.bytes.withUnsafeBufferPointer { bytes in
            for step in layout.steps {
                sink.copy(UnsafeBufferPointer(rebasing: bytes[step.start..<step.end]))
                if step.field == .details {
                    try writeRows(order, layouts, to: &sink)
                } else if hasOverrides {
                    try writeOverridden(step.field, to: &sink)
                } else {
                    try write(step.field, to: &sink)
                }
            }
            sink.copy(UnsafeBufferPointer(rebasing: bytes[layout.tail...]))
        }
    }

    /// A field as JSON: the raised value if there is one.
    private func writeOverridden(_ field: AccountFigure, to sink: inout ByteSink) throws {
        if let value = account.overridden(field.rawValue) {
            value.copy(to: &sink)
            return
        }
        sink.byte(UInt8(ascii: "\""))
        if field.modes.contains(ModeSet(figures.mode)) { try write(field, to: &sink) }
        sink.byte(UInt8(ascii: "\""))
    }

    /// A field's text, without quotes.
    private func write(_ field: AccountFigure, to sink: inout ByteSink) throws {
        switch field {
        case .notionalUsdForOption: sink.copy("0")
        case .uTime: sink.integer(at.milliseconds)
        case .delta, .deltaLever, .deltaNeutralStatus, .details: break
        default: if let number = try figures.ifThere(field) { sink.number(number) }
        }
    }
}

// MARK: - Currency rows

extension BalanceWriter {
    private func writeRows(
        _ order: [BalanceRow], _ layouts: BalanceLayouts, to sink: inout ByteSink
    ) throws {
        sink.byte(UInt8(ascii: "["))
        let held = layouts.row(figures.mode, .held)
        let plain = layouts.row(figures.mode, .plain)
        let whole = layouts.row(figures.mode, .whole)
        var isFirst = true
        for row in order {
            if !isFirst { sink.byte(UInt8(ascii: ",")) }
            isFirst = false
            switch row {
            case .held(let place):
                if let row = figures.table(ofHeld: place) { try write(row, held, to: &sink) }
            case .table(let row):
                if !account.overridden.isEmpty, account.overridden.contains(where: { $0.asset == row.name }) {
                    if row.isPlain { try row.takeRare() }
                    try writeOverridden(row, layouts.overriddenRow, to: &sink)
                } else {
                    try write(row, row.isPlain ? plain : whole, to: &sink)
                }
            }
        }
        sink.byte(UInt8(ascii: "]"))
    }

    private func write(
        _ row: CurrencyFigures, _ layout: ObjectLayout<CurrencyFigure>, to sink: inout ByteSink
    ) throws {
        try layout.bytes.withUnsafeBufferPointer { bytes in
            for step in layout.steps {
                sink.copy(UnsafeBufferPointer(rebasing: bytes[step.start..<step.end]))
                try write(step.field, row, to: &sink)
            }
            sink.copy(UnsafeBufferPointer(rebasing: bytes[layout.tail...]))
        }
    }

    /// A row with raised values among its fields.
    private func writeOverridden(
        _ row: CurrencyFigures, _ layout: ObjectLayout<CurrencyFigure>, to sink: inout ByteSink
    ) throws {
        try layout.bytes.withUnsafeBufferPointer { bytes in
            for step in layout.steps {
                sink.copy(UnsafeBufferPointer(rebasing: bytes[step.start..<step.end]))
                if let value = account.overridden(step.field.rawValue, asset: row.name) {
                    value.copy(to: &sink)
                    continue
                }
                let hasQuotes =
                    step.field != .ccy && step.field != .collateralEnabled
                    && step.field != .collateralRestrict
                if hasQuotes { sink.byte(UInt8(ascii: "\"")) }
                if step.field.modes.contains(ModeSet(figures.mode)) {
                    try write(step.field, row, to: &sink)
                }
                if hasQuotes { sink.byte(UInt8(ascii: "\"")) }
            }
            sink.copy(UnsafeBufferPointer(rebasing: bytes[layout.tail...]))
        }
    }

    /// A field's text, without quotes but for the currency's name.
    @inline(__always)
    private func write(_ field: CurrencyFigure, _ row: CurrencyFigures, to sink: inout ByteSink) throws {
        switch field {
        // One number of a row is often another one too.
        case .availBal: sink.rememberedNumber(try row[.availBal])
        case .availEq, .cashBal, .eq: sink.repeatedNumber(try row[field])
        case .ccy: if let name = row.rules?.quotedName { sink.copy(name) }
        case .uTime: sink.time(row.updatedAt.milliseconds)
        case .autoLendStatus: sink.copy(row.rules?.supportsAutoLend == true ? "off" : "unsupported")
        case .collateralEnabled: sink.copy(figures.mode == .multi && row.isCollateral ? "true" : "false")
        case .collateralRestrict: sink.copy(row.isRestricted ? "true" : "false")
        case .twap, .frpType, .colRes, .colBorrAutoConversion, .autoLendAmt, .autoLendMtAmt: sink.copy("0")
        case .autoStakingStatus: sink.copy("unsupported")
        case .clSpotInUseAmt: break
        case .mgnRatio, .notionalLever, .spotBal, .openAvgPx, .accAvgPx, .spotUpl, .spotUplRatio, .totalPnl,
            .totalPnlRatio:
            if let number = try row.ifThere(field) { sink.number(number) }
        default: sink.number(try row[field])
        }
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
