import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

@Suite("Audit")
struct AuditTests {
    private static let venue = try? BinanceVenue(addedRulebooks: [], profile: .documented)

    private func audit(_ bodies: RecordedBody...) throws -> [AuditFinding] {
        let venue = try #require(Self.venue)
        let statement = try #require(try venue.statements(from: bodies, account: "desk").first)
        return venue.audit(statement, rulesAt: LedgerTime(milliseconds: statement.takenAt))
    }

    private func finding(_ field: String, _ findings: [AuditFinding]) throws -> AuditFinding {
        try #require(findings.first { $0.field == field }, "\(field)")
    }

    /// An asset row with nothing but a wallet.
    private func row(_ asset: String, _ wallet: String, available: String, more: String = "") -> String {
        """
        {"asset":"\(asset)","walletBalance":"\(wallet)","unrealizedProfit":"0.00000000",\
        "marginBalance":"\(wallet)","maintMargin":"0.00000000","initialMargin":"0.00000000",\
        "positionInitialMargin":"0.00000000","openOrderInitialMargin":"0.00000000",\
        "crossWalletBalance":"\(wallet)","crossUnPnl":"0.00000000","availableBalance":"\(available)",\
        "maxWithdrawAmount":"\(wallet)",\(more)"updateTime":1625474304765}
        """
    }

    /// The sample of the venue's document, its commas set right.
    private func sample(_ total: String, _ rows: String...) -> RecordedBody {
        recordedBody(
            "account",
            """
            {"totalInitialMargin":"0.00000000","totalMaintMargin":"0.00000000",\
            "totalWalletBalance":"\(total)","totalUnrealizedProfit":"0.00000000",\
            "totalMarginBalance":"\(total)","totalPositionInitialMargin":"0.00000000",\
            "totalOpenOrderInitialMargin":"0.00000000","totalCrossWalletBalance":"\(total)",\
            "totalCrossUnPnl":"0.00000000","availableBalance":"\(total)","maxWithdrawAmount":"\(total)",\
            "assets":[\(rows.joined(separator: ","))],"positions":[{"symbol":"BTCUSDT",\
            "positionSide":"BOTH","positionAmt":"1.000","unrealizedProfit":"0.00000000",\
            "isolatedMargin":"0.00000000","notional":"0","isolatedWallet":"0","initialMargin":"0",\
            "maintMargin":"0","updateTime":0}]}
            """)
    }

