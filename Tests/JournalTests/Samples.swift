import Journal
import Ledger
import Numbers

/// A deposit's record.
func deposit(_ sequence: Int64, _ account: String, at time: Int64 = 1_000, id: String? = nil) -> EventRecord {
    EventRecord(
        sequence: sequence, at: LedgerTime(milliseconds: time), account: account, counterparty: nil,
        type: "deposited", commandID: id, commandDigest: id == nil ? nil : [1, 2, 3],
        body: Array(#"{"asset":"USD","amount":"1"}"#.utf8))
}

/// A transfer's record.
func transfer(_ sequence: Int64, _ account: String, to other: String, at time: Int64 = 1_000) -> EventRecord {
    EventRecord(
        sequence: sequence, at: LedgerTime(milliseconds: time), account: account, counterparty: other,
        type: "transferred", body: Array(#"{"to":"\#(other)","asset":"USD","amount":"1"}"#.utf8))
}

/// A price tick's record, as the ledger encodes it.
func priced(
    _ sequence: Int64, at time: Int64, marks: [(String, String)], index: [(String, String)] = []
) throws -> EventRecord {
    func quotes(_ list: [(String, String)]) throws -> [PriceTick.Quote] {
        try list.map { PriceTick.Quote(name: $0.0, price: try ExactDecimal($0.1)) }
    }
    let tick = PriceTick(
        venue: VenueName(rawValue: "okx"), marks: try quotes(marks), index: try quotes(index))
    let event = Event(
        sequence: sequence, at: LedgerTime(milliseconds: time), account: nil, body: .priced(tick))
    var body: [UInt8] = []
    event.appendBody(to: &body)
    return EventRecord(
        sequence: sequence, at: event.at, account: nil, counterparty: nil, type: event.typeName, body: body)
}

/// Records without their checksums, which only the store knows.
func contents(_ records: [EventRecord]) -> [EventRecord] {
    records.map { record in
        var record = record
        record.checksum = 0
        return record
    }
}
