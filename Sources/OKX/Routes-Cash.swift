import JSON
import Ledger
import Numbers
import Venue

// What an account was charged and what it got, out of its events: interest and deposits.

extension AccountRequest {
    /// `account/interest-accrued`: interest of the past year, the latest first.
    func interestAccrued(_ history: TradingHistory) throws -> [UInt8] {
        let page = try Page(query, ids: 0)
        let oldest = snapshot.at.milliseconds - 365 * 86_400_000
        let currency = query.given("ccy")
        let name = query.given("instId")
        let mode = try query.word("mgnMode", of: ["cross", "isolated"])
        // Loans of VIPs are of type 1; all here are at the market's rates.
        let isWanted = try query.word("type", of: ["1", "2"]) != "1"
        let wanted = history.interest.reversed().filter { row in
            isWanted && (currency ?? row.asset).isExactly(row.asset)
                && (name ?? row.instrumentName).isExactly(row.instrumentName)
                && (mode ?? row.marginModeName) == row.marginModeName && row.at.milliseconds >= oldest
                && page.admits(paging: row.at)
        }
        try history.require(
            .interest,
            since: LedgerTime(
                milliseconds: max(oldest, page.lowest(of: wanted.map(\.at.milliseconds)) ?? oldest)))
        return try JSONWriter.reply { writer in
            for row in page.cut(wanted) {
                let daily = venue.rules(at: row.at).asset(row.asset)?.borrowRate
                writer.beginObject()
                writer.member("ccy", row.asset)
                writer.member("instId", row.instrumentName)
                try writer.member("interest", row.amount)
                writer.member("interestFreeLiab", literal: "")
                try writer.member("interestRate", daily.map(OKXVenue.hourlyRate))
                try writer.member("liab", row.liability)
                writer.member("mgnMode", row.marginModeName)
                writer.member("totalLiab", literal: "")
                writer.member("ts", row.at)
                writer.member("type", literal: "2")
                writer.endObject()
            }
        }
    }

    /// `asset/deposit-history`: every deposit, the latest first. All have arrived, over the currency's first
    /// network.
    func depositHistory(_ history: TradingHistory) throws -> [UInt8] {
        let page = try Page(query, ids: 0)
        let account = self.account.id
        let wants = (
            currency: query.given("ccy"), id: query.given("depId"), transaction: query.given("txId"),
            state: try query.digits("state"), type: try query.word("type", of: ["3", "4"])
        )
        let isAny =
            query.given("fromWdId") == nil && (wants.type ?? "4") == "4" && (wants.state ?? "2") == "2"
        let wanted = history.cashChanges.reversed().filter { change in
            guard case .deposited = change.body, isAny else { return false }
            let transaction = DepositID.transaction(change, account)
            return (wants.currency ?? change.asset).isExactly(change.asset)
                && (wants.id ?? DepositID.text(change)) == DepositID.text(change)
                && (wants.transaction ?? transaction) == transaction && page.admits(paging: change.at)
        }
        try history.require(
            .cashChanges,
            since: page.lowest(of: wanted.map(\.at.milliseconds)).map { LedgerTime(milliseconds: $0) })
        return try JSONWriter.reply { writer in
            for change in page.cut(wanted) {
                let chain = venue.rules(at: change.at).asset(change.asset)?.chains.first
                writer.beginObject()
                writer.member("actualDepBlkConfirm", literal: "1")
                try writer.member("amt", change.amount)
                writer.member("areaCodeFrom", literal: "")
                writer.member("ccy", change.asset)
                writer.member("chain", chain.map { "\(change.asset)-\($0)" } ?? "")
                writer.member("depId", DepositID.text(change))
                writer.empty(["from", "fromWdId"])
                writer.member("state", literal: "2")
                writer.member("to", literal: "")
                writer.member("ts", change.at)
                writer.member("txId", DepositID.transaction(change, account))
                writer.endObject()
            }
        }
    }
}

/// What a deposit is called.
private enum DepositID {
    /// `depId`: its place in the journal.
    static func text(_ change: CashChange) -> String { String(change.sequence) }

    /// `txId`: digits that are always the same for it; no transaction of any chain.
    static func transaction(_ change: CashChange, _ account: String) -> String {
        hexText(stableDigest(of: "okx deposit \(account) \(change.sequence)"))
    }
}

extension InterestRecord {
    /// `instId`; empty where no position owes it.
    fileprivate var instrumentName: String { position?.instrument.name ?? "" }

    /// `mgnMode`: what an account owes by itself backs its cross positions.
    fileprivate var marginModeName: String { (position?.marginMode ?? .cross).rawValue }
}
