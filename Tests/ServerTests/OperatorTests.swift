import Foundation
import JSON
import Ledger
import Testing
import Venue

@testable import Server

@Suite("Operator API")
struct OperatorTests {
    @Test("Only the bearer of the token gets in, and is told how")
    func authorization() async throws {
        try await TestServer.run { server in
            for header in [
                nil, "Bearer wrong", "Bearer", "Basic \(TestServer.token)", "Bearer \(TestServer.token)x",
            ] {
                for path in ["/admin/v1/accounts", "/admin/v1/nothing", "/admin"] {
                    let headers = header.map { [("Authorization", $0)] } ?? []
                    let answer = try await server.send("GET", path, headers: headers)
                    #expect(answer.status == 401)
                    #expect(answer.header("www-authenticate")?.hasPrefix("Bearer") == true)
                    #expect(answer.header("content-type") == "application/problem+json")
                    #expect(answer.code == "unauthorized")
                    #expect(!answer.text.contains(TestServer.token))
                }
            }
            #expect(try await server.call("GET", "/admin/v1/accounts").text == "{\"accounts\":[]}")
        }
    }

    struct BadCall: Sendable, CustomTestStringConvertible {
        let method: String
        let path: String
        var body: String?
        var type = "application/json"
        let status: Int
        let code: String
        var field: String?

        var testDescription: String { "\(method) \(path) \(body ?? "")" }
    }

    private static let commands = "/admin/v1/commands"
    private static let atomic = "/admin/v1/commands?atomic=true"

    /// One command that is refused: as a row, and as the problem of an atomic batch.
    private static func refused(_ command: String, _ code: String, _ field: String? = nil) -> BadCall {
        BadCall(method: "POST", path: atomic, body: "[\(command)]", status: 422, code: code, field: field)
    }

    private static func deposit(_ amount: String) -> String {
        "{\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"USDT\",\"amount\":\(amount)}"
    }

