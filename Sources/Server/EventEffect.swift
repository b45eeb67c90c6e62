import Engine
import JSON
import Ledger
import Numbers
import Venue

/// What brought an event about.
enum EventCause {
    /// A command, or a request of a venue's client, with the command's id where it had one.
    case command(String?)
    /// Another event, such as the price that an order had waited for.
    case event(ToldEvent)
    /// Time has passed.
    case time

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        switch self {
        case .command(let id):
            writer.member("kind", "command")
            writer.key("command_id")
            if let id { writer.string(id) } else { writer.null() }
        case .event(let told):
            writer.member("kind", "event")
            writer.beginObject("event")
            told.stored.writeMembers(to: &writer)
            writer.endObject()
        case .time: writer.member("kind", "time")
        }
        writer.endObject()
    }
}

/// An account at a place of the journal, with its figures.
struct AccountMoment {
    let snapshot: AccountSnapshot
    /// None where one of them could not be worked out.
    let figures: [Explanation]
    /// Why they could not.
    let complaint: String?
}

/// What an event changed of an account: its figures right before and right after it, and the prices and rules
/// that they were worked out with.
struct EventEffect {
    /// One figure.
    struct Change {
        let path: String
        let field: String
        /// Nil where it was not there.
        let before: String?
        let after: String?

        func write(to writer: inout JSONWriter) {
            writer.beginObject()
            writer.member("path", path)
            writer.member("field", field)
            for (key, value) in [("before", before), ("after", after)] as [(StaticString, String?)] {
                writer.key(key)
                if let value { writer.string(value) } else { writer.null() }
            }
            writer.endObject()
        }
    }

    private let event: Event
    private let before: AccountMoment?
    private let after: AccountMoment?
    private let model: any VenueServer

    init(of event: Event, _ before: AccountMoment?, _ after: AccountMoment?, _ model: any VenueServer) {
        self.event = event
        self.before = before
        self.after = after
        self.model = model
    }

    /// Every figure of the account endpoint's body, as it was and as it became.
    private var figures: [Change] {
        let earlier = Dictionary((before?.figures ?? []).map { ($0.path, $0) }) { first, _ in first }
        let later = Set((after?.figures ?? []).map(\.path))
        let kept = (after?.figures ?? []).map { figure in
            Change(
                path: figure.path, field: figure.field, before: earlier[figure.path]?.value,
                after: figure.value)
        }
        let gone = (before?.figures ?? []).filter { !later.contains($0.path) }
        return kept + gone.map { Change(path: $0.path, field: $0.field, before: $0.value, after: nil) }
    }

    /// The figures of some names, whether they changed or not.
    func checks(_ names: [String]) -> [Change] { figures.filter { names.contains($0.field) } }

    /// Writes `rulebook`, `prices`, `terms` of what was traded, and `changes`.
    func write(to writer: inout JSONWriter) {
        let rulebook =
            model.rulebookVersions.last { $0.effective <= event.at } ?? model.rulebookVersions.first
        if let rulebook { OperatorAPI.write(rulebook, to: &writer) }
        // Prices are worked with as they are once they have come, all else with those that stood before.
        let priced = event.body.market == nil ? before : after
        let instruments = event.body.instruments(in: (before ?? after)?.snapshot.account)
        writer.array("prices", of: priced == nil ? [] : instruments) { instrument, writer in
            if let priced { write(instrument, priced.snapshot, to: &writer) }
        }
        if let terms { write(terms, to: &writer) }
        if let complaint = after?.complaint ?? before?.complaint {
            writer.member("figures_unavailable", complaint)
            return writer.array("changes", of: [Change]()) { $0.write(to: &$1) }
        }
        writer.array("changes", of: figures.filter { $0.before != $0.after }) { $0.write(to: &$1) }
    }

    /// How the venue trades what was traded; nil where nothing was.
    private var terms: TradingTerms? {
        guard let account = (before ?? after)?.snapshot.account else { return nil }
        switch event.body {
        case .orderPlaced(let order), .orderRefused(let order, _):
            return model.tradingTerms(of: order.instrument, in: account, at: event.at)
        case .filled(let fill): return model.tradingTerms(of: fill.instrument, in: account, at: event.at)
        default: return nil
        }
    }

    private func write(_ terms: TradingTerms, to writer: inout JSONWriter) {
        writer.beginObject("terms")
        writer.member("tick", terms.tick.description)
        if terms.lot.isPositive { writer.member("lot", terms.lot.description) }
        writer.member("maker_rate", terms.makerRate.description)
        writer.member("taker_rate", terms.takerRate.description)
        if case .filled(let fill) = event.body, let liquidity = fill.liquidity {
            writer.member("liquidity", liquidity.rawValue)
            writer.member("rate", terms.rate(liquidity).description)
        }
        writer.endObject()
    }

    private func write(_ instrument: Instrument, _ snapshot: AccountSnapshot, to writer: inout JSONWriter) {
        let market = model.market(snapshot.prices, at: snapshot.at)
        let quote = snapshot.prices.quotes[instrument.name]
        writer.beginObject()
        writer.member("instrument", instrument.name)
        let known: [(StaticString, ExactDecimal?)] = [
            ("mark", market.mark(instrument)), ("bid", quote?.bid), ("ask", quote?.ask),
            ("bid_size", quote?.bidSize), ("ask_size", quote?.askSize), ("last", quote?.last),
        ]
        for (key, price) in known { if let price { writer.member(key, price.description) } }
        writer.beginObject("index")
        var assets: [String] = []
        for asset in [instrument.base, instrument.quote, instrument.settle] where !assets.contains(asset) {
            assets.append(asset)
            if let price = market.index(asset) {
                writer.key(asset)
                writer.string(price.description)
            }
        }
        writer.endObject()
        writer.endObject()
    }
}

extension ToldEvent {
    /// Whether it is of an account, or of its venue's market.
    func concerns(_ account: Account) -> Bool {
        stored.account.isExactly(account.id) || stored.counterparty.isExactly(account.id)
            || event.body.market == account.venue
    }
}
