import Ledger
import Testing

@Suite("Calendar times")
struct CalendarTimeTests {
    @Test(
        "ISO 8601 texts and their moments",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01", 0), ("1969-12-31T23:59:59.999Z", -1),
            ("2026-06-01T00:00:00Z", 1_780_272_000_000), ("2026-12-25T08:00:00Z", 1_798_185_600_000),
            ("2000-02-29T12:30Z", 951_827_400_000), ("2024-02-29", 1_709_164_800_000),
            ("2026-01-31t12:30:00z", 1_769_862_600_000), ("2026-01-31 12:30:00Z", 1_769_862_600_000),
            ("2026-01-31T14:30:00+02:00", 1_769_862_600_000), ("2026-01-31T07:00:00-0530", 1_769_862_600_000),
            ("2026-01-31T12:30:00.5Z", 1_769_862_600_500), ("2026-01-31T12:30:00,25Z", 1_769_862_600_250),
            ("2026-01-31T12:30:00.123999999999Z", 1_769_862_600_123),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ] as [(String, Int64)])
    func reading(_ text: String, _ milliseconds: Int64) {
        #expect(LedgerTime(iso8601: text)?.milliseconds == milliseconds)
    }

    @Test(
        "What is no moment",
        arguments: [
            "", "2026", "2026-01", "2026-13-01", "2026-00-01", "2026-01-00", "2026-01-32", "2026-04-31",
            "2026-02-29",
            "1900-02-29", "26-01-01", "2026-1-1", "2026/01/01", "2026-01-01T", "2026-01-01T12",
            "2026-01-01T12:30",
            "2026-01-01T12:30:00", "2026-01-01T24:00:00Z", "2026-01-01T12:60:00Z", "2026-01-01T12:30:60Z",
            "2026-01-01T12:30:00.Z", "2026-01-01T12:30:00+2:00", "2026-01-01T12:30:00+24:00",
            "2026-01-01T12:30:00+02:60", "2026-01-01T12:30:00Z ", " 2026-01-01", "2026-01-01Z", "+2026-01-01",
            "２０２６-01-01", "2026-01-01T12:30:00Zz",
        ])
    func refusing(_ text: String) { #expect(LedgerTime(iso8601: text) == nil) }

    /// Four centuries day by day, against a calendar that only knows how long months are.
    @Test("Every day of a Gregorian cycle")
    func everyDay() {
        var (year, month, day) = (1800, 1, 1)
        var milliseconds: Int64 = -5_364_662_400_000
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        while year < 2200 {
            let text = "\(year)-\(padded(month))-\(padded(day))"
            let time = LedgerTime(milliseconds: milliseconds)
            guard LedgerTime(iso8601: text) == time, time.iso8601 == "\(text)T00:00:00.000Z" else {
                Issue.record("\(text) is not \(milliseconds)")
                return
            }
            milliseconds += 86_400_000
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let length = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            day += 1
            if day > length { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
    }

    @Test("Any moment prints as a text that is read back as that moment")
    func roundTrip() {
        var generator = SeededGenerator()
        for _ in 0..<2000 {
            let moment = LedgerTime(
                milliseconds: .random(in: -62_135_596_800_000...253_402_300_799_999, using: &generator))
            #expect(LedgerTime(iso8601: moment.iso8601) == moment, "seed \(generator.seed)")
        }
    }
}
