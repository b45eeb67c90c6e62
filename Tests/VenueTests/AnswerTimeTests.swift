import Ledger
import Testing
import Venue

@Suite struct AnswerTimeTests {
    @Test func date() {
        func date(_ text: String?) -> Int64? {
            IncomingAnswer(status: 429, body: [], takenAt: 0) { $0 == "date" ? text : nil }
                .date?.milliseconds
        }
        #expect(date("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777_000)
        #expect(date("Mon, 01 Jun 2026 00:00:00 GMT") == 1_780_272_000_000)
        for text in [nil, "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "1994"] {
            #expect(date(text) == nil)
        }
    }
}
