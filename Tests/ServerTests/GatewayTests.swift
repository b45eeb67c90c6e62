import Foundation
import JSON
import Testing

@testable import Server

@Suite("The gateway")
struct GatewayTests {
    @Test("A venue's path that is not served answers in the venue's own form, all others as a problem")
    func unknownPaths() async throws {
        try await TestServer.run { server in
            let okx = try await server.send("GET", "/api/v5/no/such/thing")
            #expect(okx.json["code"]?.text != nil && okx.json["msg"] != nil && okx.json["type"] == nil)
            let exchange = try await server.send(
                "POST", "/exchange/v1/private/no-such-thing", body: Array("{}".utf8))
            #expect(exchange.json["code"]?.integer != nil, "\(exchange.text)")
            let rails = try await server.send("GET", "/api/v1/no-such-thing")
            #expect(rails.json["message"]?.text != nil)
            let binance = try await server.send("GET", "/fapi/v9/nothing")
            #expect(binance.json["type"] == nil)
            let other = try await server.send("GET", "/api/v9/nothing")
            #expect(other.status == 404)
            #expect(other.code == "not_found")
        }
    }

    @Test("A venue's body over the limit is refused before it is read whole, and the connection given up")
    func longVenueBody() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(
                "POST", "/exchange/v1/private/user-balance", body: [UInt8](repeating: 0x20, count: 65_537))
            #expect(answer.status == 413)
            #expect(answer.code == "body_too_large")
            #expect(answer.header("connection") == "close")
            let sound = try await server.send(
                "POST", "/exchange/v1/private/user-balance", body: [UInt8](repeating: 0x20, count: 65_536))
            #expect(sound.status != 413)
        }
    }

    @Test("A length that is announced is enough to refuse a body; not a byte of it need come")
    func announcedLength() async throws {
        try await TestServer.run { server in
            try await server.openDesk()
            let before = try await server.state()
            for (path, length) in [
                ("/admin/v1/commands", "67108865"), ("/admin/v1/accounts/desk/keys", "65537"),
            ] {
                let headers = [
                    ("Authorization", "Bearer \(TestServer.token)"), ("Content-Type", "application/json"),
                    ("Content-Length", length),
                ]
                let answer = try await server.send("POST", path, headers: headers)
                #expect(answer.status == 413)
                #expect(answer.code == "body_too_large")
            }
            #expect(try await server.state() == before)
        }
    }

    @Test("A body in chunks is refused as soon as it is too long")
    func chunks() async throws {
        try await TestServer.run { server in
            let headers = [
                ("Authorization", "Bearer \(TestServer.token)"), ("Content-Type", "application/json"),
                ("Transfer-Encoding", "chunked"),
            ]
            let answer = try await server.send(
                "PUT", "/admin/v1/clock", headers: headers, body: [UInt8](repeating: 0x20, count: 70_000))
            #expect(answer.status == 413)
        }
    }

    @Test("A method that a path does not take is answered with those that it takes")
    func methods() async throws {
        try await TestServer.run { server in
            let table = [
                ("POST", "/healthz", "GET, HEAD"), ("GET", "/admin/v1/commands", "POST"),
                ("DELETE", "/admin/v1/clock", "GET, PUT, HEAD"), ("PATCH", "/", "GET, HEAD"),
                ("GET", "/admin/v1/accounts/a/keys/b", "DELETE"), ("OPTIONS", "/metrics", "GET, HEAD"),
            ]
            for (method, path, allowed) in table {
                let answer = try await server.call(method, path)
                #expect(answer.status == 405)
                #expect(answer.header("allow") == allowed)
                #expect(answer.code == "method_not_allowed")
            }
        }
    }

    @Test("HEAD has the head of GET and no body")
    func head() async throws {
        try await TestServer.run { server in
            for path in ["/healthz", "/openapi.json", "/"] {
                let get = try await server.send("GET", path)
                let head = try await server.send("HEAD", path)
                #expect(head.status == get.status)
                #expect(head.answer.body.isEmpty)
                #expect(head.header("content-length") == get.header("content-length"))
                #expect(head.header("content-type") == get.header("content-type"))
            }
        }
    }

    @Test("Answers carry a date, and may not be sniffed")
    func headers() async throws {
        try await TestServer.run { server in
            let answer = try await server.send("GET", "/healthz")
            #expect(answer.header("date")?.hasSuffix(" GMT") == true)
            #expect(answer.header("x-content-type-options") == "nosniff")
        }
        #expect(DateStamp().text(atSecond: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(DateStamp().text(atSecond: 0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(DateStamp().text(atSecond: 1_772_323_199) == "Sat, 28 Feb 2026 23:59:59 GMT")
    }

    @Test("Metrics count by venue, path class and status, whatever paths clients ask for")
    func metrics() async throws {
        try await TestServer.run { server in
            for number in 0..<20 { _ = try await server.send("GET", "/api/v5/made/up/\(number)") }
            _ = try await server.send("GET", "/api/v5/account/balance")
            let answer = try await server.send("GET", "/metrics")
            #expect(answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            let lines = answer.text.split(separator: "\n")
            let samples = lines.filter { $0.hasPrefix("marginalia_http_requests_total{venue=\"okx\"") }
            #expect(samples.count == 2)
            #expect(samples.contains { $0.contains("path=\"other\"") && $0.hasSuffix(" 20") })
            #expect(samples.contains { $0.contains("path=\"account\"") && $0.hasSuffix(" 1") })
            #expect(lines.contains("marginalia_http_request_duration_seconds_count{venue=\"okx\"} 21"))
            #expect(
                lines.contains(
                    "marginalia_http_request_duration_seconds_bucket{venue=\"okx\",le=\"+Inf\"} 21"))
            #expect(lines.contains("marginalia_writable 1"))
            // Every sample belongs to a family that says what it is.
            let families = Set(
                lines.filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) })
            for line in lines where !line.hasPrefix("#") {
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                let bases =
                    [name]
                    + ["_bucket", "_sum", "_count"].filter(name.hasSuffix).map {
                        String(name.dropLast($0.count))
                    }
                #expect(bases.contains(where: families.contains), "\(line)")
            }
        }
        #expect(MetricsText.escaped("a\"b\\c\nd") == "a\\\"b\\\\c\\nd")
        #expect(MetricsText.seconds(nanoseconds: 1_000_250_000) == "1.000250000")
    }

    @Test("The page names no key and no token, unless the demonstration's public ones are loaded")
    func page() async throws {
        try await TestServer.run { server in
            let answer = try await server.send("GET", "/")
            #expect(answer.status == 200)
            #expect(answer.header("content-type") == "text/html; charset=utf-8")
            let policy = try #require(answer.header("content-security-policy"))
            #expect(policy.hasPrefix("default-src 'none'"))
            #expect(policy.contains("'sha256-\(WebPageStyle.digest)'"))
            #expect(!answer.text.contains(TestServer.token))
            #expect(!answer.text.contains("secret"))
            #expect(answer.text.contains("/fapi/v3/account"))
        }
        try await TestServer.run {
            $0.demo = true
        } _: { server in
            let page = try await server.send("GET", "/").text
            #expect(page.contains("demo-VENUE-secret"))
        }
        #expect(WebPage.escaped("<a href=\"x\">&'") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;")
    }

    @Test("The description names every path that is served, with its methods")
    func description() async throws {
        try await TestServer.run { server in
            let answer = try await server.send("GET", "/openapi.json")
            let document = answer.json
            #expect(document["openapi"]?.text == "3.1.0")
            let paths = try #require(document["paths"]?.object)
            #expect(paths.members.count >= 14)
            for (path, item) in paths.members {
                let real = path.replacing("{account}", with: "a").replacing("{api_key}", with: "k")
                    .replacing("{name}", with: "n")
                let refused = try await server.call("PATCH", real)
                #expect(refused.status == 405, "\(path)")
                let allowed = Set(
                    (refused.header("allow") ?? "").split(separator: ", ").map { $0.lowercased() })
                #expect(allowed.subtracting(["head"]) == Set(item.object?.keys ?? []), "\(path)")
            }
            // Every reference leads somewhere.
            for part in answer.text.split(separator: "\"$ref\": \"#/").dropFirst() {
                let steps = part.prefix { $0 != "\"" }.split(separator: "/")
                let target = steps.reduce(Optional(document)) { $0?[String($1)] }
                #expect(target != nil, "\(steps)")
            }
        }
    }

    @Test("The statement is what the venue's own endpoint answers")
    func statement() async throws {
        try await TestServer.run {
            $0.demo = true
        } _: { server in
            let token = try await server.send(
                "POST", "/api/v1/token",
                headers: [("X-Api-Key", "demo-rails-key"), ("X-Api-Secret", "demo-rails-secret")])
            let bearer = try #require(token.json["access_token"]?.text, "\(token.text)")
            for query in ["", "?market=BTC-USD"] {
                let venue = try await server.send(
                    "GET", "/api/v1/balances\(query)", headers: [("Authorization", "Bearer \(bearer)")])
                #expect(venue.status == 200)
                let statement = try await server.call(
                    "GET", "/admin/v1/accounts/demo-rails/statement\(query)")
                #expect(statement.answer.body == venue.answer.body)
                #expect(statement.header("content-type") == "application/json")
            }
        }
    }
}