    @Test("the given single-asset sample: totals of the wrong row, a pasted balance, a worthless position")
    func singleAssetSample() throws {
        let findings = try audit(
            sample(
                "103.12345678", row("USDT", "23.72469206", available: "23.72469206"),
                row("USDC", "103.12345678", available: "126.72469206")))
        let wrong = findings.filter { $0.verdict == .contradicts }.map(\.field)
        #expect(
            wrong == [
                "totalWalletBalance", "totalMarginBalance", "totalCrossWalletBalance", "availableBalance",
                "maxWithdrawAmount", "assets[1].availableBalance", "positions[0].notional",
            ])
        let total = try finding("totalWalletBalance", findings)
        #expect(total.expected == "23.72469206" && total.reported == "103.12345678")
        #expect(total.residual == (try ExactDecimal("79.39876472")))
        #expect(total.unitsInLastPlace == 7_939_876_472)
        #expect(try finding("assets[1].availableBalance", findings).expected == "103.12345678")
        #expect(try finding("assets[0].availableBalance", findings).verdict == .matches)
        #expect(try finding("assets[1].maxWithdrawAmount", findings).verdict == .matches)
    }

    @Test("the given multi-assets sample: what is missing from the total, and the worthless position")
    func multiAssetsSample() throws {
        let margin = #""marginAvailable":true,"#
        let findings = try audit(
            sample(
                "126.72469206", row("USDT", "23.72469206", available: "126.72469206", more: margin),
                row("BUSD", "103.12345678", available: "126.72469206", more: margin)))
        // The rows imply that one USDT and one BUSD are one dollar each; the total lacks 0.12345678.
        let wrong = findings.filter { $0.verdict == .contradicts }.map(\.field)
        #expect(wrong == ["positions[0].notional"])
        for field in ["totalWalletBalance", "totalMarginBalance", "totalCrossWalletBalance"] {
            let total = try finding(field, findings)
            #expect(total.verdict == .hidden)
            #expect(total.inputs.contains { $0.name == "ask rate of BUSD" && $0.value == "1" })
            #expect(total.expected == "126.84814884")
            #expect(total.residual == (try ExactDecimal("-0.12345678")))
        }
        #expect(try finding("availableBalance", findings).verdict == .matches)
        #expect(try finding("assets[1].maxWithdrawAmount", findings).verdict == .matches)
    }

    /// Golden vector A, with the other assets as one that counts fully.
    private let recorded = recordedBody(
        "account",
        """
        {"totalInitialMargin":"99.62112386","totalMaintMargin":"11.95453485",\
        "totalWalletBalance":"99.84331553","totalUnrealizedProfit":"11.17675690",\
        "totalMarginBalance":"111.02007243","totalPositionInitialMargin":"99.62112386",\
        "totalOpenOrderInitialMargin":"0.00000000","totalCrossWalletBalance":"99.84331553",\
        "totalCrossUnPnl":"11.17675690","availableBalance":"11.39894857","maxWithdrawAmount":"11.39894857",\
        "assets":[{"asset":"USDT","walletBalance":"72.72317863","unrealizedProfit":"11.17920750",\
        "marginBalance":"83.90238613","maintMargin":"11.95476475","initialMargin":"99.62303962",\
        "positionInitialMargin":"99.62303962","openOrderInitialMargin":"0.00000000",\
        "crossWalletBalance":"72.72317863","crossUnPnl":"11.17920750","availableBalance":"11.39916777",\
        "maxWithdrawAmount":"11.39916777","marginAvailable":true,"updateTime":1728416138285},\
        {"asset":"FDUSD","walletBalance":"27.13607855","unrealizedProfit":"0.00000000",\
        "marginBalance":"27.13607855","maintMargin":"0.00000000","initialMargin":"0.00000000",\
        "positionInitialMargin":"0.00000000","openOrderInitialMargin":"0.00000000",\
        "crossWalletBalance":"27.13607855","crossUnPnl":"0.00000000","availableBalance":"11.39894857",\
        "maxWithdrawAmount":"11.39894857","marginAvailable":true,"updateTime":1728416138285}],\
        "positions":[{"symbol":"WLDUSDT","positionSide":"BOTH","positionAmt":"-849",\
        "unrealizedProfit":"11.17920750","isolatedMargin":"0","notional":"-1992.46079250",\
        "isolatedWallet":"0","initialMargin":"99.62303962","maintMargin":"11.95476475",\
        "updateTime":1728261885798}]}
        """)
    private let recordedPrices = recordedBody(
        "prices",
        """
        [{"symbol":"USDTUSD","time":1,"index":"0.99988078","bidBuffer":"0.00010000","askBuffer":"0.00010000",\
        "bidRate":"0.99978079","askRate":"0.99998077"},{"symbol":"FDUSDUSD","time":1,"index":"1.00000000",\
        "bidBuffer":"0.00000000","askBuffer":"0.00000000","bidRate":"1.00000000","askRate":"1.00000000"}]
        """)
    private let recordedRisk = recordedBody(
        "positions",
        """
        [{"symbol":"WLDUSDT","positionSide":"BOTH","positionAmt":"-849","entryPrice":"2.36",\
        "breakEvenPrice":"2.36","markPrice":"2.34683250","unRealizedProfit":"11.17920750",\
        "liquidationPrice":"0","isolatedMargin":"0","notional":"-1992.46079250","marginAsset":"USDT",\
        "isolatedWallet":"0","initialMargin":"99.62303962","maintMargin":"11.95476475",\
        "positionInitialMargin":"99.62303962","openOrderInitialMargin":"0","adl":2,"bidNotional":"0",\
        "askNotional":"0","updateTime":1728261885798}]
        """)

    @Test("the recorded account: every figure, digit for digit")
    func recordedAccount() throws {
        let findings = try audit(recorded, recordedPrices, recordedRisk)
        for finding in findings where finding.field != "positions [0].liquidationPrice" {
            #expect(finding.verdict == .matches, "\(finding)")
        }
        let price = try finding("positions [0].liquidationPrice", findings)
        #expect(price.verdict == .notDerivable)
        // The recording has no price there; the 0 is ours.
        #expect(price.remark.hasPrefix("The rulebook's brackets may not be those"))
        let fields = Set(findings.map(\.field))
        #expect(
            fields.isSuperset(of: [
                "totalInitialMargin", "totalMaintMargin", "totalWalletBalance", "totalUnrealizedProfit",
                "totalMarginBalance", "totalPositionInitialMargin", "totalOpenOrderInitialMargin",
                "totalCrossWalletBalance", "totalCrossUnPnl", "availableBalance", "maxWithdrawAmount",
                "assets[0].marginBalance", "assets[0].initialMargin", "assets[0].unrealizedProfit",
                "assets[0].availableBalance", "assets[0].maxWithdrawAmount", "assets[0].walletBalance",
                "positions[0].unrealizedProfit", "positions [0].notional",
                "positions [0].positionInitialMargin",
            ]))
        // The rate that the row implies is the one that was published.
        let total = try finding("totalInitialMargin", findings)
        #expect(total.inputs.contains { $0.name == "ask rate of USDT" && $0.value == "0.99998077" })
    }

    @Test("without prices, buffers of the rulebook stand in, and their errorBound is allowed for")
    func recordedWithoutPrices() throws {
        let findings = try audit(recorded)
        #expect(findings.filter { $0.verdict == .contradicts }.isEmpty)
        #expect(try finding("totalInitialMargin", findings).verdict == .matches)
        #expect(try finding("totalMaintMargin", findings).verdict == .matches)
    }

    @Test(
        "one changed digit is found",
        arguments: [
            ("\"totalWalletBalance\":\"99.84331553\"", "\"totalWalletBalance\":\"99.84331653\""),
            ("\"totalInitialMargin\":\"99.62112386\"", "\"totalInitialMargin\":\"99.62122386\""),
            ("\"marginBalance\":\"83.90238613\"", "\"marginBalance\":\"83.90238713\""),
            (
                "\"initialMargin\":\"99.62303962\",\"maintMargin\"",
                "\"initialMargin\":\"99.62303062\",\"maintMargin\""
            ),
            ("\"crossUnPnl\":\"11.17920750\"", "\"crossUnPnl\":\"11.17920850\""),
            (
                "\"availableBalance\":\"11.39894857\",\"maxWithdrawAmount\":\"11.39894857\",\"assets\"",
                "\"availableBalance\":\"11.39894957\",\"maxWithdrawAmount\":\"11.39894857\",\"assets\""
            ),
        ])
    func changedDigit(_ digits: String, _ others: String) throws {
        let text = String(decoding: recorded.bytes, as: UTF8.self)
        let changed = text.replacing(digits, with: others)
        #expect(changed != text)
        let findings = try audit(recordedBody("account", changed), recordedPrices, recordedRisk)
        #expect(findings.contains { $0.verdict == .contradicts }, "\(others)")
    }

    /// Products that the documents print.
    @Test(
        "recorded margins are cut, never rounded, however late they are audited",
        arguments: [
            ("1992.46079250", "20", "99.62303962"), ("49.72023376", "20", "2.48601168"),
            ("12.31427700", "20", "0.61571385"),
        ])
    func cuts(_ notional: String, _ leverage: String, _ margin: String) throws {
        let body = recordedBody(
            "positions",
            """
            [{"symbol":"XUSDT","positionSide":"BOTH","positionAmt":"1","notional":"\(notional)",\
            "positionInitialMargin":"\(margin)","openOrderInitialMargin":"0","initialMargin":"\(margin)"}]
            """)
        let findings = try audit(recordedBody("account", #"{"assets":[],"positions":[]}"#), body)
        let check = try finding("positions [0].positionInitialMargin", findings)
        #expect(check.verdict == .matches)
        #expect(check.inputs.last?.value == leverage)
    }

    /// A position with a wallet of its own, and what version 3 makes of its profit.
    private func isolated(crossUnPnl: String) -> RecordedBody {
        let row = """
            "walletBalance":"100.00000000","unrealizedProfit":"-2.50000000","marginBalance":"97.50000000",\
            "maintMargin":"0.40000000","initialMargin":"10.00000000","positionInitialMargin":"10.00000000",\
            "openOrderInitialMargin":"0.00000000","crossWalletBalance":"85.00000000",\
            "crossUnPnl":"\(crossUnPnl)","availableBalance":"85.00000000","maxWithdrawAmount":"85.00000000"
            """
        return recordedBody(
            "account",
            """
            {"assets":[{"asset":"USDT",\(row),"updateTime":1}],"positions":[{"symbol":"NEWUSDT",\
            "positionSide":"BOTH","positionAmt":"2","unrealizedProfit":"-2.50000000",\
            "isolatedMargin":"12.50000000","notional":"50.00000000","isolatedWallet":"15.00000000",\
            "initialMargin":"10.00000000","maintMargin":"0.40000000","updateTime":1}]}
            """)
    }

    @Test("the venue's known fault in crossUnPnl is named; any other value contradicts")
    func crossProfitOfIsolatedPositions() throws {
        let sound = try audit(isolated(crossUnPnl: "0.00000000"))
        #expect(sound.allSatisfy { $0.verdict == .matches }, "\(sound)")
        let findings = try audit(isolated(crossUnPnl: "-2.50000000"))
        let quirk = try finding("assets[0].crossUnPnl", findings)
        #expect(quirk.verdict == .notDerivable && quirk.remark.contains("#1404"))
        #expect(findings.filter { $0.verdict != .matches }.count == 1, "\(findings)")
        let bent = try finding("assets[0].crossUnPnl", audit(isolated(crossUnPnl: "-1.50000000")))
        #expect(bent.verdict == .contradicts && bent.remark.isEmpty)
    }

    @Test(
        "what an entry price leaves open follows from how it is printed",
        arguments: [
            // Eight places or more, or a whole price: nothing. Then: a page's form, cut at its fifth place.
            ("0.0255636616153", "-16.13053584", AuditFinding.Verdict.matches),
            ("0.0255636616153", "-16.13052000", .contradicts), ("0.02556", "-16.50816000", .matches),
            ("0.02556", "-16.13053584", .contradicts), ("0.02550", "-22.00000000", .notDerivable),
            ("2.5563E-2", "-16.19862600", .contradicts),
        ])
    func entryPriceWidth(_ entry: String, _ profit: String, _ verdict: AuditFinding.Verdict) throws {
        let risk = recordedBody(
            "positions",
            """
            [{"symbol":"PEOPLEUSDT","positionSide":"BOTH","positionAmt":"-103176","entryPrice":"\(entry)",\
            "markPrice":"0.02572000","unRealizedProfit":"\(profit)","notional":"-2653.68672000"}]
            """)
        // The position risk alone can be audited too.
        #expect(try finding("positions [0].unRealizedProfit", audit(risk)).verdict == verdict)
    }

    @Test("golden vector C: the liquidation price of a cross position; what is missing is named")
    func crossLiquidationPrice() async throws {
        let world = try binanceWorld(commands: vectorC)
        let bodies = try await recordedBodies(world)
        func findings(_ bodies: [RecordedBody]) throws -> [AuditFinding] {
            let statement = try #require(try world.model.statements(from: bodies, account: "desk").first)
            return world.model.audit(statement, rulesAt: world.ledgerTime())
        }
        let prices = try findings(bodies).filter { $0.field.hasSuffix("liquidationPrice") }
        #expect(prices.map(\.expected) == ["41365.46184738", "3286.85258964"])
        #expect(prices.allSatisfy { $0.verdict == .matches }, "\(prices)")
        func without(_ field: String, in call: String) throws -> AuditFinding {
            let changed = bodies.map { body in
                guard body.call == call else { return body }
                let text = String(decoding: body.bytes, as: UTF8.self)
                let bent = text.replacing("\"\(field)\":", with: "\"other\":")
                #expect(bent != text)
                return recordedBody(call, bent)
            }
            return try #require(
                findings(changed).first { $0.field.hasSuffix("liquidationPrice") }, "\(field)")
        }
        for (field, call) in [
            ("crossWalletBalance", "account"), ("unrealizedProfit", "account"), ("entryPrice", "positions"),
            ("markPrice", "positions"),
        ] {
            let finding = try without(field, in: call)
            #expect(finding.verdict == .notDerivable, "\(field)")
            #expect(finding.remark.contains("\(field) is absent"), "\(finding.remark)")
        }
        let strange = bodies.map { body in
            let text = String(decoding: body.bytes, as: UTF8.self)
            return recordedBody(body.call, text.replacing("BTCUSDT", with: "NONEUSDT"))
        }
        let unknown = try #require(
            findings(strange).first { $0.field.hasSuffix("liquidationPrice") })
        #expect(unknown.remark == "The rulebook does not know the brackets of NONEUSDT.")
    }

    @Test("our own server's answers never contradict themselves", arguments: 1...120)
    func ownAnswers(_ seed: Int) async throws {
        let account = try GeneratedAccount(seed: UInt64(seed))
        let world = account.world
        let bodies = try await recordedBodies(world)
        let statement = try #require(try world.model.statements(from: bodies, account: "desk").first)
        let findings = world.model.audit(statement, rulesAt: world.ledgerTime())
        let wrong = findings.filter { $0.verdict == .contradicts }
        #expect(wrong.isEmpty, "seed \(seed): \(wrong)")
        // Nearly everything can be worked out, and nothing is hidden.
        let unknown = findings.filter { $0.verdict == .notDerivable || $0.verdict == .hidden }
        #expect(unknown.isEmpty, "seed \(seed): \(unknown)")
        #expect(findings.count > 30, "seed \(seed)")
    }

    @Test("brackets of an adjusted user, an asset that is no margin, a negative wallet: nothing contradicts")
    func specialStates() async throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                marks(
                    #""BTCUSDT":"61234.5678""#, index: #""USDT":"1.00012345","USDC":"0.9998","BNB":"600.5""#),
                deposit("USDC", "50000"), deposit("BNB", "3"),
                desk("withdraw", #""asset":"USDT","amount":"1234.5","force":true"#),
                importPosition("BTCUSDT", "-10", "60000", #","leverage":"10""#),
                desk("raise", #""flag":"notionalCoef","value":"1.5""#),
                desk("raise", #""flag":"marginAvailable","asset":"BNB","value":false"#),
            ])
        let statement = try #require(
            try world.model.statements(from: try await recordedBodies(world), account: "desk").first)
        let findings = world.model.audit(statement, rulesAt: world.ledgerTime())
        #expect(findings.filter { $0.verdict == .contradicts }.isEmpty, "\(findings)")
        let unknown = findings.filter { $0.verdict == .notDerivable }
        #expect(
            unknown.map(\.field) == [
                "positions[0].maintMargin", "positions [0].maintMargin", "positions [0].liquidationPrice",
            ])
        #expect(unknown.allSatisfy { $0.residual?.isZero == false })
    }
}
