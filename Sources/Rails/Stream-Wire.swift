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
        try JSONWriter.result("balances", reserving: 640 + figures.markets.count * 640) {
            writer throws(FigureError) in
            writer.key("balances")
            try write(figures, filter: filter, to: &writer)
        }
    }

    /// The answer to `ping`; that there is one is documented, its form is a choice.
    func pingMessage() -> [UInt8] { JSONWriter.result("ping", reserving: 64) { _ in } }
}

extension RailsError {
    /// The refusal as a message. `resultType` is what was asked for, `error` where nothing was; that
    /// `data.statusCode` tells the status is documented, `data.message` is a choice.
    func message(to question: StreamQuestion?) -> [UInt8] {
        JSONWriter.result(question?.message ?? "error", status: status, reserving: 128) { writer in
            writer.member("message", message)
        }
    }
}

extension JSONWriter {
    /// `{"resultType":…,"data":{"statusCode":…,…}}`.
    fileprivate static func result<Failure: Error>(
        _ type: String, status: Int = 200, reserving capacity: Int,
        _ write: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8] {
        try object(reserving: capacity) { writer throws(Failure) in
            writer.member("resultType", type)
            writer.beginObject("data")
            writer.member("statusCode", Int64(status))
            try write(&writer)
            writer.endObject()
        }
    }
}
