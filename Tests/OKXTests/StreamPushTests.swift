import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// What `account` and `positions` push, held against what REST answers at the same moment.
@Suite struct StreamPushTests {
    /// The account object of REST in a push's form: three fields more, one called otherwise.
    private func pushedForm(_ account: JSONValue, _ world: TestWorld<OKXVenue>) throws -> JSONValue {
        let prices = world.prices()
        let rules = world.model.rules(at: world.ledgerTime())
        let market = world.model.market(prices, rules)
        var object = try #require(account.object)
        for place in object.members.indices where object.members[place].key == "details" {
            let rows = try #require(object.members[place].value.elements)
            object.members[place].value = .array(
                try rows.map { row in
                    var members = try #require(row.object).members
                    let index = try market.requiredIndex(row["ccy"]?.text ?? "")
                    members.append(("coinUsdPrice", .string(index.description)))
                    members.append(("autoLendAmt", .string("0")))
                    members.append(("autoStakingStatus", .string("unsupported")))
                    for place in members.indices where members[place].key == "maxSpotInUse" {
                        members[place].key = "maxSpotInUseAmt"
                    }
                    members.sort { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
                    return .object(JSONObject(members))
                })
        }
        return .object(object)
    }

    private func busy(_ settings: String) throws -> TestWorld<OKXVenue> {
        let world = try streamWorld(settings)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"10000.5""#),
            ("deposit", #""asset":"BTC","amount":"1.25""#), ("deposit", #""asset":"ETH","amount":"3""#))
        return world
    }

    /// The first snapshot is the balance, byte for byte, in every mode.
    @Test(arguments: AccountMode.allCases)
    func snapshotIsTheBalance(_ mode: AccountMode) throws {
        let world = try busy(#"{"mode":"\#(mode.rawValue)"}"#)
        if mode.hasDerivatives {
            try world.run(
                "desk",
                ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"59000.1""#))
        }
        let push = try #require(try world.subscribed(#"{"channel":"account"}"#).pushes.first)
        #expect(push.object?.keys == ["arg", "eventType", "curPage", "lastPage", "data"])
        #expect(
            push["arg"]?.description == #"{"channel":"account","uid":"\#(StableID.user("desk"))"}"#)
        #expect(push["eventType"]?.text == "snapshot" && push["curPage"]?.integer == 1)
        #expect(push["lastPage"]?.boolean == true && push["data"]?.elements?.count == 1)
        let expected = try pushedForm(world.balance("desk"), world)
        #expect(push.first?.description == expected.description)
        #expect(push.first?.detail("BTC")?.object?.keys == CurrencyFigure.fields.map(\.pushedName))
    }

    /// An update has the account's figures and the rows that have changed, as REST has them now.
    @Test func updatesHaveWhatChanged() throws {
        let world = try busy("{}")
        var (stream, _) = try world.subscribed(#"{"channel":"account"}"#)
        try world.run("desk", ("withdraw", #""asset":"ETH","amount":"1""#))
        let pushes = try stream.pushes()
        #expect(pushes.count == 1)
        let push = try #require(pushes.first)
        #expect(push.object?.keys == ["arg", "eventType", "data"])
        #expect(push["eventType"]?.text == "event_update")
        var expected = try #require(try pushedForm(world.balance("desk"), world).object)
        for place in expected.members.indices where expected.members[place].key == "details" {
            let rows = expected.members[place].value.elements ?? []
            expected.members[place].value = .array(rows.filter { $0["ccy"]?.text == "ETH" })
        }
        #expect(push.first?.description == JSONValue.object(expected).description)
    }

    /// Events of fifty milliseconds are one push, at their end.
    @Test func aggregation() throws {
        let world = try busy("{}")
        var (stream, _) = try world.subscribed(#"{"channel":"account"}"#)
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"1""#))
        #expect(try stream.pushes(after: 30).isEmpty)
        try world.run("desk", ("deposit", #""asset":"BTC","amount":"1""#))
        #expect(try stream.pushes(after: 19).isEmpty)
        let pushes = try stream.pushes(after: 1)
        #expect(pushes.count == 1)
        #expect(pushes.first?.first?["details"]?.elements?.map { $0.text("ccy") } == ["BTC", "USDT"])
        #expect(try stream.pushes().isEmpty)
    }

    /// What is undone before the push is none.
    @Test func orderPlacedAndCancelled() throws {
        let world = try busy("{}")
        var (stream, _) = try world.subscribed(#"{"channel":"account"}"#)
        let order =
            #""order_id":"a","instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"59000""#
        try world.run("desk", ("place_order", order), ("cancel_order", #""order_id":"a""#))
        #expect(try stream.pushes().isEmpty)
        try world.run("desk", ("place_order", order))
        let push = try #require(try stream.pushes().first)
        #expect(push.first?.text("ordFroz") != "0")
        #expect(push.first?["details"]?.elements?.map { $0.text("ccy") } == ["USDT"])
        try world.run("desk", ("cancel_order", #""order_id":"a""#))
        #expect(try stream.pushes().first?.first?.text("ordFroz") == "0")
    }

    /// Each kind of change that is neither money nor a trade.
    @Test(
        arguments: [
            ("set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"7""#, ["USDT"]),
            ("raise", #""flag":"colRes","asset":"ETH","value":"2""#, ["ETH"]),
            ("raise", #""flag":"delta","value":"12""#, []),
            ("configure", #""settings":{"auto_borrow":true}"#, ["BTC", "USDT", "ETH"]),
            ("set_leverage", #""instrument":"ETH-USDT-SWAP","leverage":"7""#, nil),
        ] as [(String, String, [String]?)])
    func otherChanges(type: String, members: String, currencies: [String]?) throws {
        let world = try busy("{}")
        try world.run(
            "desk", ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"59000""#))
        var (stream, _) = try world.subscribed(#"{"channel":"account"}"#)
        try world.run("desk", (type, members))
        let push = try stream.pushes().first
        #expect(push?.first?["details"]?.elements?.compactMap { $0.text("ccy") } == currencies)
    }

    /// A currency that has come to nothing is told once, and is in no snapshot.
    @Test func emptiedCurrency() throws {
        let world = try busy("{}")
        var (stream, _) = try world.subscribed(#"{"channel":"account"}"#)
        try world.run("desk", ("withdraw", #""asset":"ETH","amount":"3""#))
        expect(try stream.pushes().first?.first?.detail("ETH"), ["eq": "0", "cashBal": "0"])
        stream.wait(5000)
        let snapshot = try #require(try stream.takeJSON().first { $0["eventType"]?.text == "snapshot" })
        #expect(snapshot.first?.detail("ETH") == nil)
        #expect(snapshot.first?.detail("BTC") != nil)
    }

    /// A snapshot has rows of which eq, availEq or availBal is not 0: not that of a currency whose cash a
    /// loss has eaten exactly, which REST has.
    @Test func inclusion() throws {
        let world = try streamWorld(#"{"mode":"futures"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"10""#),
            // One hundredth of a coin, bought 1000 above the mark: a loss of 10.
            (
                "import_position",
                #""instrument":"BTC-USDT-SWAP","quantity":"1","entry_price":"61000""#
            ))
        expect(
            try world.balance("desk").detail("USDT"),
            ["cashBal": "10", "eq": "0", "availEq": "0", "availBal": "0"])
        let empty = try #require(try world.subscribed(#"{"channel":"account"}"#).pushes.first)
        #expect(empty.first?.detail("USDT") == nil)
        try world.run("desk", ("withdraw", #""asset":"USDT","amount":"0.5","force":true"#))
        let owing = try #require(try world.subscribed(#"{"channel":"account"}"#).pushes.first)
        expect(owing.first?.detail("USDT"), ["eq": "-0.5", "availEq": "0", "availBal": "0"])
    }

    @Test func oneCurrency() throws {
        let world = try busy("{}")
        var (stream, pushes) = try world.subscribed(#"{"channel":"account","ccy":"BTC"}"#)
        let first = try #require(pushes.first)
        #expect(
            first["arg"]?.description
                == #"{"channel":"account","uid":"\#(StableID.user("desk"))","ccy":"BTC"}"#)
        #expect(first.first?["details"]?.elements?.map { $0.text("ccy") } == ["BTC"])
        #expect(try first.first?.text("totalEq") == world.balance("desk").text("totalEq"))
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"1""#))
        #expect(try stream.pushes().isEmpty)
        try world.run("desk", ("deposit", #""asset":"BTC","amount":"1""#))
        #expect(try stream.pushes().count == 1)
    }

    /// Every five seconds, with the prices of then; not at all with `updateInterval` "0".
    @Test func regularPushes() throws {
        let world = try busy("{}")
        var (stream, _) = try world.subscribed(#"{"channel":"account"}"#)
        stream.wait(4999)
        #expect(stream.takeTexts().isEmpty)
        try world.prices(index: #"{"BTC":"61000"}"#)
        #expect(try stream.pushes(after: 0).isEmpty)
        stream.wait(1)
        let push = try #require(try stream.takeJSON().first)
        #expect(push["eventType"]?.text == "snapshot")
        expect(push.first?.detail("BTC"), ["coinUsdPrice": "61000", "eqUsd": "76250"])
        stream.wait(10_000)
        #expect(stream.takeTexts().count == 2)
        let still = #"{"channel":"account","extraParams":"{\"updateInterval\":\"0\"}"}"#
        _ = try stream.subscribe(still)
        stream.wait(20_000)
        #expect(stream.takeTexts().isEmpty)
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"1""#))
        #expect(try stream.pushes().count == 1)
    }

    /// An event's push goes before a regular one that is due at the same time.
    @Test func eventBeforeRegular() throws {
        let world = try busy("{}")
        var (stream, _) = try world.subscribed(#"{"channel":"account"}"#)
        stream.wait(4950)
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"1""#))
        #expect(try stream.pushes().compactMap { $0["eventType"]?.text } == ["event_update", "snapshot"])
    }

    /// An account that never held anything has a snapshot without rows.
    @Test func emptyAccount() throws {
        let world = try streamWorld()
        let push = try #require(try world.subscribed(#"{"channel":"account"}"#).pushes.first)
        #expect(push.first?["details"]?.elements?.isEmpty == true)
        expect(push.first, ["totalEq": "0"])
    }

    // MARK: - Positions

    /// Rows are those of `account/positions`, with the time of the push.
    @Test(arguments: [AccountMode.futures, .multi, .portfolio])
    func positionsAreThoseOfREST(_ mode: AccountMode) async throws {
        let world = try busy(#"{"mode":"\#(mode.rawValue)"}"#)
        world.addKey(account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase")
        try world.run(
            "desk",
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"sell","quantity":"3.5","price":"59000.1""#),
            ("fill", #""instrument":"BTC-USD-261225","side":"buy","quantity":"30","price":"61000""#))
        let (_, pushes) = try world.subscribed(#"{"channel":"positions","instType":"ANY"}"#)
        let push = try #require(pushes.first)
        #expect(push.object?.keys == ["arg", "eventType", "curPage", "lastPage", "data"])
        #expect(
            push["arg"]?.description
                == #"{"channel":"positions","uid":"\#(StableID.user("desk"))","instType":"ANY"}"#)
        let served = try await world.data("GET", "/api/v5/account/positions")
        let rows = try #require(push["data"]?.elements)
        #expect(rows.count == 2 && served.count == 2)
        for (row, expected) in zip(rows, served) {
            #expect(row.object?.keys == PositionRowFigure.fields.map(\.rawValue))
            let members = row.object?.members.filter { $0.key != "pTime" } ?? []
            #expect(JSONValue.object(JSONObject(members)).description == expected.description)
            #expect(row.text("pTime") == "1780272000000")
        }
    }

    @Test(arguments: [
        (#""instType":"SWAP""#, ["BTC-USDT-SWAP", "ETH-USDT-SWAP"]),
        (#""instType":"FUTURES""#, ["BTC-USD-261225"]), (#""instType":"OPTION""#, []),
        (#""instType":"MARGIN""#, []), (#""instType":"EVENTS""#, []),
        (#""instType":"ANY","instFamily":"BTC-USD""#, ["BTC-USD-261225"]),
        (#""instType":"SWAP","instFamily":"ETH-USDT","instId":"BTC-USDT-SWAP""#, ["BTC-USDT-SWAP"]),
    ])
    func positionFilters(members: String, instruments: [String]) throws {
        let world = try busy("{}")
        for name in ["BTC-USDT-SWAP", "ETH-USDT-SWAP", "BTC-USD-261225"] {
            try world.run(
                "desk",
                ("import_position", #""instrument":"\#(name)","quantity":"1","entry_price":"3000""#))
        }
        let (_, pushes) = try world.subscribed(#"{"channel":"positions",\#(members)}"#)
        #expect(pushes.first?["data"]?.elements?.map { $0.text("instId") ?? "" } == instruments)
    }

    /// Only the position that has changed; one that was closed once more, with `pos` 0 and all keys.
    @Test func positionUpdates() throws {
        let world = try busy(#"{"hedge":true}"#)
        try world.run(
            "desk",
            (
                "fill",
                #""instrument":"ETH-USDT-SWAP","side":"buy","quantity":"1","price":"3000","#
                    + #""position_side":"long""#
            ))
        var (stream, _) = try world.subscribed(#"{"channel":"positions","instType":"SWAP"}"#)
        let short = #""instrument":"BTC-USDT-SWAP","quantity":"2","price":"60000","position_side":"short""#
        try world.run("desk", ("fill", short + #","side":"sell""#))
        let opened = try #require(try stream.pushes().first)
        #expect(opened["eventType"]?.text == "event_update")
        #expect(opened["data"]?.elements?.count == 1)
        expect(opened.first, ["instId": "BTC-USDT-SWAP", "pos": "2", "posSide": "short"])
        let id = opened.first?.text("posId")
        try world.run("desk", ("fill", short + #","side":"buy""#))
        let closed = try #require(try stream.pushes().first)
        #expect(closed["data"]?.elements?.count == 1)
        #expect(closed.first?.object?.keys == PositionRowFigure.fields.map(\.rawValue))
        #expect(closed.first?.text("posId") == id)
        expect(closed.first, ["pos": "0", "posSide": "short", "avgPx": "", "upl": "", "mgnMode": "cross"])
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"1""#))
        #expect(try stream.pushes().isEmpty)
    }

    @Test(arguments: [("2000", 2000), ("3000", 3000), ("4000", 4000), ("1000", 5000)] as [(String, Int64)])
    func positionIntervals(wanted: String, interval: Int64) throws {
        let world = try busy("{}")
        var (stream, _) = try world.subscribed(
            #"{"channel":"positions","instType":"ANY","extraParams":"{\"updateInterval\":\"\#(wanted)\"}"}"#)
        stream.wait(interval - 1)
        #expect(stream.takeTexts().isEmpty)
        stream.wait(1)
        #expect(try stream.takeJSON().first?["eventType"]?.text == "snapshot")
    }

    /// A first snapshot that cannot be worked out is said so; the subscription stands.
    @Test func figureThatDoesNotFit() throws {
        let world = try busy("{}")
        try world.run(
            "desk",
            ("import_position", #""instrument":"ETH-USDT-SWAP","quantity":"1000","entry_price":"3000""#))
        try world.prices(marks: #"{"ETH-USDT-SWAP":"99999999999999999999"}"#)
        var stream = try world.loggedIn()
        stream.send(#"{"op":"subscribe","args":[{"channel":"account"}]}"#)
        expect(try stream.takeJSON().last, ["event": "error", "code": "64007"])
        try world.prices(marks: #"{"ETH-USDT-SWAP":"3000"}"#)
        stream.wait(5000)
        #expect(try stream.takeJSON().first?["eventType"]?.text == "snapshot")
    }

    /// What could not be worked out is part of the next update.
    @Test func updateThatDoesNotFit() throws {
        let world = try busy("{}")
        try world.run(
            "desk",
            ("import_position", #""instrument":"ETH-USDT-SWAP","quantity":"1000","entry_price":"3000""#))
        var (stream, _) = try world.subscribed(
            #"{"channel":"account","extraParams":"{\"updateInterval\":\"0\"}"}"#)
        try world.prices(marks: #"{"ETH-USDT-SWAP":"99999999999999999999"}"#)
        try world.run("desk", ("deposit", #""asset":"ETH","amount":"1""#))
        #expect(try stream.pushes().isEmpty)
        try world.prices(marks: #"{"ETH-USDT-SWAP":"3000"}"#)
        try world.run("desk", ("deposit", #""asset":"BTC","amount":"1""#))
        let currencies = try stream.pushes().first?.first?["details"]?.elements?.map { $0.text("ccy") }
        #expect(currencies == ["BTC", "ETH"])
    }
}
