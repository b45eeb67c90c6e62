import JSON
import Ledger
import Numbers
import Venue

// What private methods answer, once a request is believed.

extension CryptoComVenue {
    /// The whole reply to a private request, over REST and on a socket; `history` is what a balance history
    /// shows, oldest first.
    func answer(
        _ method: Method, id: RequestIdentifier, _ params: JSONValue?, of snapshot: AccountSnapshot,
        history: [AccountSnapshot], _ access: any VenueAccess
    ) throws(VenueError) -> [UInt8] {
        var reply = ReplyWriter(
            id: id, method: method.rawValue,
            reserving: ReplyWriter.capacity(rows: snapshot.account.holdings.count))
        try VenueError.turning {
            switch method {
            case .userBalance: try writeUserBalance(of: snapshot, to: &reply.writer)
            case .subaccountBalances:
                try writeSubaccountBalances(of: snapshot.account.id, access, to: &reply.writer)
            case .userBalanceHistory: try writeBalanceHistory(history, to: &reply.writer)
            case .positions: try writePositions(of: snapshot, params, to: &reply.writer)
            case .openOrders: try writeOpenOrders(of: snapshot, params, to: &reply.writer)
            case .accounts: try writeAccounts(of: snapshot.account, params, access, to: &reply.writer)
            case .currencyNetworks: writeCurrencyNetworks(at: snapshot.at, to: &reply.writer)
            case .feeCredits: try writeFeeCredits(of: snapshot, params, to: &reply.writer)
            default: throw VenueError.methodNotFound
            }
        }
        return reply.finished()
    }

    // MARK: - Positions

    private func writePositions(
        of snapshot: AccountSnapshot, _ params: JSONValue?, to writer: inout JSONWriter
    ) throws {
        let wanted = try wantedInstrument(params, at: snapshot.at)
        let market = market(snapshot.prices, at: snapshot.at)
        writer.beginObject()
        writer.beginArray("data")
        for position in snapshot.account.positions
        where wanted.map(position.instrument.name.isExactly) ?? true {
            let mark = try MarkFigures(position.instrument, market, in: FigureBook())
            try PositionFigures(position, mark).write(Layouts.position, of: snapshot.account.id, to: &writer)
        }
        writer.endArray()
        writer.endObject()
    }

    // MARK: - Accounts and networks

    /// The account with a page of its sub-accounts; of a sub-account, the main account with all of them.
    private func writeAccounts(
        of account: Account, _ params: JSONValue?, _ access: any VenueAccess, to writer: inout JSONWriter
    ) throws {
        let size = try params.integer("page_size") ?? 20
        let page = try params.integer("page") ?? 0
        guard (1...1000).contains(size), (0...1_000_000).contains(page) else {
            throw VenueError.invalidArgument
        }
        let main = account.parent ?? account.id
        let children = access.subaccounts(of: main).dropFirst(Int(size * page)).prefix(Int(size))
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
    private func writeFeeCredits(
        of snapshot: AccountSnapshot, _ params: JSONValue?, to writer: inout JSONWriter
    ) throws {
        let size = try params.integer("page_size") ?? 200
        let page = try params.integer("page") ?? 0
        guard (1...200).contains(size), (0...1_000_000).contains(page) else {
            throw VenueError.invalidArgument
        }
        let credit = snapshot.account.holding(CryptoComRules.usd)?.credited(for: Earmark.fees) ?? .zero
        writer.beginObject()
        writer.beginArray("fee_credits")
        if credit.isPositive, page == 0, let year = Int(snapshot.at.iso8601.prefix(4)),
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

    private func writeCurrencyNetworks(at time: LedgerTime, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("update_time", timeline.version(at: time).header.effective.milliseconds)
        writer.beginObject("currency_map")
        for asset in rules(at: time).assets {
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

extension JSONValue? {
    /// A text argument; nil where it is absent or null. A value of another type is refused.
    func text(_ key: String) throws(VenueError) -> String? {
        guard let value = self?[key], !value.isNull else { return nil }
        guard let text = value.text else { throw .invalidRequest }
        return text
    }

    /// A number argument; nil where it is absent or null. A string is refused, as the venue does it.
    func integer(_ key: String) throws(VenueError) -> Int64? {
        guard let value = self?[key], !value.isNull else { return nil }
        guard let number = value.integer else { throw .invalidRequest }
        return number
    }
}
