import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// What answers imply: definitions read backwards, each against the definition itself.
@Suite("Inferences")
struct InferenceTests {
    private func row(_ members: String) throws -> ReportedObject {
        ReportedObject(try JSONText(parsing: Array("{\(members)}".utf8)), path: "data[0]")
    }

    /// What a row of the answer to `positions` comes to.
    private func valuation<Result>(
        _ mode: AccountMode, _ row: ReportedObject, _ body: (PositionValuation) throws -> Result
    ) throws -> Result {
        let rules = try OKXVenue(addedRulebooks: [], profile: .documented).rules(
            at: LedgerTime(milliseconds: 1_780_272_000_000))
        let balance = recordedBody("balance", #"{"code":"0","data":[{"details":[]}],"msg":""}"#)
        let answers = try ReportedAccount([balance])
        let account = AccountFigures(answers, mode, rules)
        return try withExtendedLifetime(account) {
            try body(try #require(PositionValuation(row, answers, in: account)))
        }
    }

    @Test("a number that two others imply lies between what their ends give")
    func impliedNumbers() throws {
        let ten = ImpliedNumber(
            ExactFraction(ExactDecimal(10)),
            FigureRange(low: ExactFraction(ExactDecimal(9)), high: ExactFraction(ExactDecimal(11))))
        let three = ImpliedNumber(ExactDecimal(3))
        func ends(_ number: ImpliedNumber) -> [String] {
            [number.range.low, number.exact, number.range.high].map(\.description)
        }
        #expect(ends(try ten + three) == ["12", "13", "14"])
        #expect(ends(try three - ten) == ["-8", "-7", "-6"])
        #expect(ends(try three * (three - ten)) == ["-24", "-21", "-18"])
        #expect(ends(try (three - ten).magnitude) == ["6", "7", "8"])
        // A quotient is exact, its ends are rounded outwards.
        let share = try ten / three
        #expect(try share.exact == ExactFraction(ExactDecimal(10)) / ExactFraction(ExactDecimal(3)))
        #expect(try share.booked.exact == ExactFraction("3.333333333333333333"))
        #expect(share.range.low.description == "3" && share.range.high.description == "3.666666666666666667")
        #expect(try (three / ImpliedNumber(ExactDecimal(7))).range.isPoint)
        let around = try ten - ImpliedNumber(ExactDecimal(10))
        #expect(throws: FigureGap.missing("What it is divided by may be 0.")) { try three / around }
    }

    @Test("the USD price of a currency: eqUsd ÷ eq, else coinUsdPrice")
    func prices() throws {
        let both = try Inference.price(of: row(#""ccy":"BTC","eq":"0.5","eqUsd":"30000","coinUsdPrice":"1""#))
        #expect(both.number.exact.description == "60000" && both.name == "eqUsd ÷ eq of BTC")
        #expect(both.number.range.low < both.number.exact && both.number.exact < both.number.range.high)
        let named = try Inference.price(of: row(#""ccy":"BTC","eq":"0","eqUsd":"0","coinUsdPrice":"7""#))
        #expect(named.number.exact.description == "7" && named.name == "data[0].coinUsdPrice")
        #expect(throws: FigureGap.missing("USD price of BTC is in no field.")) {
            try Inference.price(of: row(#""ccy":"BTC","eq":"0","eqUsd":"0""#))
        }
    }

    @Test("spot trades are valued at openAvgPx + spotUpl ÷ spotBal")
    func spotPrice() throws {
        let row = try row(#""spotBal":"2","openAvgPx":"3500","spotUpl":"2000""#)
        #expect(try Inference.spotPrice(of: row).exact.description == "4500")
    }

    private static let swap = #""instId":"BTC-USDT-SWAP","instType":"SWAP","ccy":"USDT","posSide":"net""#

    @Test(
        "two figures that agree tell another contract value than the rulebook's; one alone does not",
        arguments: [
            (#""imr":"60","upl":"100","lever":"10""#, "0.001", "imr and upl imply"),
            (#""imr":"600","upl":"1000","lever":"10""#, "0.01", "contract value of BTC-USDT-SWAP"),
            (#""imr":"60","upl":"","lever":"10""#, "0.01", "contract value of BTC-USDT-SWAP"),
            (#""imr":"60","upl":"1000","lever":"10""#, "0.01", "contract value of BTC-USDT-SWAP"),
            (#""imr":"77","upl":"77","lever":"10""#, "0.01", "contract value of BTC-USDT-SWAP"),
        ])
    func contractValues(_ figures: String, _ value: String, _ name: String) throws {
        let row = try row(
            "\(Self.swap),\(figures),"
                + #""mgnMode":"cross","pos":"10","avgPx":"50000","markPx":"60000","usdPx":"1""#)
        try valuation(.multi, row) { position in
            let found = try position[.ctVal]
            #expect(found.description == value)
            let shown = PositionRow(
                position, row,
                try ReportedAccount([
                    recordedBody(
                        "balance", #"{"code":"0","data":[{"details":[]}],"msg":""}"#)
                ]))
            let finding = try #require(shown.audit(.imr))
            #expect(finding.inputs.contains { $0.name.contains(name) }, "\(finding.inputs)")
        }
    }

    @Test("what mgnRatio says must be kept is the share that the definitions of mgnRatio and liqPx take")
    func requirement() throws {
        // (1000 + 100) ÷ (10000 × 0.0045 and 10000 × 0.0005): 22.
        let row = try row(
            "\(Self.swap),"
                + #""mgnMode":"isolated","pos":"1","avgPx":"990000","markPx":"1000000","usdPx":"1","#
                + #""lever":"10","margin":"1000","upl":"100","mgnRatio":"22""#)
        try valuation(.multi, row) { position in
            let share = try Inference.requirement(of: row, per: position.implied(.notional).magnitude)
            #expect(share.exact.description == "0.005")
            #expect(share.range.low < share.exact && share.exact < share.range.high)
        }
    }

    @Test("a cross position's margins imply its rate: mmr ÷ (imr × lever)")
    func maintenanceRates() throws {
        let row = try row(#""imr":"600","mmr":"24","lever":"10""#)
        #expect(try Inference.maintenanceRate(of: row).exact.description == "0.004")
    }

    @Test(
        "the price that a position must have been opened at, where avgPx shows but its first digits",
        arguments: [
            ("BTC-USDT-SWAP", "USDT", "60000.33333333", "60001.333", "0.02999", "60000.333333333333333333"),
            ("BTC-USDT-SWAP", "USDT", "60000.33333333", "60001.333", "5", ""),
            ("BTC-USDT-SWAP", "USDT", "", "60001.333", "0.02999", ""),
            ("BTC-USD-SWAP", "BTC", "50000", "60000", "0.001", "50000"),
        ])
    func entryPrices(
        _ name: String, _ ccy: String, _ shown: String, _ mark: String, _ profit: String, _ expected: String
    ) throws {
        let row = try row(
            #""instId":"\#(name)","instType":"SWAP","ccy":"\#(ccy)","posSide":"net","mgnMode":"cross","#
                + #""pos":"3","avgPx":"\#(shown)","markPx":"\#(mark)","upl":"\#(profit)""#)
        try valuation(.multi, row) { position in
            #expect(Inference.entryPrice(of: row, position)?.description ?? "" == expected)
        }
    }

    @Test(
        "whether pos has the margin in it, as the documentation's sample has, or not",
        arguments: [("0.01", false), ("0.51", true), ("", false)])
    func marginApart(_ profit: String, _ expected: Bool) throws {
        // 2 BTC, 89400 USDT owed, which are 1.49 BTC: 0.01 is left with a margin of 0.5 in it, else 0.51.
        let row = try row(
            #""instId":"BTC-USDT","instType":"MARGIN","ccy":"BTC","posCcy":"BTC","liabCcy":"USDT","#
                + #""mgnMode":"isolated","pos":"2","liab":"-89400","markPx":"60000","margin":"0.5","#
                + #""upl":"\#(profit)","avgPx":"60000","lever":"3""#)
        try valuation(.multi, row) { #expect($0.mode.isMarginApart == expected) }
    }

    @Test("a margin that is apart, in what is held or in what is owed, is in liqPx as it is in upl")
    func apartMargins() throws {
        // Long 1 BTC that owes 50000 USDT; at 0 rates the price is where both are worth the same.
        for (margin, ccy, profit, price) in [
            ("0.25", "BTC", "0.1666666666666667", "40000"), ("10000", "USDT", "10000", "40000"),
        ] {
            let row = try row(
                #""instId":"BTC-USDT","instType":"MARGIN","ccy":"\#(ccy)","posCcy":"BTC","liabCcy":"USDT","#
                    + #""mgnMode":"isolated","pos":"1","liab":"-50000","markPx":"60000","#
                    + #""margin":"\#(margin)","upl":"\#(profit)","avgPx":"50000","lever":"3""#)
            try valuation(.multi, row) { position in
                #expect(position.mode.isMarginApart)
                position.recover(.maintenanceRate, .zero, as: "no rate")
                position.recover(.takerRate, .zero, as: "no fee")
                position.book.forget()
                let found = try position[.liqPx]
                #expect(found.description == price)
            }
        }
    }
}
