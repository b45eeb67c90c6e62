import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

let deskKey = Credentials(apiKey: "token", secret: "secretKey", passphrase: nil)

func recorded(_ call: String, _ text: String, at time: Int64 = 1_780_272_000_000) -> RecordedBody {
    RecordedBody(call: call, bytes: Array(text.utf8), takenAt: time)
}

/// A venue that reads; whichever form it serves is of no matter.
func reader() throws -> CryptoComVenue {
    try CryptoComVenue(addedRulebooks: [], profile: .documented)
}

@Suite("Responses")
struct ResponseTests {
    @Test("The given page: every common figure under its field")
    func documentedSample() throws {
        let statement = try #require(
            try reader().statements(from: [recorded("user-balance", Samples.userBalance)], account: "main")
                .first)
        #expect(statement.drift.isEmpty)
        #expect(statement.account == "main")
        #expect(statement.mode == "smart cross margin")
        #expect(statement.takenAt == 1_780_272_000_000)
        #expect(statement.venueTime == nil)
        let expected: [(CommonFigure, String, String)] = [
            (.marginBalance, "total_margin_balance", "7595.42571782"),
            (.wallet, "total_cash_balance", "7890.00320721"),
            (.available, "total_available_balance", "4721.05898582"),
            (.initialMargin, "total_initial_margin", "2874.36673202"),
            (.maintenanceMargin, "total_maintenance_margin", "1437.18336601"),
            (.leverage, "total_effective_leverage", "1.90401230"),
            (.unrealizedProfit, "total_session_unrealized_pnl", "-55.76239701"),
            (.collateral, "total_collateral_value", "7651.18811483"),
        ]
        for (name, field, text) in expected {
            let figure = try #require(statement.figures[name])
            #expect(figure.field == "result.data[0].\(field)")
            #expect(figure.value == .number(try ExactDecimal(text), text: text))
        }
        // What it is worth is in no field: cash and unrealized profit.
        for name in [CommonFigure.equity, .equityUSD] {
            let figure = try #require(statement.figures[name])
            #expect(figure.value.number == (try ExactDecimal("7834.2408102")))
            #expect(
                figure.field == "result.data[0].total_cash_balance + "
                    + "result.data[0].total_session_unrealized_pnl")
            #expect(figure.isDerived)
        }
        // The documented form has no field for debts: absent, not zero.
        #expect(statement.figures[.debt]?.value == .absent)
        #expect(statement.figures.number(.debt) == nil)
        #expect(statement.assets.map(\.asset) == ["CRO", "USD", "USDT", "DAI"])
        let token = statement.assets[0].figures
        #expect(token[.wallet]?.value.text == "24422.72427884")
        #expect(token[.wallet]?.unit == "CRO")
        #expect(token[.equityUSD]?.value.text == "4776.107959969951")
        #expect(token[.equityUSD]?.field == "result.data[0].position_balances[0].market_value")
        #expect(token[.withdrawable]?.value.text == "24422.72427884")
        #expect(statement.positions.isEmpty)
    }

    @Test("Sub-accounts become statements of their own, named after the venue's id of them")
    func subaccounts() throws {
        let bodies = [
            recorded("user-balance", Samples.userBalance, at: 5),
            recorded("subaccount-balances", Samples.subaccountBalances, at: 7),
        ]
        let statements = try reader().statements(from: bodies, account: "main")
        #expect(
            statements.map(\.account) == [
                "main", "main/a0d206a1-6b06-47c5-9cd3-8bc6ef0915c5",
                "main/49786818-6ead-40c4-a008-ea6b0fa5cf96",
                "main/507d3f7d-37c3-4a09-9076-b83c2fcbb638",
            ])
        #expect(statements.map(\.takenAt) == [5, 7, 7, 7])
        #expect(statements.map(\.bodies) == [[bodies[0]], [bodies[1]], [bodies[1]], [bodies[1]]])
        #expect(statements.flatMap(\.drift).isEmpty)
        #expect(
            statements.map { $0.figures[.equity]?.value.text } == [
                "7834.2408102", "0", "21919.55", "22018.55",
            ])
        #expect(statements[1].assets.isEmpty)
        #expect(
            statements[2].assets[0].figures[.wallet]?.field
                == "subaccount-balances result.data[1].position_balances[0].quantity")
        // The audit and the rehosting find the very account again.
        for (place, statement) in statements.enumerated() {
            let found = try #require(ReportedAccount(statement))
            #expect(found.account["total_margin_balance"] == statement.figures[.marginBalance]?.value)
            #expect(
                found.account.value["account"]?.text.map { statement.account.hasSuffix($0) } ?? (place == 0))
        }
    }

    @Test("Recordings are of a form that is known", arguments: [Samples.recordingA, Samples.recordingB])
    func recordings(_ body: String) throws {
        let statement = try #require(
            try reader().statements(from: [recorded("user-balance", body)], account: "main").first)
        #expect(statement.drift.isEmpty)
        #expect(statement.figures[.debt]?.value == .number(.zero, text: "0"))
        #expect(statement.assets.map(\.asset) == ["CRO", "USD"])
    }

    @Test("An account that was never used has no figures, and is no error")
    func neverUsed() throws {
        let body = #"{"id":1,"method":"private/user-balance","code":0,"result":{"data":[]}}"#
        let statements = try reader().statements(from: [recorded("user-balance", body)], account: "main")
        #expect(statements.count == 1)
        #expect(statements[0].drift.isEmpty)
        #expect(statements[0].figures.all.filter { $0.value != .absent }.isEmpty)
        #expect(statements[0].figures[.marginBalance]?.field == "result.data[0].total_margin_balance")
        #expect(statements[0].figures[.equity]?.value == .absent)
    }

    @Test("Odd fields are drift; an unheld number is kept as it stood")
    func oddities() throws {
        let body = Samples.recordingA
            .replacing(
                #""total_margin_balance": "19.82186564""#, with: #""total_margin_balance": 19.82186564"#
            )
            .replacing(#""total_borrow": "0""#, with: #""total_borrow": """#)
            .replacing(#""has_risk": false,"#, with: #""has_risk": "no", "risk_level": "LOW","#)
            .replacing(#""total_cash_balance": "19.82186564","#, with: "")
            .replacing(#""quantity": "30""#, with: #""quantity": "30.1234567890123456789""#)
        let statement = try #require(
            try reader().statements(from: [recorded("user-balance", body)], account: "main").first)
        let place = "user-balance result.data[]"
        #expect(
            Set(statement.drift) == [
                FieldDrift(.retyped, path: "\(place).total_margin_balance", example: "19.82186564"),
                FieldDrift(.retyped, path: "\(place).has_risk", example: "no"),
                FieldDrift(.new, path: "\(place).risk_level", example: "LOW"),
                FieldDrift(.lost, path: "\(place).total_cash_balance", example: ""),
            ])
        #expect(statement.figures.number(.marginBalance) == (try ExactDecimal("19.82186564")))
        #expect(statement.figures[.equity]?.value == .absent)
        #expect(statement.figures[.debt]?.value == .empty)
        #expect(statement.figures[.wallet]?.value == .absent)
        #expect(statement.assets[0].figures[.wallet]?.value == .outOfRange(text: "30.1234567890123456789"))
    }

    @Test(
        "What is no balance of this venue is unreadable",
        arguments: [
            "", "[]", "{}", "null", #"{"code":40101}"#, #"{"result":{"data":{}}}"#,
            #"{"result":{"data":[5]}}"#,
            "<html>", #"{"totalEq":"1"}"#,
        ])
    func unreadable(_ body: String) throws {
        let error = try #require(throws: ReadingError.self) {
            try reader().statements(from: [recorded("user-balance", body)], account: "main")
        }
        #expect(error.kind == .unreadable)
        let missing = try #require(throws: ReadingError.self) {
            try reader().statements(from: [recorded("positions", Samples.userBalance)], account: "main")
        }
        #expect(missing.kind == .unreadable)
    }

    @Test("What is wrong with an answer that is not needed is drift")
    func brokenNeighbours() throws {
        let statement = try #require(
            try reader().statements(
                from: [
                    recorded("user-balance", Samples.userBalance), recorded("positions", "<html>"),
                    recorded("subaccount-balances", #"{"code":0}"#), recorded("unheard-of", "?"),
                ], account: "main"
            ).first)
        #expect(
            statement.drift.map(\.path) == [
                "positions", "subaccount-balances id", "subaccount-balances method",
                "subaccount-balances result",
            ])
        #expect(statement.bodies.count == 4)
    }

    @Test("Positions carry their margin account where they are isolated")
    func positions() async throws {
        let world = try makeWorld(
            .live,
            [
                deposit("USD", "100000"), prices(marks: #"{"BTCUSD-PERP":"61000","CROUSD-PERP":"0.10962"}"#),
                position("BTCUSD-PERP", "-0.5", "60000"),
                position(
                    "CROUSD-PERP", "100", "0.10959",
                    more: #","margin_mode":"isolated","isolated_wallet":"8.9632","leverage":"10""#),
            ])
        let bodies = try await world.recorded(deskKey)
        #expect(
            bodies.map(\.call) == [
                "user-balance", "subaccount-balances", "positions", "open-orders", "accounts",
            ])
        let statement = try #require(try world.model.statements(from: bodies, account: "main").first)
        #expect(statement.positions.map(\.instrument) == ["BTCUSD-PERP", "CROUSD-PERP"])
        #expect(statement.positions.map(\.marginMode) == [.cross, .isolated])
        let (cross, isolated) = (statement.positions[0].figures, statement.positions[1].figures)
        #expect(cross[.quantity]?.value.text == "-0.5")
        #expect(cross[.quantity]?.unit == "BTC")
        #expect(cross[.unrealizedProfit]?.field == "positions result.data[0].session_pnl")
        #expect(cross.number(.unrealizedProfit) == ExactDecimal(-500))
        #expect(isolated[.wallet]?.value.text == "8.9632")
        #expect(isolated[.leverage]?.field == "result.data[0].isolated_positions[0].leverage")
        #expect(isolated[.leverage]?.value.text == "10")
        // Without the answer to positions the margin account stands alone.
        let alone = try #require(try world.model.statements(from: [bodies[0]], account: "main").first)
        #expect(alone.positions.map(\.marginMode) == [.isolated])
        #expect(alone.positions[0].instrument.hasPrefix("isolation "))
    }

    @Test("An account is known by the venue's id wherever an answer has one")
    func identifiers() async throws {
        let child = #"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk"}"#
        let world = try makeWorld(
            .live,
            [
                deposit("USD", "1000"), child, deposit("USD", "500", account: "child"),
                prices(marks: #"{"BTCUSD-PERP":"61000"}"#),
            ])
        let key = Credentials(apiKey: "child-key", secret: "child-secret", passphrase: nil)
        world.addKey(
            account: "child", apiKey: key.apiKey, secret: key.secret, permissions: [.read])
        func read(_ credentials: Credentials, _ unanswered: String = "") async throws -> [Statement] {
            let bodies = try await world.recorded(credentials).filter { $0.call != unanswered }
            return try world.model.statements(from: bodies, account: "main")
        }
        let main = try await read(deskKey)
        // The balance names nobody: `accounts` does, and the list of sub-accounts by ids of the ledger.
        #expect(main.map(\.identifier) == ["desk", "child"].map { StableIdentifier.uuid(account: $0) })
        #expect(try await read(key).map(\.identifier) == [StableIdentifier.uuid(account: "child")])
        // Where the venue does not answer it, positions and orders are all that names anybody.
        #expect(
            try await read(deskKey, "accounts").map(\.identifier) == [
                nil, StableIdentifier.uuid(account: "child"),
            ])
        #expect(try await read(key, "accounts").map(\.identifier) == [nil])
        try world.apply(
            #"{"type":"place_order","account":"child","order_id":"o","instrument":"BTCUSD-PERP","side":"buy","quantity":"0.001","price":"60000"}"#
        )
        let ordered = try #require(try await read(key, "accounts").first?.identifier)
        try world.apply(
            #"{"type":"import_position","account":"child","instrument":"BTCUSD-PERP","quantity":"0.001","entry_price":"60000"}"#,
            position("BTCUSD-PERP", "0.001", "60000"))
        #expect(try await read(key, "accounts").first?.identifier == ordered)
        let named = try #require(try await read(deskKey).first?.identifier)
        #expect(named != ordered && named.count == 36)
    }

    @Test(
        "Nothing that our own venue answers is lost or unknown", arguments: [WireProfile.documented, .live])
    func losesNothing(_ profile: WireProfile) async throws {
        var generator = SeededGenerator()
        for round in 0..<60 {
            let (prices, others) = PropertyTests.commands(&generator)
            let world = try makeWorld(profile, [prices] + others)
            if round % 3 == 0 {
                try world.apply(
                    #"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk"}"#,
                    deposit("BTC", generator.decimal(1...5), account: "child"))
            }
            let bodies = try await world.recorded(deskKey)
            let statements = try world.model.statements(from: bodies, account: "main")
            let seed: Comment = "seed \(generator.seed)"
            #expect(statements.count == (round % 3 == 0 ? 2 : 1), seed)
            #expect(Set(statements.flatMap(\.bodies).map(\.bytes)) == Set(bodies.map(\.bytes)), seed)
            #expect(statements.flatMap(\.drift).isEmpty, seed)
            #expect(
                statements[0].positions.count == world.account("desk")?.positions.count, seed)
            for body in bodies {
                let answer = try ReportedObject(parsing: body)
                // Every figure is a number that is held, of the very value that was printed.
                for (path, value) in answer.leaves where path.contains("total_") || path.contains("quantity")
                {
                    let number = try #require(value.number, "\(path), seed \(generator.seed)")
                    #expect(number == (try ExactDecimal(value.text)), seed)
                }
            }
            for statement in statements {
                let all =
                    [statement.figures] + statement.assets.map(\.figures)
                    + statement.positions.map(\.figures)
                for figure in all.flatMap(\.all) where figure.value != .absent && !figure.isDerived {
                    let stood = try value(at: figure.field, in: statement.bodies)
                    #expect(stood == figure.value, seed)
                }
            }
        }
    }

    @Test("Nothing odd in an answer stops reading, auditing or rehosting", arguments: 0..<300)
    func damage(_ place: Int) async throws {
        var generator = SeededGenerator(seed: UInt64(place % 6))
        let (prices, others) = PropertyTests.commands(&generator)
        let world = try makeWorld(place % 2 == 0 ? .live : .documented, [prices] + others)
        try world.apply(
            #"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk"}"#,
            deposit("BTC", "1", account: "child"))
        var bodies = try await world.recorded(deskKey)
        let call = place % bodies.count
        let value = try JSONValue(parsing: bodies[call].bytes).damaged(at: place / 2, by: place)
        bodies[call] = recorded(bodies[call].call, value.description)
        // Only what is no balance at all cannot be read.
        guard let statements = try? world.model.statements(from: bodies, account: "main") else {
            #expect(call == 0)
            return
        }
        for statement in statements {
            _ = world.model.audit(statement, rulesAt: world.ledgerTime())
            for command in world.model.rehosted(statement, as: "copy").commands {
                _ = try Command(decoding: try JSONValue(parsing: command))
            }
        }
    }

    /// What stands at a figure's path in the bodies.
    private func value(at field: String, in bodies: [RecordedBody]) throws -> ReportedValue {
        for body in bodies {
            for name in ["", body.call] where name.isEmpty == (body.call == "user-balance") {
                let leaves = try ReportedObject(parsing: body, name: name).leaves
                if let found = leaves.first(where: { $0.path == field }) { return found.value }
            }
        }
        return .absent
    }
}
