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
