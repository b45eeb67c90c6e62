import JSON
import Ledger
import Numbers
import Testing

/// Names that only look alike are two; journals from before that was so replay as they did.
@Suite struct LookalikeTests {
    private static let composed = "caf\u{e9}"
    private static let decomposed = "cafe\u{301}"
    private static let noon = LedgerTime(milliseconds: 1_780_315_200_000)

    /// The events of some commands, all of which are taken.
    private func events(_ commands: [String], in state: inout LedgerState) throws -> [Event] {
        var events: [Event] = []
        for text in commands {
            let command = try Command(decoding: JSONValue(parsing: text))
            events += try state.accept(command, judges: [TestVenue.place: TestVenue()], now: Self.noon)
        }
        return events
    }

    private static func open(_ account: String, parent: String? = nil) -> String {
        let parent = parent.map { ",\"parent\":\"\($0)\"" } ?? ""
        return "{\"type\":\"open_account\",\"account\":\"\(account)\",\"venue\":\"test\"\(parent)}"
    }

    private static let money = #"{"type":"deposit","account":"DESK","asset":"USD","amount":"999"}"#

    private static func order(_ id: String) -> String {
        """
        {"type":"place_order","account":"DESK","order_id":"\(id)","instrument":"BTC-PERP","side":"buy",
        "quantity":"2","price":"10"}
        """
    }

    private static func fill(_ id: String, _ quantity: String) -> String {
        """
        {"type":"fill","account":"DESK","order_id":"\(id)","instrument":"BTC-PERP","side":"buy",
        "quantity":"\(quantity)","price":"10"}
        """
    }

    @Test func ordersThatLookAlikeAreTwo() throws {
        var state = LedgerState()
        _ = try events(
            [Self.open("DESK"), Self.money, Self.order(Self.composed), Self.order(Self.decomposed)],
            in: &state)
        _ = try events([Self.fill(Self.decomposed, "2")], in: &state)
        #expect(
            try #require(state.account("DESK")).orders.map { ExactText($0.id) } == [ExactText(Self.composed)])
        for command in [
            Self.fill(Self.decomposed, "1"),
            "{\"type\":\"cancel_order\",\"account\":\"DESK\",\"order_id\":\"\(Self.decomposed)\"}",
        ] {
            let error = #expect(throws: Refusal.self) { _ = try events([command], in: &state) }
            #expect(error?.code == .unknownOrder)
        }
    }

    @Test func accountsAreFoundByTheirBytes() throws {
        var state = LedgerState()
        _ = try events([Self.open("DESK")], in: &state)
        #expect(state.account("DES\u{212a}") == nil)
        let error = #expect(throws: Refusal.self) {
            _ = try events(
                ["{\"type\":\"deposit\",\"account\":\"DES\u{212a}\",\"asset\":\"USD\",\"amount\":\"1\"}"],
                in: &state)
        }
        #expect(error?.code == .unknownAccount)
    }

    /// Such a journal may cancel and fill an order, and move money to an account, under a name that looks
    /// like the one it has.
    @Test func aJournalFromBeforeReplays() throws {
        var state = LedgerState()
        let told = try events(
            [
                Self.open("DESK"), Self.open("BANK", parent: "DESK"), Self.money, Self.order(Self.composed),
                Self.order("o2"), Self.fill(Self.composed, "1"),
                "{\"type\":\"cancel_order\",\"account\":\"DESK\",\"order_id\":\"\(Self.composed)\"}",
                "{\"type\":\"transfer\",\"account\":\"DESK\",\"to\":\"BANK\",\"asset\":\"USD\",\"amount\":\"4\"}",
            ], in: &state)
        var replayed = LedgerState()
        for event in told {
            var bytes: [UInt8] = []
            event.appendBody(to: &bytes)
            var body = String(decoding: bytes, as: UTF8.self)
            if event.typeName != "order_placed" {
                body = body.replacing(Self.composed, with: Self.decomposed)
            }
            body = body.replacing("BANK", with: "BAN\u{212a}")
            try replayed.apply(
                Event(
                    sequence: event.sequence, at: event.at, account: event.account, typeName: event.typeName,
                    body: JSONValue(parsing: body), instruments: replayed.instrumentTable))
        }
        #expect(replayed.account("DESK") == state.account("DESK"))
        #expect(replayed.account("BANK") == state.account("BANK"))
        #expect(state.account("DESK")?.orders.map(\.id) == ["o2"])
    }
}
