import Ledger
import Testing

/// Which name was meant: near ones are found, and nothing is guessed.
@Suite struct NearestNameTests {
    private static let names = [
        "BTC-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP", "open_account", "configure", "deposit", "fee", "fees",
    ]

    @Test(
        "letters of names",
        arguments: [
            ("BTCUSDT", "BTC-USDT"), ("btc-usdt", "BTC-USDT"), ("BTC_USDT_SWAP", "BTC-USDT-SWAP"),
            ("BTC-USDT-SAWP", "BTC-USDT-SWAP"), ("open_acount", "open_account"),
            ("opne_account", "open_account"),
            ("confgure", "configure"), ("depositt", "deposit"), ("fees", "fees"), ("FEE", "fee"),
        ])
    func whatIsNearIsFound(written: String, meant: String) {
        #expect(NearestName.of(written, among: Self.names) == meant)
        #expect(NearestName.question(written, among: Self.names) == " (Did you mean \(meant)?)")
    }

    @Test(arguments: ["", "-", "withdraw", "XRP-USDT-SWAP", "x", "fill", String(repeating: "B", count: 9000)])
    func whatIsFarIsNot(written: String) {
        #expect(NearestName.of(written, among: Self.names) == nil)
        #expect(NearestName.question(written, among: Self.names).isEmpty)
    }
}