    static let badCalls: [BadCall] = [
        // Malformed JSON, in either form.
        BadCall(method: "POST", path: commands, body: "[{\"type\":]", status: 400, code: "malformed_json"),
        BadCall(method: "POST", path: commands, body: "", status: 400, code: "malformed_json"),
        BadCall(
            method: "POST", path: commands, body: deposit("\"1\"") + "\n{\"type\":\n",
            type: "application/x-ndjson",
            status: 400, code: "malformed_json"),
        BadCall(method: "POST", path: commands, body: deposit("\"1\""), status: 400, code: "invalid_body"),
        BadCall(
            method: "POST", path: commands, body: "[]", type: "text/plain", status: 415,
            code: "unsupported_media_type"),
        BadCall(
            method: "POST", path: commands + "?atomic=yes", body: "[]", status: 400,
            code: "invalid_parameter", field: "atomic"),
        BadCall(
            method: "POST", path: commands + "?atomik=true", body: "[]", status: 400,
            code: "unknown_parameter", field: "atomik"),
        // Wrong types, unknown fields, missing fields.
        refused("5", "invalid_field"),
        refused("{\"type\":7}", "invalid_field", "type"),
        refused("{\"account\":\"desk\"}", "missing_field", "type"),
        refused("{\"type\":\"dance\",\"account\":\"desk\"}", "unknown_command", "type"),
        refused(
            "{\"type\":\"deposit\",\"account\":7,\"asset\":\"USDT\",\"amount\":\"1\"}", "invalid_field",
            "account"),
        refused("{\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"USDT\"}", "missing_field", "amount"),
        refused(
            "{\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"USDT\",\"amount\":\"1\",\"note\":\"x\"}",
            "unknown_field", "note"),
        // Unknown account, asset, instrument, venue.
        refused(
            "{\"type\":\"deposit\",\"account\":\"nobody\",\"asset\":\"USDT\",\"amount\":\"1\"}",
            "unknown_account", "account"),
        refused(
            "{\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"XYZ\",\"amount\":\"1\"}", "unknown_asset",
            "asset"),
        refused(
            "{\"type\":\"fill\",\"account\":\"desk\",\"instrument\":\"BTC-XYZ\",\"side\":\"buy\",\"quantity\":\"1\",\"price\":\"1\"}",
            "unknown_instrument", "instrument"),
        refused(
            "{\"type\":\"open_account\",\"account\":\"new\",\"venue\":\"kraken\"}", "unknown_venue", "venue"),
        // Amounts.
        refused(deposit("1"), "invalid_amount", "amount"),
        refused(deposit("\"ten\""), "invalid_amount", "amount"),
        refused(deposit("\"\""), "invalid_amount", "amount"),
        refused(deposit("\"0.0000000000000000001\""), "invalid_amount", "amount"),
        refused(deposit("\"1000000000000000000000\""), "invalid_amount", "amount"),
        refused(deposit("\"-1\""), "invalid_amount", "amount"),
        refused(deposit("\"0\""), "invalid_amount", "amount"),
        refused(
            "{\"type\":\"fill\",\"account\":\"desk\",\"instrument\":\"BTC-USDT-SWAP\",\"side\":\"buy\",\"quantity\":\"0\",\"price\":\"1\"}",
            "invalid_amount", "quantity"),
        // Time going backwards, and an id that stands for something else.
        refused(
            "{\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"USDT\",\"amount\":\"1\",\"at\":1}",
            "time_backwards", "at"),
        refused(
            "{\"id\":\"first\",\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"USDT\",\"amount\":\"2\"}",
            "id_reused", "id"),
        refused(
            "{\"id\":\"\",\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"USDT\",\"amount\":\"2\"}",
            "invalid_field", "id"),
        // The other resources.
        BadCall(
            method: "GET", path: "/admin/v1/accounts/nobody", status: 404, code: "unknown_account",
            field: "account"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/%00", status: 404, code: "unknown_account",
            field: "account"),
        BadCall(method: "GET", path: "/admin/v1/accounts/", status: 404, code: "not_found"),
        BadCall(method: "GET", path: "/admin/v1/accounts/desk/wallet", status: 404, code: "not_found"),
        BadCall(method: "GET", path: "/admin/v2/accounts", status: 404, code: "not_found"),
        BadCall(method: "GET", path: "/nothing", status: 404, code: "not_found"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/desk?as_of=then", status: 400, code: "invalid_parameter",
            field: "as_of"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/desk?as_of=1", status: 404, code: "unknown_account",
            field: "as_of"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/desk/statement?as_of=1", status: 404,
            code: "unknown_account", field: "as_of"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/desk/statement?colour=red", status: 400,
            code: "unknown_parameter", field: "colour"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/desk/statement?ccy=XYZ", status: 404,
            code: "invalid_parameter", field: "ccy"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/desk/events?limit=0", status: 400,
            code: "invalid_parameter", field: "limit"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/desk/events?limit=1001", status: 400,
            code: "invalid_parameter", field: "limit"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/desk/events?after=-1", status: 400,
            code: "invalid_parameter", field: "after"),
        BadCall(
            method: "GET", path: "/admin/v1/accounts/desk/events?limit=1&limit=2", status: 400,
            code: "invalid_parameter", field: "limit"),
        BadCall(
            method: "POST", path: "/admin/v1/accounts/nobody/keys", body: "{}", status: 404,
            code: "unknown_account", field: "account"),
        BadCall(
            method: "POST", path: "/admin/v1/accounts/desk/keys", body: "[]", status: 400,
            code: "invalid_field"),
        BadCall(
            method: "POST", path: "/admin/v1/accounts/desk/keys", body: "{\"colour\":1}", status: 400,
            code: "unknown_field", field: "colour"),
        BadCall(
            method: "POST", path: "/admin/v1/accounts/desk/keys", body: "{\"permissions\":[\"fly\"]}",
            status: 400, code: "invalid_field", field: "permissions"),
        BadCall(
            method: "POST", path: "/admin/v1/accounts/desk/keys", body: "{\"ip_allowlist\":[\"here\"]}",
            status: 400, code: "invalid_field", field: "ip_allowlist"),
        BadCall(
            method: "POST", path: "/admin/v1/accounts/desk/keys", body: "{\"api_key\":\"two words\"}",
            status: 400, code: "invalid_field", field: "api_key"),
        BadCall(
            method: "POST", path: "/admin/v1/accounts/desk/keys", body: "{", status: 400,
            code: "malformed_json"),
        BadCall(
            method: "POST", path: "/admin/v1/accounts/desk/keys", body: "{}", type: "text/plain", status: 415,
            code: "unsupported_media_type"),
        BadCall(
            method: "DELETE", path: "/admin/v1/accounts/desk/keys/none", status: 404, code: "unknown_key",
            field: "api_key"),
        BadCall(
            method: "PUT", path: "/admin/v1/clock", body: "{\"now\":5}", status: 409, code: "clock_is_system"),
        BadCall(
            method: "PUT", path: "/admin/v1/clock", body: "{}", status: 400, code: "missing_field",
            field: "now"),
        BadCall(
            method: "PUT", path: "/admin/v1/clock", body: "{\"now\":5,\"advance_ms\":5}", status: 400,
            code: "invalid_field", field: "advance_ms"),
        BadCall(
            method: "PUT", path: "/admin/v1/clock", body: "{\"now\":\"noon\"}", status: 400,
            code: "invalid_field", field: "now"),
        BadCall(
            method: "PUT", path: "/admin/v1/clock", body: "{\"advance_ms\":-1}", status: 400,
            code: "invalid_field", field: "advance_ms"),
        BadCall(
            method: "PUT", path: "/admin/v1/clock", body: "{\"tomorrow\":1}", status: 400,
            code: "unknown_field", field: "tomorrow"),
    ]

