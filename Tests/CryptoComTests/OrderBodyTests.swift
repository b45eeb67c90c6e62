import CryptoCom
import Foundation
import JSON
import Testing
import Venue
import VenueTestSupport

/// Whole bodies of an order's life, kept as files that were read through: `Tests/Fixtures/crypto-com`.
@Suite("Bodies of orders, byte for byte")
struct OrderBodyTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/crypto-com")

    private static let calls: [(method: String, params: String)] = [
        (
            "create-order",
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"MARKET","notional":"1.00000","fee_instrument_name":"USD"}"#
        ),
        (
            "create-order",
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.03710","quantity":"27","client_oid":"mine"}"#
        ),
        ("get-order-detail", #"{"client_oid":"mine"}"#),
        ("amend-order", #"{"orig_client_oid":"mine","new_price":"0.03810","new_quantity":"28"}"#),
        ("get-open-orders", "{}"), ("cancel-order", #"{"client_oid":"104"}"#),
        (
            "create-order",
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05000","quantity":"1000"}"#
        ),
        (
            "create-order",
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05","quantity":"0.5"}"#
        ),
        (
            "create-order-list",
            #"{"contingency_type":"LIST","order_list":[{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05100","quantity":"20"},{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05000","quantity":"2000"}]}"#
        ),
        ("cancel-all-orders", "{}"), ("get-order-history", #"{"limit":10}"#), ("get-trades", "{}"),
        ("get-transactions", "{}"), ("get-fee-rate", "{}"),
    ]

    @Test(arguments: [WireProfile.documented, .live])
    func bodies(_ profile: WireProfile) async throws {
        let world = try orderWorld(
            profile,
            [
                deposit("USD", "18.02103432"), deposit("CRO", "30"), quote("CRO_USD", "0.05474", "0.05475"),
            ])
        var text = ""
        for (place, call) in Self.calls.enumerated() {
            let flattened = try JSONValue(parsing: call.params).signedText
            let response = await world.call(
                "private/" + call.method, id: String(101 + place), params: call.params, flattened: flattened)
            text += "private/\(call.method) \(call.params)\n\(response.status) \(response.text)\n\n"
        }
        let file = Self.folder.appendingPathComponent("orders-\(profile.rawValue).txt")
        if ProcessInfo.processInfo.environment["MARGINALIA_WRITE_BODIES"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        let kept = try String(contentsOf: file, encoding: .utf8)
        let pairs = zip(text.split(separator: "\n"), kept.split(separator: "\n"))
        for (made, expected) in pairs { #expect(made == expected) }
        #expect(text.utf8.count == kept.utf8.count)
    }
}
