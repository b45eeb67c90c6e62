import JSON
import Ledger
import Numbers
import Venue

// What private methods answer, once a request is believed.

extension AccountRequest {
    /// The whole reply to a private request, over REST and on a socket; `history` is what a balance history
    /// shows, oldest first.
    func answer(history: [AccountSnapshot] = []) throws(VenueError) -> [UInt8] {
        var reply = ReplyWriter(
            id: id, method: method.rawValue,
            reserving: ReplyWriter.capacity(rows: account.holdings.count))
        try VenueError.turning {
            switch method {
            case .userBalance: try venue.writeUserBalance(of: snapshot, to: &reply.writer)
            case .subaccountBalances:
                try venue.writeSubaccountBalances(of: account.id, access, to: &reply.writer)
            case .userBalanceHistory: try venue.writeBalanceHistory(history, to: &reply.writer)
            case .positions: try writePositions(to: &reply.writer)
            case .openOrders: try writeOpenOrders(to: &reply.writer)
            case .accounts: try writeAccounts(to: &reply.writer)
            case .currencyNetworks: writeCurrencyNetworks(to: &reply.writer)
            case .feeCredits: try writeFeeCredits(to: &reply.writer)
            default: throw VenueError.methodNotFound
            }
        }
        return reply.finished()
    }

    // MARK: - Positions

    private func writePositions(to writer: inout JSONWriter) throws {
        let isWanted = try isWanted()
        let market = venue.market(snapshot.prices, at: snapshot.at)
        try writer.rows(account.positions.filter { isWanted($0.instrument) }) { position, writer in
            let mark = try MarkFigures(position.instrument, market, in: FigureBook())
            try PositionFigures(position, mark).write(Layouts.position, of: account.id, to: &writer)
        }
    }

    // MARK: - Accounts and networks

    /// A page of a list, the first one 0: how many are before it, and how many it has at most.
    private func page(usual: Int64, most: Int64) throws(VenueError) -> (before: Int, size: Int) {
        let size = try integer("page_size") ?? usual
        let page = try integer("page") ?? 0
        guard (1...most).contains(size), (0...1_000_000).contains(page) else { throw .invalidArgument }
        return (Int(size * page), Int(size))
    }

    /// The account with a page of its sub-accounts; of a sub-account, the main account with all of them.
    private func writeAccounts(to writer: inout JSONWriter) throws {
        let page = try page(usual: 20, most: 1000)
        let main = account.parent ?? account.id
        let children = access.subaccounts(of: main).dropFirst(page.before).prefix(page.size)
        writer.beginObject()
        // Both since 2026-04-07.
        writer.beginObject("this_account")
        writer.member("uuid", StableIdentifier.uuid(account: account.id))
        writer.hierarchy(isChild: account.parent != nil)
        writer.endObject()
        writer.key("master_account")
        write(access.snapshot(of: main)?.account ?? account, main: main, isChild: false, to: &writer)
        writer.beginArray("sub_account_list")
        for name in children {
            guard let child = access.snapshot(of: name)?.account else { continue }
            write(child, main: main, isChild: true, to: &writer)
        }
        writer.endArray()
        writer.endObject()
    }

    /// Personal data is not known here and left empty.
    private func write(_ account: Account, main: String, isChild: Bool, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("uuid", StableIdentifier.uuid(account: account.id))
        writer.hierarchy(isChild: isChild)
        writer.member("master_account_uuid", StableIdentifier.uuid(account: main))
        if isChild {
            writer.member("label", account.id)
        }
        for key: StaticString in ["enabled", "tradable"] {
            writer.member(key, true)
        }
        writer.member("name", account.id)
        for key: StaticString in ["email", "mobile_number", "country_code", "address"] {
            writer.member(key, literal: "")
        }
        for key: StaticString in ["margin_access", "derivatives_access"] {
            writer.member(key, literal: "DEFAULT")
        }
        writer.member("create_time", account.openedAt.milliseconds)
        writer.member("update_time", account.updatedAt.milliseconds)
        writer.member("two_fa_enabled", true)
        writer.member("kyc_level", literal: "ADVANCED")
        for key: StaticString in ["suspended", "terminated"] {
            writer.member(key, false)
        }
        writer.endObject()
    }

    /// What is left of fee credits, as one row: here they have one day of expiry, the last one of next year.
    ///
    /// The campaigns that a main account is told of are not known here; their fields are optional.
    private func writeFeeCredits(to writer: inout JSONWriter) throws {
        let page = try page(usual: 200, most: 200)
        let credit = account.holding(CryptoComRules.usd)?.credited(for: Earmark.fees) ?? .zero
        writer.beginObject()
        writer.beginArray("fee_credits")
        if credit.isPositive, page.before == 0, let year = Int(snapshot.at.iso8601.prefix(4)),
            let end = LedgerTime(iso8601: "\(year + 1)-12-31T23:59:00Z")
        {
            writer.beginObject()
            writer.member("expiry_date", end.milliseconds)
            writer.member("available_balance", quoted: Figures.shownAmount(credit), minimumPlaces: 8)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    private func writeCurrencyNetworks(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member(
            "update_time", venue.timeline.version(at: snapshot.at).header.effective.milliseconds)
        writer.beginObject("currency_map")
        for asset in rules.assets {
            guard let network = asset.network else { continue }
            writer.key(asset.name)
            writer.beginObject()
            writer.member("full_name", asset.fullName)
            writer.member("default_network", network.identifier)
            writer.beginArray("network_list")
            writer.beginObject()
            writer.member("network_id", network.identifier)
            writer.member("withdrawal_fee", quoted: network.withdrawalFee, minimumPlaces: 8)
            writer.member("withdraw_enabled", true)
            writer.member("min_withdrawal_amount", quoted: network.minimumWithdrawal)
            writer.member("deposit_enabled", true)
            writer.member("confirmation_required", 0)
            writer.endObject()
            writer.endArray()
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
    }
}

extension JSONWriter {
    /// Whether an account is the main one.
    fileprivate mutating func hierarchy(isChild: Bool) {
        member("hierarchy", literal: isChild ? "SUB_ACCOUNT" : "MASTER")
    }
}
