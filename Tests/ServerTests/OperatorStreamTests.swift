import JSON
import Ledger
import Numbers
import Testing
import Venue

@testable import Engine
@testable import Server

@Suite("Readers of the operator stream")
struct OperatorStreamTests {
    private func transition(_ account: String, isCalled: Bool) -> MarginTransition {
        MarginTransition(
            account: account, venue: VenueName(rawValue: "okx"), isCalled: isCalled,
            health: MarginHealth(equity: .zero, maintenance: .one, unit: "USD"),
            at: LedgerTime(milliseconds: 0))
    }

    private func told(
        _ log: MarginLog, _ place: inout MarginLog.Place, limit: Int = 100
    ) -> [String] {
        var all: [String] = []
        while true {
            let some = log.next(after: &place, limit: limit)
            #expect(some.count <= limit)
            if some.isEmpty { return all }
            all += some.map { ($0.isCalled ? "+" : "-") + $0.account }
        }
    }

    @Test("A new reader is told of the calls that stand, then of what changes, at its own pace")
    func marginLog() {
        var log = MarginLog()
        var early = log.beginning
        let news = [("a", true), ("b", true), ("c", true), ("a", true), ("d", false), ("b", false)].map {
            log.note(transition($0.0, isCalled: $0.1))
        }
        #expect(news == [true, true, true, false, false, true])
        var late = log.beginning
        #expect(told(log, &late, limit: 1) == ["+a", "+c"])
        #expect(told(log, &early, limit: 2) == ["+a", "+c", "-b"])
        #expect(told(log, &late) == [])
        _ = log.note(transition("b", isCalled: true))
        _ = log.note(transition("a", isCalled: false))
        _ = log.note(transition("a", isCalled: true))
        #expect(told(log, &late) == ["+b", "+a"])
        #expect(told(log, &early) == ["+b", "+a"])
    }

    @Test("However often margins change, the log holds each account once, and no reader loses its place")
    func marginLogStaysSmall() {
        var log = MarginLog()
        var place = log.beginning
        var state: [String: Bool] = [:]
        for round in 0..<20_000 {
            let name = "desk-\(round % 97)"
            let isCalled = state[name] != true
            state[name] = isCalled
            _ = log.note(transition(name, isCalled: isCalled))
            // A reader that looks now and then.
            if round % 1_013 == 0 {
                _ = told(log, &place)
            }
        }
        var seen: [String: Bool] = [:]
        var fresh = log.beginning
        for text in told(log, &fresh) { seen[String(text.dropFirst())] = text.first == "+" }
        #expect(seen == state.filter { $0.value })
        _ = told(log, &place)
        #expect(told(log, &place) == [])
    }

    private func change(_ count: Int, note: String = "") -> FeedChange {
        let settings = Settings([("note", .string(note))])
        let event = Event(
            sequence: 1, at: LedgerTime(milliseconds: 0), account: "desk", body: .configured(settings))
        return FeedChange(
            sequence: 1, events: Array(repeating: event, count: count), pricedVenues: [])
    }

    @Test("No more bytes wait for a reader than may: beyond them it goes on from the journal")
    func mail() {
        let subscriber = StreamSubscriber()
        subscriber.ledgerChanged(change(100))
        #expect(subscriber.take().events.count == 100)
        let long = String(repeating: "x", count: 100_000)
        for _ in 0..<10 { subscriber.ledgerChanged(change(1, note: long)) }
        let some = subscriber.take()
        #expect(some.events.count == 10 && !some.isBehind)
        for _ in 0..<11 { subscriber.ledgerChanged(change(1, note: long)) }
        subscriber.ledgerChanged(change(1))
        let none = subscriber.take()
        #expect(none.events.isEmpty && none.isBehind)
        subscriber.ledgerChanged(change(1))
        let again = subscriber.take()
        #expect(again.events.count == 1 && !again.isBehind)
    }
}
