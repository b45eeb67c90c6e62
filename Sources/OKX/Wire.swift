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
    func pushed(_ order: [BalanceRow]) throws -> [UInt8] {
        try ByteSink.bytes(estimate: 1024 + order.count * 1900) { try writeAccount(order, .pushed, to: &$0) }
    }

    private func writeAccount(
        _ order: [BalanceRow], _ layouts: BalanceLayouts, to sink: inout ByteSink
    ) throws {
        let hasOverrides = !account.overridden.isEmpty && account.overridden.contains { $0.asset == nil }
        let layout = hasOverrides ? layouts.overriddenAccount : layouts.account(figures.mode)
        try layout.write(to: &sink) { field, sink in
            if field == .details {
                try writeRows(order, layouts, to: &sink)
            } else if hasOverrides {
                try writeOverridden(field, to: &sink)
            } else {
                try write(field, to: &sink)
            }
        }
    }

    /// A field as JSON: the raised value if there is one.
    private func writeOverridden(_ field: AccountFigure, to sink: inout ByteSink) throws {
        if let value = account.overridden(field.rawValue) {
            value.copy(to: &sink)
            return
        }
        sink.byte(UInt8(ascii: "\""))
        if field.modes.contains(ModeSet(figures.mode)) {
            if let text = field.constant { sink.copy(text) } else { try write(field, to: &sink) }
        }
        sink.byte(UInt8(ascii: "\""))
    }

    /// A field's text, without quotes.
    private func write(_ field: AccountFigure, to sink: inout ByteSink) throws {
        switch field {
        case .uTime: sink.integer(at.milliseconds)
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
        try layout.write(to: &sink) { field, sink in try write(field, row, to: &sink) }
    }

    /// A row with raised values among its fields.
    private func writeOverridden(
        _ row: CurrencyFigures, _ layout: ObjectLayout<CurrencyFigure>, to sink: inout ByteSink
    ) throws {
        try layout.write(to: &sink) { field, sink in
            if let value = account.overridden(field.rawValue, asset: row.name) {
                value.copy(to: &sink)
                return
            }
            if !field.isBare { sink.byte(UInt8(ascii: "\"")) }
            if field.modes.contains(ModeSet(figures.mode)) {
                if let text = field.constant { sink.copy(text) } else { try write(field, row, to: &sink) }
            }
            if !field.isBare { sink.byte(UInt8(ascii: "\"")) }
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
