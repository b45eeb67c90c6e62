import JSON
import Journal
import Ledger
import Numbers

/// What the account snapshots of a store stand for: the place of the journal, and the prices of that place.
struct SnapshotState {
    /// The form of snapshots; those of another one are not read.
    static let form: Int64 = 6

    var sequence: Int64
    /// The checksum of the event at that place: snapshots of another ledger do not have it.
    var checksum: UInt64
    var accountCount: Int
    var prices: [(VenueName, VenuePrices)]

    /// As the store keeps it. The same state gives the same bytes.
    func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("form", Self.form)
        writer.member("sequence", sequence)
        writer.member("checksum", String(checksum))
        writer.member("accounts", Int64(accountCount))
        writer.beginArray("prices")
        for (venue, prices) in prices.sorted(by: { $0.0.rawValue < $1.0.rawValue }) {
            guard let updatedAt = prices.updatedAt else { continue }
            writer.beginObject()
            writer.member("venue", venue.rawValue)
            writer.member("updated_at", updatedAt.milliseconds)
            writer.key("marks")
            Self.write(prices.marks, to: &writer)
            writer.key("index")
            Self.write(prices.index, to: &writer)
            writer.beginArray("quotes")
            for (_, quote) in prices.quotes.sorted(by: { $0.key < $1.key }) { Self.write(quote, to: &writer) }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private static func write(_ points: [String: PricePoint], to writer: inout JSONWriter) {
        writer.beginArray()
        for (name, point) in points.sorted(by: { $0.key < $1.key }) {
            writer.beginArray()
            writer.string(name)
            writer.quoted(point.price)
            writer.integer(point.at.milliseconds)
            writer.endArray()
        }
        writer.endArray()
    }

    private static func write(_ quote: Quote, to writer: inout JSONWriter) {
        writer.beginArray()
        writer.string(quote.instrument)
        writer.integer(quote.sequence)
        for number in [quote.bid, quote.ask, quote.bidSize, quote.askSize, quote.last, quote.quantity] {
            if let number { writer.quoted(number) } else { writer.null() }
        }
        writer.endArray()
    }

    init(sequence: Int64, checksum: UInt64, accountCount: Int, prices: [(VenueName, VenuePrices)]) {
        self.sequence = sequence
        self.checksum = checksum
        self.accountCount = accountCount
        self.prices = prices
    }

    /// Nil for bytes that `encoded` did not write.
    init?(decoding bytes: [UInt8]) {
        guard let value = try? JSONValue(parsing: bytes), value["form"]?.integer == Self.form,
            let sequence = value["sequence"]?.integer, let count = value["accounts"]?.integer,
            let checksum = value["checksum"]?.text.flatMap({ UInt64($0) }),
            let venues = value["prices"]?.elements
        else { return nil }
        self.init(sequence: sequence, checksum: checksum, accountCount: Int(count), prices: [])
        for entry in venues {
            guard let venue = entry["venue"]?.text.map(VenueName.init(rawValue:)),
                let updatedAt = entry["updated_at"]?.integer,
                let marks = Self.points(entry["marks"]), let index = Self.points(entry["index"]),
                let quotes = Self.quotes(entry["quotes"])
            else { return nil }
            var prices = VenuePrices()
            for (at, quote) in marks {
                prices.apply(PriceTick(venue: venue, marks: [quote], index: []), at: at)
            }
            for (at, quote) in index {
                prices.apply(PriceTick(venue: venue, marks: [], index: [quote]), at: at)
            }
            for (sequence, quote) in quotes {
                prices.apply(
                    QuoteTick(venue: venue, quotes: [quote]), at: LedgerTime(milliseconds: updatedAt),
                    sequence: sequence)
            }
            // A tick without prices sets the time of the last one.
            prices.apply(
                PriceTick(venue: venue, marks: [], index: []), at: LedgerTime(milliseconds: updatedAt))
            self.prices.append((venue, prices))
        }
    }

    private static func quotes(_ value: JSONValue?) -> [(Int64, Quote)]? {
        guard let rows = value?.elements else { return nil }
        var quotes: [(Int64, Quote)] = []
        for row in rows {
            guard let parts = row.elements, parts.count == 8, let name = parts[0].text,
                let sequence = parts[1].integer
            else { return nil }
            let numbers = parts[2...].map { $0.text.flatMap { try? ExactDecimal($0) } }
            var quote = Quote(instrument: name)
            (quote.bid, quote.ask) = (numbers[0], numbers[1])
            (quote.bidSize, quote.askSize) = (numbers[2], numbers[3])
            (quote.last, quote.quantity) = (numbers[4], numbers[5])
            quotes.append((sequence, quote))
        }
        return quotes
    }

    private static func points(_ value: JSONValue?) -> [(LedgerTime, PriceTick.Quote)]? {
        guard let rows = value?.elements else { return nil }
        var points: [(LedgerTime, PriceTick.Quote)] = []
        for row in rows {
            guard let parts = row.elements, parts.count == 3, let name = parts[0].text,
                let text = parts[1].text,
                let price = try? ExactDecimal(text), let at = parts[2].integer
            else { return nil }
            points.append((LedgerTime(milliseconds: at), PriceTick.Quote(name: name, price: price)))
        }
        return points
    }
}

/// Every instrument's terms, as account snapshots need them.
enum SnapshotInstruments {
    static func encoded(_ table: InstrumentTable) -> [UInt8] {
        var bytes: [UInt8] = Array("[".utf8)
        for (place, instrument) in table.all.enumerated() {
            bytes += Array("\(place == 0 ? "" : ",")[\(instrument.definition),".utf8)
            event(instrument).appendBody(to: &bytes)
            bytes += Array("]".utf8)
        }
        return bytes + Array("]".utf8)
    }

    /// Nil for bytes that `encoded` did not write.
    static func decode(_ bytes: [UInt8]) -> InstrumentTable? {
        guard let rows = (try? JSONValue(parsing: bytes))?.elements else { return nil }
        var table = InstrumentTable()
        for row in rows {
            guard let parts = row.elements, parts.count == 2, let definition = parts[0].integer,
                let event = try? Event(
                    sequence: definition, at: LedgerTime(milliseconds: 0), account: nil,
                    typeName: "instrument_defined", body: parts[1], instruments: table),
                case .instrumentDefined(let defined) = event.body
            else { return nil }
            table.define(defined.instrument)
        }
        return table
    }

    private static func event(_ instrument: Instrument) -> Event {
        Event(
            sequence: instrument.definition, at: LedgerTime(milliseconds: 0), account: nil,
            body: .instrumentDefined(InstrumentDefinition(instrument)))
    }
}
