import JSON
import Ledger
import Numbers
import Testing
import Venue

/// A made-up object: money and debt, half of which is free.
private enum PurseFigure: String, FigureKey {
    case free, ratio, net
    case money, debt, rate

    static let choices = "made up"

    func facts(in mode: Void) -> FigureFacts? {
        switch self {
        case .free: .shown("net × rate", "USD", signed: true, .cut(2), from: "page 1", common: .available)
        case .ratio:
            .shown("money ÷ debt; 0 without debt", "ratio", .halfUp(4), from: "page 2", isNoneAtZero: true)
        case .net:
            .beside("money − debt", "USD", signed: true, .cut(2), from: "page 1")
        case .money: .input("money", "USD", .ledger)
        case .debt: .input("debt", "USD", .ledger)
        case .rate: .input("rate", "ratio", .rule)
        }
    }
}

private final class Purse: FigureTable<PurseFigure> {
    init() { super.init(FigureBook(), (), FigureLayout(())) }

    override func value(of figure: PurseFigure) throws -> ExactFraction {
        switch figure {
        case .free: try self[.net] * self[.rate]
        case .ratio: try self[.debt].isZero ? .zero : self[.money] / self[.debt]
        case .net: try self[.money] - self[.debt]
        case .money, .debt, .rate: throw gap(figure)
        }
    }

    convenience init(money: String, debt: String) throws {
        self.init()
        give(.money, try ExactDecimal(money))
        give(.debt, try ExactDecimal(debt))
        give(.rate, try ExactDecimal("0.5"))
    }

    /// As an answer has it.
    convenience init(reported json: String) throws {
        self.init()
        let object = ReportedObject(try JSONText(parsing: Array(json.utf8)))
        report(.free, object, at: 1)
        report(.ratio, object, at: 1)
        report(.net, object, at: 1)
        report(.debt, object, at: 1)
        recover(.money, try ExactDecimal("10"), as: "money of net", from: ["net"])
        recover(.rate, try ExactDecimal("0.5"), as: "rate")
    }
}

@Suite("Figure tables")
struct FigureTableTests {
    @Test func servedAndPrinted() throws {
        let purse = try Purse(money: "10.015", debt: "3")
        #expect(try purse[.free] == ExactFraction("3.5075"))
        #expect(try purse.decimal(.free) == ExactDecimal("3.5"))
        #expect(try purse.printed(.ratio) == ExactFraction("3.3383"))
        purse.setOverride(.free, to: try ExactDecimal("1.23456"))
        var writer = JSONWriter()
        writer.beginObject()
        try purse.layout.write(purse, to: &writer)
        writer.endObject()
        #expect(writer.text == #"{"free":"1.23456","ratio":"3.3383"}"#)
    }

    @Test func explanationsListWhatWasAskedFor() throws {
        let found = try Purse(money: "10.015", debt: "3").explanations()
        #expect(found.map(\.path) == ["free", "ratio", "net"])
        #expect(found[0].value == "3.5" && found[0].rounding == "cut to 2 places")
        #expect(found[0].inputs.map(\.name) == ["net", "rate"])
        #expect(found[0].inputs.map(\.value) == ["7.015", "0.5"])
        #expect(found[0].inputs.map(\.path) == ["net", nil])
        #expect(found[2].value == "7.015")
        // Without debt the ratio asks for nothing else.
        #expect(try Purse(money: "1", debt: "0").explanations()[1].inputs.map(\.name) == ["debt"])
    }

    private func audit(_ json: String) throws -> [String: AuditFinding] {
        Dictionary(uniqueKeysWithValues: try Purse(reported: json).audit().map { ($0.field, $0) })
    }

    /// net was cut: 7.01 is anything up to 7.02, so that free is from 3.505 to below 3.51.
    @Test(arguments: [
        ("3.5", AuditFinding.Verdict.matches), ("3.51", .contradicts), ("3.49", .contradicts),
    ])
    func whatDigitsLeaveOpen(free: String, verdict: AuditFinding.Verdict) throws {
        let found = try audit(#"{"free":"\#(free)","net":"7.01","debt":"2.99","ratio":"3.3445"}"#)
        #expect(found["free"]?.verdict == verdict)
        #expect(found["free"]?.inputs.map(\.name) == ["net", "rate"])
        #expect(found["ratio"]?.verdict == .matches)
        // The only money there is was recovered from net, which would say that net is itself.
        #expect(found["net"] == nil)
    }

    @Test func roundingIsWhatFitsTheDigits() throws {
        // From 3.505 to below 3.515.
        let found = try audit(#"{"free":"3.51","net":"7.02","debt":"2.99"}"#)
        #expect(found["free"]?.verdict == .matches)
        let other = try audit(#"{"free":"3.50","net":"6.99","debt":"2.99"}"#)
        #expect(other["free"]?.verdict == .contradicts && other["free"]?.expected == "3.49")
        // −7.01 is down to −7.02: −3.505 is printed −3.50, and −3.51 by nothing.
        let negative = try audit(#"{"free":"-3.5","net":"-7.01","debt":"2.99"}"#)
        #expect(negative["free"]?.verdict == .matches)
    }

    @Test func whatIsMissingIsNamed() throws {
        let found = try audit(#"{"free":"3.5","net":null,"debt":"2.99","ratio":""}"#)
        #expect(found["free"]?.verdict == .notDerivable && found["free"]?.remark == "net is null.")
        #expect(found["ratio"] == nil)
    }
}

/// Mistakes in what is said about figures.
private enum FaultyFigure: String, FigureKey {
    case alone, first, second, loop, back, one, other

    static let choices = ""

    func facts(in mode: Void) -> FigureFacts? {
        switch self {
        case .alone: nil
        case .first: .shown("a", "USD", from: "page", common: .equity)
        case .second: .shown("", "USD", from: "", common: .equity)
        case .loop, .back: .beside("each other", "USD", from: "page")
        case .one, .other: .input("the same", "USD", .ledger)
        }
    }
}

private final class Faulty: FigureTable<FaultyFigure> {
    init() { super.init(FigureBook(), (), FigureLayout(())) }

    override func value(of figure: FaultyFigure) throws -> ExactFraction {
        switch figure {
        case .loop: try self[.back]
        case .back: try self[.loop]
        default: .zero
        }
    }
}

@Suite("Mistakes in figures")
struct FigureFaultTests {
    @Test func areFound() {
        #expect(
            FigureFaults.found(in: FaultyFigure.self, modes: [()]) == [
                "alone has no facts in any mode", "second has no formula in words", "second has no source",
                "the figures are both the common equity: first, second",
                "the inputs are both called the same: one, other",
            ])
        #expect(FigureFaults.found(in: PurseFigure.self, modes: [()]).isEmpty)
    }

    @Test func definitionsThatReadThemselves() throws {
        #expect(FigureFaults.selfReaders(of: Faulty()) == ["loop", "back"])
        #expect(FigureFaults.selfReaders(of: try Purse(money: "1", debt: "1")).isEmpty)
    }
}
