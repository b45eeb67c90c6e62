import JSON
import Ledger
import Venue

/// A message that a client sent: `{"message":"balances","content":{"market":"ETH-USD"}}`.
struct StreamQuestion {
    /// What is asked for.
    let message: String
    private let content: JSONValue?

    /// Text and binary messages are read alike. Nil for what is no object with a `message`.
    init?(_ message: StreamMessage) {
        let bytes =
            switch message {
            case .text(let bytes), .binary(let bytes): bytes
            }
        guard let body = try? JSONValue(parsing: bytes), let name = body["message"]?.text else { return nil }
        self.message = name
        content = body["content"]
    }

    /// What is asked with it; an empty object where there is none.
    var contentOrEmpty: JSONValue { content ?? .object(JSONObject()) }

    /// The client's own id of the request.
    var requestID: String? { content?["clientRequestId"]?.text }

    /// The market asked for; nil for all. Throws 400 for one that is no text.
    func market() throws(RailsError) -> String? {
        guard let content, !content.isNull else { return nil }
        guard content.object != nil else { throw .badRequest("content must be an object") }
        guard let market = content["market"], !market.isNull else { return nil }
        guard let name = market.text else { throw .badRequest("market must be a text") }
        return name
    }
}

extension RailsVenue {
    /// The balances, never wrapped a second time: both profiles have the same envelope here.
    func balancesMessage(
        _ figures: AccountFigures, filter: MarketFilter
    ) throws(FigureError) -> [UInt8] {
        var writer = JSONWriter(reserving: 640 + figures.markets.count * 640)
        writer.beginResult("balances", status: 200)
        writer.key("balances")
        try write(figures, filter: filter, to: &writer)
        writer.endResult()
        return writer.bytes
    }

    /// The answer to `ping`; that there is one is documented, its form is a choice.
    func pingMessage() -> [UInt8] {
        var writer = JSONWriter(reserving: 64)
        writer.beginResult("ping", status: 200)
        writer.endResult()
        return writer.bytes
    }
}

extension RailsError {
    /// The refusal as a message. `resultType` is what was asked for, `error` where nothing was; that
    /// `data.statusCode` tells the status is documented, `data.message` is a choice.
    func message(to question: StreamQuestion?) -> [UInt8] {
        var writer = JSONWriter(reserving: 128)
        writer.beginResult(question?.message ?? "error", status: status)
        writer.member("message", message)
        writer.endResult()
        return writer.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func beginResult(_ type: String, status: Int) {
        beginObject()
        member("resultType", type)
        beginObject("data")
        member("statusCode", Int64(status))
    }

    fileprivate mutating func endResult() {
        endObject()
        endObject()
    }
}