    @Test("Bad input gets a problem document of the right kind and leaves the ledger byte for byte as it was")
    func badInput() async throws {
        try await TestServer.run { server in
            try await server.openDesk()
            let first =
                "[{\"id\":\"first\",\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"USDT\",\"amount\":\"1\"}]"
            #expect(try await server.call("POST", Self.commands, first).status == 200)
            let before = try await server.state()
            for bad in Self.badCalls {
                let answer = try await server.call(bad.method, bad.path, bad.body, type: bad.type)
                let comment = Comment(rawValue: "\(bad.testDescription): \(answer.text)")
                #expect(answer.status == bad.status, comment)
                #expect(answer.code == bad.code, comment)
                #expect(answer.json["field"]?.text == bad.field, comment)
                #expect(answer.header("content-type") == "application/problem+json", comment)
                #expect(answer.json["status"]?.integer == Int64(bad.status), comment)
                #expect(answer.json["title"]?.text?.isEmpty == false, comment)
                #expect([".", ")"].contains { answer.json["detail"]?.text?.hasSuffix($0) == true }, comment)
                if bad.status == 422 {
                    #expect(answer.json["index"]?.integer == 0, comment)
                    #expect(answer.json["error"]?["code"]?.text == bad.code, comment)
                }
            }
            #expect(try await server.state() == before)
        }
    }

    @Test("Malformed JSON is told its line and column")
    func places() async throws {
        try await TestServer.run { server in
            let array = try await server.call("POST", Self.commands, "[\n  {\"type\": oops}]")
            #expect(array.json["line"]?.integer == 2)
            #expect(array.json["column"]?.integer == 12)
            let lines = "{\"type\":\"settle\",\"account\":\"a\"}\n\n{\"type\" \"settle\"}\n"
            let ndjson = try await server.call("POST", Self.commands, lines, type: "application/x-ndjson")
            #expect(ndjson.json["line"]?.integer == 3)
            #expect(ndjson.json["column"]?.integer == 9)
        }
    }

    @Test("Rows: applied, duplicate whatever the order of keys, rejected and the rest goes on")
    func rows() async throws {
        try await TestServer.run { server in
            try await server.openDesk()
            let body = """
                {"id":"a","type":"deposit","account":"desk","asset":"USDT","amount":"5"}
                {"amount":"5","asset":"USDT","account":"desk","type":"deposit","id":"a"}

                {"id":"b","type":"deposit","account":"desk","asset":"XYZ","amount":"5"}
                {"type":"withdraw","account":"desk","asset":"USDT","amount":"1"}
                """
            let answer = try await server.call(
                "POST", Self.commands, body, type: "application/x-ndjson; charset=utf-8")
            #expect(answer.status == 200)
            let rows = try #require(answer.json["results"]?.elements)
            #expect(rows.map { $0["status"]?.text } == ["applied", "duplicate", "rejected", "applied"])
            #expect(rows.map { $0["id"]?.text } == ["a", "a", "b", nil])
            let first = try #require(rows[0]["sequence"]?.integer)
            #expect(rows[1]["sequence"]?.integer == first)
            #expect(rows[2]["sequence"] == nil)
            #expect(rows[2]["error"]?["code"]?.text == "unknown_asset")
            #expect(rows[3]["sequence"]?.integer == first + 1)
            let desk = try await server.call("GET", "/admin/v1/accounts/desk").json
            #expect(desk["holdings"]?.elements?.first?["cash"]?.text == "1004")
            // A rejection does not use its id up.
            let again = try await server.call(
                "POST", Self.commands,
                "[{\"id\":\"b\",\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"USDT\",\"amount\":\"1\"}]"
            )
            #expect(again.json["results"]?.elements?.first?["status"]?.text == "applied")
        }
    }

