import Ledger
import Testing
import Venue

@Suite struct AnswerTimeTests {
    private func answer(_ headers: [String: String]) -> IncomingAnswer {
        IncomingAnswer(status: 429, body: [], takenAt: 784_111_770_000) { headers[$0] }
    }

    @Test(arguments: [
        ("0", Int64(0)), ("120", 120_000), ("Sun, 06 Nov 1994 08:49:40 GMT", 10_000),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
    ])
    func retryAfter(text: String, milliseconds: Int64) {
        #expect(answer(["retry-after": text]).retryAfter == milliseconds)
    }

    @Test func retryAfterCountsFromTheVenuesClock() {
        let headers = [
            "retry-after": "Sun, 06 Nov 1994 08:49:40 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT",
        ]
        #expect(answer(headers).retryAfter == 3000)
    }

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

    @Test(arguments: ["", "-1", "1.5", "soon", "99999999999", "Sun, 6 Nov 1994 08:49:40 GMT"])
    func unreadable(text: String) {
        #expect(answer(["retry-after": text]).retryAfter == nil)
        #expect(answer([:]).retryAfter == nil)
    }
}
