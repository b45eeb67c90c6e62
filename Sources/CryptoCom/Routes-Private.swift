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
        do {
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
        } catch let error as VenueError {
            throw error
        } catch {
            throw VenueError(figureError: error)
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
        writer.key("data")
        writer.beginArray()
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
        writer.key("this_account")
        writer.beginObject()
        writer.key("uuid")
        writer.string(StableIdentifier.uuid(account: account.id))
        writer.hierarchy(isChild: account.parent != nil)
        writer.endObject()
        writer.key("master_account")
        write(access.snapshot(of: main)?.account ?? account, main: main, isChild: false, to: &writer)
        writer.key("sub_account_list")
        writer.beginArray()
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
        writer.key("uuid")
        writer.string(StableIdentifier.uuid(account: account.id))
        writer.hierarchy(isChild: isChild)
        writer.key("master_account_uuid")
        writer.string(StableIdentifier.uuid(account: main))
        if isChild {
            writer.key("label")
            writer.string(account.id)
        }
        for key in ["enabled", "tradable"] {
            writer.key(key)
            writer.bool(true)
        }
        writer.key("name")
        writer.string(account.id)
        for key in ["email", "mobile_number", "country_code", "address"] {
            writer.key(key)
            writer.literal("")
        }
        for key in ["margin_access", "derivatives_access"] {
            writer.key(key)
            writer.literal("DEFAULT")
        }
        writer.key("create_time")
        writer.integer(account.openedAt.milliseconds)
        writer.key("update_time")
        writer.integer(account.updatedAt.milliseconds)
        writer.key("two_fa_enabled")
        writer.bool(true)
        writer.key("kyc_level")
        writer.literal("ADVANCED")
        for key in ["suspended", "terminated"] {
            writer.key(key)
            writer.bool(false)
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
        writer.key("fee_credits")
        writer.beginArray()
        if credit.isPositive, page == 0, let year = Int(snapshot.at.iso8601.prefix(4)),
            let end = LedgerTime(iso8601: "\(year + 1)-12-31T23:59:00Z")
        {
            writer.beginObject()
            writer.key("expiry_date")
            writer.integer(end.milliseconds)
            writer.key("available_balance")
            writer.quoted(Figures.shownAmount(credit), minimumPlaces: 8)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    private func writeCurrencyNetworks(at time: LedgerTime, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("update_time")
        writer.integer(timeline.version(at: time).header.effective.milliseconds)
        writer.key("currency_map")
        writer.beginObject()
        for asset in rules(at: time).assets {
            guard let network = asset.network else { continue }
            writer.key(asset.name)
            writer.beginObject()
            writer.key("full_name")
            writer.string(asset.fullName)
            writer.key("default_network")
            writer.string(network.identifier)
            writer.key("network_list")
            writer.beginArray()
            writer.beginObject()
            writer.key("network_id")
            writer.string(network.identifier)
            writer.key("withdrawal_fee")
            writer.quoted(network.withdrawalFee, minimumPlaces: 8)
            writer.key("withdraw_enabled")
            writer.bool(true)
            writer.key("min_withdrawal_amount")
            writer.quoted(network.minimumWithdrawal)
            writer.key("deposit_enabled")
            writer.bool(true)
            writer.key("confirmation_required")
            writer.integer(0)
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
        key("hierarchy")
        literal(isChild ? "SUB_ACCOUNT" : "MASTER")
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
