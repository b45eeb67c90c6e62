import JSON
import Testing

@testable import OKX

@Suite struct ApplicabilityTests {
    static func modes(_ cells: JSONValue) -> ModeSet {
        AccountMode.allCases.reduce(into: [] as ModeSet) { set, mode in
            if cells[mode.rawValue]?.boolean == true { set.insert(ModeSet(mode)) }
        }
    }

    /// The account's fields equal the matrix, but for `details`, which is there in all modes.
    @Test func accountFields() throws {
        let matrix = try #require(try JSONValue(parsing: applicabilityMatrix)["account"]?.object)
        #expect(matrix.members.count == 17)
        for (name, cells) in matrix.members {
            let field = try #require(AccountFigure(rawValue: name), "\(name)")
            #expect(field.modes == (field == .details ? .all : Self.modes(cells)), "\(name)")
        }
        let outside = AccountFigure.fields.filter { matrix[$0.rawValue] == nil }
        #expect(outside == [.delta, .deltaLever, .deltaNeutralStatus])
    }

    /// The rows' fields equal the matrix, but for three that recordings show everywhere.
    @Test func detailFields() throws {
        let matrix = try #require(try JSONValue(parsing: applicabilityMatrix)["details"]?.object)
        #expect(matrix.members.count == 38)
        for (name, cells) in matrix.members {
            let field = try #require(CurrencyFigure(rawValue: name), "\(name)")
            let isEverywhere = [.twap, .spotIsoBal, .collateralEnabled].contains(field)
            #expect(field.modes == (isEverywhere ? .all : Self.modes(cells)), "\(name)")
        }
        let outside = CurrencyFigure.balance.filter { matrix[$0.rawValue] == nil }
        #expect(
            outside == [
                .autoLendMtAmt, .autoLendStatus, .clSpotInUseAmt, .colBorrAutoConversion, .colRes,
                .collateralRestrict, .fixedBal, .frpType, .maxSpotInUse, .rewardBal,
            ])
    }

    @Test func fieldsAreInAsciiOrder() {
        let account = AccountFigure.fields.map(\.rawValue)
        let detail = CurrencyFigure.fields.map(\.rawValue)
        #expect(account == account.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
        #expect(detail == detail.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    /// What is served follows the tables: "" where a field does not apply, a value where it does.
    @Test(arguments: AccountMode.allCases)
    func served(_ mode: AccountMode) throws {
        let world = try world()
        try world.open("desk", #"{"mode":"\#(mode.rawValue)"}"#)
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"1000""#))
        let account = try world.balance("desk")
        #expect(account.object?.keys == AccountFigure.fields.map(\.rawValue))
        // "" for other reasons: no risk to measure, no delta strategy, no spot trade, no user-defined amount.
        let empty: Set<String> = [
            "mgnRatio", "delta", "deltaLever", "deltaNeutralStatus", "spotBal", "openAvgPx", "accAvgPx",
            "spotUpl",
            "spotUplRatio", "totalPnl", "totalPnlRatio", "clSpotInUseAmt",
        ]
        for field in AccountFigure.fields where field != .details && !empty.contains(field.rawValue) {
            #expect(account.text(field.rawValue)?.isEmpty == !field.modes.contains(ModeSet(mode)), "\(field)")
        }
        let row = try #require(account.detail("USDT"))
        #expect(row.object?.keys == CurrencyFigure.balance.map(\.rawValue))
        for field in CurrencyFigure.balance where !empty.contains(field.rawValue) {
            if field == .collateralEnabled || field == .collateralRestrict {
                #expect(row[field.rawValue]?.boolean != nil)
            } else {
                #expect(row.text(field.rawValue)?.isEmpty == !field.modes.contains(ModeSet(mode)), "\(field)")
            }
        }
    }
}
