import JSON
import Ledger
import Numbers
import Venue

// Account endpoints beside the balance: configuration, positions, leverage, interest.

extension OKXVenue {
    /// `account/config`: how the account is set up and what the key may do.
    static func configuration(of account: Account, _ key: APIKey) -> [UInt8] {
        let names: [(APIKey.Permission, String)] = [
            (.read, "read_only"), (.trade, "trade"), (.withdraw, "withdraw"),
        ]
        let permissions = names.filter { key.permissions.contains($0.0) }.map(\.1).joined(separator: ",")
        return JSONWriter.rowReply { writer in
            writer.member("acctLv", literal: account.mode.level)
            writer.member("acctStpMode", literal: "cancel_maker")
            writer.member("autoLoan", account.autoBorrows)
            writer.member("ctIsoMode", literal: "automatic")
            writer.member("enableSpotBorrow", account.spotBorrows)
            writer.member("feeType", literal: "0")
            writer.member("greeksType", literal: "PA")
            writer.member("ip", key.addresses.map(\.text).joined(separator: ","))
            writer.empty(["kycLv", "label"])
            writer.member("level", literal: "Lv1")
            writer.member("levelTmp", literal: "")
            writer.member("liquidationGear", literal: "-1")
            writer.member("mainUid", StableID.user(account.parent ?? account.id))
            writer.member("mgnIsoMode", literal: "automatic")
            writer.member("opAuth", literal: "0")
            writer.member("perm", permissions)
            writer.member("posMode", literal: account.isHedged ? "long_short_mode" : "net_mode")
            writer.member("roleType", literal: "0")
            writer.member("settleCcy", literal: "USD")
            writer.array("settleCcyList", of: ["USD", "USDT", "USDC"]) { currency, writer in
                writer.string(currency)
            }
            writer.member("spotBorrowAutoRepay", false)
            writer.member("spotOffsetType", literal: "")
            writer.member("spotRoleType", literal: "0")
            writer.emptyArray("spotTraderInsts")
            writer.member("stgyType", literal: "0")
            writer.emptyArray("traderInsts")
            writer.member("type", literal: account.parent == nil ? "0" : "1")
            writer.member("uid", StableID.user(account.id))
        }
    }
}

extension AccountRequest {
    /// The highest amounts that can be withdrawn (`account/max-withdrawal`).
    func maximumWithdrawals() throws -> [UInt8] {
        let filter = try CurrencyFilter(query["ccy"], rules: rules)
        let figures = try figures()
        return try JSONWriter.reply { writer in
            for row in figures.rows where filter.admits(row.place) {
                let most = try row.withdrawable()
                writer.beginObject()
                writer.member("ccy", row.name)
                // Cut, so that what is printed can be withdrawn.
                let shown = try most.rounded(places: 16, rounding: .towardZero)
                try writer.member("maxWd", shown)
                try writer.member("maxWdEx", shown)
                writer.empty(["spotOffsetMaxWd", "spotOffsetMaxWdEx"])
                writer.endObject()
            }
        }
    }

    /// `account/leverage-info`: the leverage of each instrument named, per side in hedge mode.
    func leverageInfo() throws -> [UInt8] {
        _ = try query.required("instId")
        guard let marginMode = MarginMode(rawValue: try query.required("mgnMode")) else {
            throw OKXError.parameterWrong("mgnMode")
        }
        let names = try query.list("instId", limit: 20) ?? []
        let sides: [PositionSide] = account.isHedged ? [.long, .short] : [.net]
        return try JSONWriter.reply { writer in
            for name in names {
                guard let instrument = rules.instrument(name) else { throw OKXError.instrumentUnknown }
                for side in sides {
                    writer.beginObject()
                    writer.member("ccy", literal: "")
                    writer.member("instId", instrument.terms.name)
                    try writer.member(
                        "lever",
                        account.leverageInForce(
                            of: instrument.terms, side: side, marginMode: marginMode, rules))
                    writer.member("mgnMode", marginMode.rawValue)
                    writer.member("posSide", side.rawValue)
                    writer.endObject()
                }
            }
        }
    }

    /// `account/interest-rate`: the rate of one hour, daily rate ÷ 24.
    func interestRates() throws -> [UInt8] {
        let filter = try CurrencyFilter(query["ccy"], rules: rules)
        return try JSONWriter.reply { writer in
            for (place, asset) in rules.assets.enumerated() where filter.admits(place) {
                guard let daily = asset.borrowRate else { continue }
                writer.beginObject()
                writer.member("ccy", asset.name)
                try writer.member("interestRate", OKXVenue.hourlyRate(daily: daily))
                writer.endObject()
            }
        }
    }

    /// `account/interest-limits`: debts, interest and what is left to borrow, per currency that is lent.
    func interestLimits() throws -> [UInt8] {
        let filter = try CurrencyFilter(query["ccy"], rules: rules)
        let figures = try figures()
        let debt = try figures.rows.products(.liab)
        let interest = try figures.rows.products(.interest)
        let hour: Int64 = 3_600_000
        let next = LedgerTime(milliseconds: (snapshot.at.milliseconds / hour + 1) * hour)
        return try JSONWriter.rowReply { writer in
            try writer.member("debt", debt)
            try writer.member("interest", interest)
            writer.member("loanAlloc", literal: "")
            writer.member("nextDiscountTime", next)
            writer.member("nextInterestTime", next)
            writer.beginArray("records")
            for (place, asset) in rules.assets.enumerated()
            where filter.admits(place) && asset.borrowRate != nil {
                try writeLimit(asset, figures.row(place), figures, to: &writer)
            }
            writer.endArray()
        }
    }

    private func writeLimit(
        _ asset: AssetRules, _ row: CurrencyFigures?, _ figures: AccountFigures, to writer: inout JSONWriter
    ) throws {
        let used = try row.map { try $0[.liab] } ?? .zero
        writer.beginObject()
        writer.member("availLoan", literal: "")
        try writer.member("avgRate", asset.borrowRate)
        writer.member("ccy", asset.name)
        try writer.member("interest", row.map { try $0[.interest] } ?? ExactFraction.zero)
        try writer.member("interestFreeLiab", figures.interestFreeLiability(of: asset, rules))
        try writer.member("loanQuota", asset.borrowQuota)
        writer.member("posLoan", literal: "")
        try writer.member(
            "potentialBorrowingAmt",
            row.map { try max(.zero, $0[.potentialBorrowing]) } ?? ExactFraction.zero)
        try writer.member("rate", asset.borrowRate)
        try writer.member("surplusLmt", max(.zero, ExactFraction(asset.borrowQuota) - used))
        writer.beginObject("surplusLmtDetails")
        writer.endObject()
        try writer.member("usedLmt", used)
        writer.member("usedLoan", literal: "")
        writer.endObject()
    }
}