    @Test("All or none: one refusal undoes what came before it")
    func atomic() async throws {
        try await TestServer.run { server in
            try await server.openDesk()
            let before = try await server.state()
            let answer = try await server.call(
                "POST", Self.atomic,
                "[\(Self.deposit("\"5\"")),\(Self.deposit("\"0\"")),\(Self.deposit("\"7\""))]")
            #expect(answer.status == 422)
            #expect(answer.json["index"]?.integer == 1)
            #expect(answer.json["error"]?["message"]?.text?.isEmpty == false)
            #expect(try await server.state() == before)
        }
    }

    @Test("Many lines, read side by side, keep their order")
    func manyLines() async throws {
        try await TestServer.run { server in
            try await server.openDesk()
            let padding = String(repeating: " ", count: 400)
            let lines = (0..<4000).map { number in
                "{\"id\":\"n\(number)\",\(padding)\"type\":\"deposit\",\"account\":\"desk\",\"asset\":\"USDT\",\"amount\":\"1\"}"
            }
            let answer = try await server.call(
                "POST", Self.commands, lines.joined(separator: "\r\n"), type: "application/x-ndjson")
            let rows = try #require(answer.json["results"]?.elements)
            #expect(rows.compactMap { $0["id"]?.text } == (0..<4000).map { "n\($0)" })
            let sequences = rows.compactMap { $0["sequence"]?.integer }
            #expect(sequences == Array(4...4003))
        }
    }

    @Test("A key: its secret is shown once, and after its revocation the venue does not know it")
    func keys() async throws {
        try await TestServer.run { server in
            try await server.openDesk()
            let keys = "/admin/v1/accounts/desk/keys"
            let made = try await server.call(
                "POST", keys, "{\"permissions\":[\"read\",\"trade\"],\"ip_allowlist\":[\"127.0.0.0/8\"]}")
            #expect(made.status == 201)
            let key = try #require(made.json["api_key"]?.text)
            let secret = try #require(made.json["secret"]?.text)
            #expect(key.utf8.count == 36)
            #expect(made.json["passphrase"]?.text?.isEmpty == false)
            let list = try await server.call("GET", keys)
            #expect(list.json["keys"]?.elements?.first?["api_key"]?.text == key)
            #expect(
                list.json["keys"]?.elements?.first?["permissions"]
                    == .array([.string("read"), .string("trade")]))
            #expect(!list.text.contains(secret))
            #expect(!list.text.contains("secret") && !list.text.contains("passphrase"))
            let deleted = try await server.call("DELETE", "\(keys)/\(key)")
            #expect(deleted.status == 204)
            #expect(deleted.text.isEmpty)
            #expect(try await server.call("DELETE", "\(keys)/\(key)").status == 404)
            #expect(try await server.call("GET", keys).json["keys"] == .array([]))
        }
    }

    @Test("A key that another account has is refused, without a word of its secret")
    func foreignKey() async throws {
        try await TestServer.run { server in
            try await server.openDesk()
            _ = try await server.call(
                "POST", Self.commands, "[{\"type\":\"open_account\",\"account\":\"other\",\"venue\":\"okx\"}]"
            )
            let key = "{\"api_key\":\"k\",\"secret\":\"hush-hush\",\"passphrase\":\"word\"}"
            #expect(try await server.call("POST", "/admin/v1/accounts/desk/keys", key).status == 201)
            #expect(try await server.call("POST", "/admin/v1/accounts/desk/keys", key).status == 201)
            let answer = try await server.call("POST", "/admin/v1/accounts/other/keys", key)
            #expect(answer.status == 409)
            #expect(answer.code == "key_exists")
            #expect(!answer.text.contains("hush"))
        }
    }

    @Test("A clock that stands moves forward only, and dates events")
    func clock() async throws {
        let start = try #require(LedgerTime(iso8601: "2026-01-31T12:00:00Z"))
        try await TestServer.run {
            $0.ledgerTime = start
        } _: { server in
            let clock = "/admin/v1/clock"
            #expect(
                try await server.call("GET", clock).text == "{\"now\":1769860800000,\"mode\":\"standing\"}")
            try await server.openDesk()
            #expect(
                try await server.call("PUT", clock, "{\"advance_ms\":1000}").json["now"]?.integer
                    == 1_769_860_801_000)
            #expect(
                try await server.call("PUT", clock, "{\"now\":\"2026-01-31T13:00:00+01:00\"}").code
                    == "time_backwards")
            #expect(try await server.call("PUT", clock, "{\"now\":\"2026-02-01T00:00:00Z\"}").status == 200)
            _ = try await server.call("POST", Self.commands, "[\(Self.deposit("\"5\""))]")
            let events = try await server.call("GET", "/admin/v1/accounts/desk/events?after=2").json[
                "events"]?.elements
            #expect(events?.count == 1)
            #expect(events?.first?["at"]?.integer == 1_769_904_000_000)
            #expect(events?.first?["type"]?.text == "deposited")
            // As of the start, the later deposit is not there; at its very time it is.
            let past = try await server.call("GET", "/admin/v1/accounts/desk?as_of=2026-01-31T12:00:00Z").json
            #expect(past["holdings"]?.elements?.first?["cash"]?.text == "1000")
            let then = try await server.call("GET", "/admin/v1/accounts/desk?as_of=1769904000000").json
            #expect(then["holdings"]?.elements?.first?["cash"]?.text == "1005")
            let list = try await server.call("GET", "/admin/v1/accounts?as_of=2026-01-31T11:59:59Z")
            #expect(list.text == "{\"accounts\":[]}")
        }
    }
}
