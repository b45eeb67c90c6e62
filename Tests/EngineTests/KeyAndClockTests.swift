import Engine
import Journal
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@Suite struct KeyAndClockTests {
    @Test func keysHoldAcrossRestartsUntilRevoked() async throws {
        let folder = try TemporaryFolder()
        var engine = try await engine(folder)
        try await engine.apply(open("a"), open("b"))
        let made = try await engine.issueKey(account: "a", permissions: [.read])
        let given = try await engine.issueKey(
            account: "a", permissions: [.read, .trade], addresses: [try #require(AddressRange("10.0.0.0/8"))],
            apiKey: "mine", secret: "hush", passphrase: "word")
        #expect(given.apiKey == "mine")
        #expect(given.secret == "hush")
        let secret = engine.access(for: TestVenue.name).tokenSecret
        await engine.stop()
        engine = try await Self.plainEngine(reopened(folder))
        #expect(engine.keys(of: "a").map(\.apiKey) == [made.apiKey, "mine"])
        #expect(engine.keys(of: "b").isEmpty)
        let access = engine.access(for: TestVenue.name)
        let key = try #require(access.key("mine"))
        #expect(key.account == "a")
        #expect(key.secret == "hush")
        #expect(key.passphrase?.matches("word") == true)
        #expect(key.passphrase?.matches("work") == false)
        #expect(key.permissions == [.read, .trade])
        #expect(key.addresses.map(\.text) == ["10.0.0.0/8"])
        #expect(access.tokenSecret == secret)
        #expect(secret.count >= 32)
        #expect(try await engine.revokeKey("mine", of: "b") == false)
        #expect(try await engine.revokeKey("mine", of: "a"))
        #expect(try await engine.revokeKey("mine", of: "a") == false)
        #expect(access.key("mine") == nil)
        await engine.stop()
        engine = try await Self.plainEngine(reopened(folder))
        #expect(engine.keys(of: "a").map(\.apiKey) == [made.apiKey])
    }

    private static func plainEngine(_ store: any JournalStore) async throws -> LedgerEngine {
        try await engine(store)
    }

    /// What is told as failed may have been done: the next change rests on what the store has.
    @Test func aKeyIsWhatTheStoreHasAlsoAfterAFailure() async throws {
        let folder = try TemporaryFolder()
        let store = FaultyStore(try openJournal(folder.location))
        let engine = try await engine(store)
        try await engine.apply(open("a"))
        func issue() async throws {
            _ = try await engine.issueKey(
                account: "a", permissions: [.read], apiKey: "mine", secret: "hush", passphrase: "word")
        }
        store.set(.failsAfter)
        await #expect(throws: Refusal.self) { try await issue() }
        store.set(nil)
        #expect(try await engine.revokeKey("mine", of: "a"), "it is in the store")
        try await issue()
        // The mark of a revoked key is there from now on, so that taking the key away is what fails.
        store.set(.failsAfter)
        await #expect(throws: Refusal.self) { try await engine.revokeKey("mine", of: "a") }
        store.set(nil)
        try await issue()
        await engine.stop()
        let again = try await Self.plainEngine(reopened(folder))
        #expect(again.keys(of: "a").map(\.apiKey) == ["mine"], "its making was acknowledged")
    }

    @Test func theSameKeyAgainChangesNothingAndAnotherIsRefused() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("a"), open("b"))
        func issue(
            _ account: String, secret: String = "s", passphrase: String = "p",
            permissions: Set<APIKey.Permission> = [.read]
        ) async throws(Refusal) {
            _ = try await engine.issueKey(
                account: account, permissions: permissions, apiKey: "k", secret: secret,
                passphrase: passphrase)
        }
        try await issue("a")
        try await issue("a")
        #expect(engine.keys(of: "a").count == 1)
        for attempt in 0..<4 {
            let error = await #expect(throws: Refusal.self) {
                switch attempt {
                case 0: try await issue("b")
                case 1: try await issue("a", secret: "t")
                case 2: try await issue("a", passphrase: "q")
                default: try await issue("a", permissions: [.read, .trade])
                }
            }
            #expect(error?.code == .keyExists)
        }
    }

    @Test(arguments: ["", "a b", "a\u{7}", "ключ", String(repeating: "x", count: 129)])
    func keysThatNoHeaderCanCarryAreRefused(apiKey: String) async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("a"))
        let error = await #expect(throws: Refusal.self) {
            _ = try await engine.issueKey(account: "a", permissions: [.read], apiKey: apiKey)
        }
        #expect(error?.field == "api_key")
        #expect(engine.keys(of: "a").isEmpty)
        await #expect(throws: Refusal.self) {
            _ = try await engine.issueKey(account: "nobody", permissions: [.read])
        }
    }

    @Test func theStandingClockMovesForwardOnly() throws {
        let clock = LedgerClock.standing(at: noon)
        #expect(clock.now() == noon)
        try clock.advance(by: 5)
        #expect(clock.now().milliseconds == noon.milliseconds + 5)
        #expect(throws: Refusal.self) { try clock.set(noon) }
        #expect(throws: Refusal.self) { try clock.advance(by: -1) }
        #expect(throws: Refusal.self) { try clock.advance(by: .max) }
        #expect(clock.now().milliseconds == noon.milliseconds + 5)
        try clock.set(LedgerTime(milliseconds: noon.milliseconds + 9))
        #expect(clock.now().milliseconds == noon.milliseconds + 9)
        #expect(throws: Refusal.self) { try LedgerClock.system.advance(by: 1) }
        #expect(throws: Refusal.self) { try LedgerClock.system.set(noon) }
    }

    @Test func aKeyIsMadeOnceForALedger() async throws {
        let folder = try TemporaryFolder()
        var engine = try await engine(folder)
        try await engine.apply(open("a"), open("b"))
        func once(_ account: String, secret: String = "s") async throws -> EarlierKey? {
            let outcome = try await engine.issueKeyOnce(
                account: account, permissions: [.read], apiKey: "k", secret: secret, passphrase: "p")
            if case .earlier(let earlier) = outcome { return earlier }
            return nil
        }
        #expect(try await once("a") == nil)
        #expect(try await once("a") == .same)
        #expect(try await once("a", secret: "t") == .other)
        await #expect(throws: Refusal.self) { _ = try await once("b") }
        #expect(try await engine.revokeKey("k", of: "a"))
        for restarts in [false, true] {
            if restarts {
                await engine.stop()
                engine = try await Self.plainEngine(reopened(folder))
            }
            #expect(try await once("a") == .revoked)
            #expect(try await once("b") == .revoked)
            #expect(engine.access(for: TestVenue.name).key("k") == nil)
        }
        // Asked for by name it is made again, and its content is nobody's business but the operator's.
        _ = try await engine.issueKey(
            account: "b", permissions: [.read], apiKey: "k", secret: "u", passphrase: "p")
        #expect(try await once("a") == .other)
        #expect(engine.access(for: TestVenue.name).key("k")?.account == "b")
        await engine.stop()
    }

    @Test func aKeyThatWasNeverMadeOnceIsInTheWay() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("a"), open("b"))
        _ = try await engine.issueKey(
            account: "a", permissions: [.read], apiKey: "k", secret: "s", passphrase: "p")
        let error = await #expect(throws: Refusal.self) {
            _ = try await engine.issueKeyOnce(
                account: "b", permissions: [.read], apiKey: "k", secret: "s", passphrase: "p")
        }
        #expect(error?.code == .keyExists)
        // A revoked key stays revoked, whoever had made it.
        #expect(try await engine.revokeKey("k", of: "a"))
        let outcome = try await engine.issueKeyOnce(
            account: "b", permissions: [.read], apiKey: "k", secret: "s", passphrase: "p")
        guard case .earlier(.revoked) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test func keysThatLookAlikeAreTwo() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("a"))
        _ = try await engine.issueKey(account: "a", permissions: [.read], apiKey: "KEY", secret: "s")
        let access = engine.access(for: TestVenue.name)
        #expect(access.key("KEY") != nil)
        #expect(access.key("\u{212a}EY") == nil)
        #expect(try await engine.revokeKey("\u{212a}EY", of: "a") == false)
        #expect(access.key("KEY") != nil)
    }

    // MARK: - The clock

    private func at(_ offset: Int64) -> LedgerTime { LedgerTime(milliseconds: noon.milliseconds + offset) }

    @Test func theClockIsKeptWithTheLedger() async throws {
        let folder = try TemporaryFolder()
        var engine = try await engine(folder)
        try await engine.moveClock(.to(at(5)))
        try await engine.moveClock(.by(7))
        await #expect(throws: Refusal.self) { try await engine.moveClock(.to(at(11))) }
        await engine.stop()
        engine = try await Self.plainEngine(reopened(folder))
        #expect(engine.clock.setting == .standing(at(12)))
        // Later than the clock, as an event may be: the clock goes with it.
        try await engine.apply(
            open("a"),
            #"{"type":"deposit","account":"a","asset":"USD","amount":"1","at":\#(at(99).milliseconds)}"#)
        #expect(engine.clock.now() == at(99))
        await engine.stop()
        engine = try await Self.plainEngine(reopened(folder))
        #expect(engine.clock.now() == at(99))
        await engine.stop()
    }

    @Test func aMoveThatCannotBeKeptIsNone() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store)
        store.set(.failsBefore)
        let error = await #expect(throws: Refusal.self) { try await engine.moveClock(.by(5)) }
        #expect(error?.code == .storeUnavailable)
        #expect(engine.clock.now() == noon)
        store.set(nil)
        #expect(try await engine.moveClock(.by(5)) == at(5))
    }

    @Test func whatIsNotAppliedMovesNoClock() async throws {
        let store = FaultyStore(try openJournal("memory:"))
        let engine = try await engine(store)
        try await engine.apply(open("a"))
        let late =
            #"{"type":"deposit","account":"a","asset":"USD","amount":"1","at":\#(at(99).milliseconds)}"#
        let refused = try [submission(late), submission(deposit("nobody", "1"))]
        guard case .refused = await engine.submit(refused, atomic: true) else {
            Issue.record("applied")
            return
        }
        try await engine.apply(open("b"))
        #expect(engine.account("b")?.openedAt == noon)
        store.set(.failsBefore)
        #expect(try await engine.apply(late).first?.refusalCode == .storeUnavailable)
        store.set(nil)
        try await engine.apply(open("c"))
        #expect(engine.account("c")?.openedAt == noon)
        #expect(engine.clock.now() == noon)
    }

    @Test func aStoreFromBeforeClocksWereKeptTakesTheFirstThatIsAskedFor() async throws {
        let folder = try TemporaryFolder()
        let engine = try await engine(folder)
        try await engine.apply(open("a"))
        await engine.stop()
        let store = FaultyStore(try await reopened(folder))
        store.setLacks(.clock)
        func opened(_ clock: LedgerClock, isGiven: Bool) async throws -> ClockSetting {
            try await LedgerEngine.open(
                store: store, venues: [TestVenue()], clock: clock, isClockGiven: isGiven
            ).clock.setting
        }
        #expect(try await opened(.system, isGiven: false) == .system)
        // Nobody has asked for that, so it is not kept. What is asked for is, from the last event on.
        #expect(try await opened(.standing(at: at(-5)), isGiven: true) == .standing(noon))
        #expect(try await opened(.system, isGiven: true) == .standing(noon))
    }

    @Test func eventsCarryTheClocksTime() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("a"))
        try engine.clock.advance(by: 60_000)
        try await engine.apply(deposit("a", "1"))
        #expect(engine.account("a")?.openedAt == noon)
        #expect(engine.account("a")?.updatedAt.milliseconds == noon.milliseconds + 60_000)
        let early = #"{"type":"deposit","account":"a","asset":"USD","amount":"1","at":\#(noon.milliseconds)}"#
        #expect(try await engine.apply(early).first?.refusalCode == .timeBackwards)
    }

    @Test func aVenueSeesItsOwnAccountsOnly() async throws {
        let engine = try await engine(openJournal("memory:"))
        try await engine.apply(open("a"), open("b", parent: "a"))
        let own = engine.access(for: TestVenue.name)
        #expect(own.snapshot(of: "a")?.account.id == "a")
        #expect(own.subaccounts(of: "a") == ["b"])
        #expect(engine.access(for: VenueName(rawValue: "other")).snapshot(of: "a") == nil)
        try await own.submit(Command(account: "a", content: .deposit(asset: "USD", amount: .one)))
        #expect(own.snapshot(of: "a")?.account.cash("USD") == .one)
        let error = await #expect(throws: Refusal.self) {
            try await own.submit(Command(account: "c", content: .deposit(asset: "USD", amount: .one)))
        }
        #expect(error?.code == .unknownAccount)
    }
}
