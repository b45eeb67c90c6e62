import Ledger

/// Which part of a list is wanted: `startTime`, `endTime`, a first id, `limit`.
struct Page {
    let limit: Int
    private let start: Int64?
    private let end: Int64?
    private let firstID: Int64?

    /// `usual` rows where no `limit` is named, `most` whatever is.
    init(
        _ parameters: Parameters, idName: String? = nil, usual: Int64 = 500, most: Int64 = 1000
    ) throws(BinanceError) {
        func number(_ name: String) throws(BinanceError) -> Int64? {
            guard let text = parameters[name], !text.isEmpty else { return nil }
            guard let number = BinanceVenue.milliseconds(text) else { throw .invalidData(name) }
            return number
        }
        start = try number("startTime")
        end = try number("endTime")
        firstID = try idName.flatMap { name throws(BinanceError) in try number(name) }
        let wanted = try number("limit") ?? usual
        guard wanted > 0 else { throw .invalidData("limit") }
        limit = Int(min(wanted, most))
    }

    func admits(_ time: LedgerTime, id: Int64) -> Bool {
        (start ?? .min) <= time.milliseconds && time.milliseconds <= (end ?? .max) && (firstID ?? .min) <= id
    }

    /// The first ones where a beginning is named, else the last ones.
    func cut<Element>(_ rows: [Element]) -> ArraySlice<Element> {
        start != nil || firstID != nil ? rows.prefix(limit) : rows.suffix(limit)
    }
}
