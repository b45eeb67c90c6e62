import Engine
import HTTPTypes
import HummingbirdCore
import Ledger
import ServiceLifecycle
import Venue
import Venues

extension OperatorAPI {
    /// How long nothing may happen before a comment is sent.
    private static let silence = Duration.seconds(15)
    /// Events read from the journal at a time, for a reader that goes on from a sequence or is behind; and
    /// margin transitions told at a time.
    private static let page = 256

    /// What happens, as it happens, in the form of server-sent events; from a sequence on where the reader
    /// names one.
    func stream(_ call: Call) async throws -> Reply {
        try call.allow(["account", "venue", "types", "after"])
        let filter = try streamFilter(call)
        var after: Int64?
        if call.query["after"] != nil {
            after = try call.integer("after", in: 0...Int64.max, fallback: 0)
        }
        // A browser that reconnects names the last event that it saw, and means what it says.
        if let name = HTTPField.Name("Last-Event-ID"), let text = call.request.headers[name] {
            guard let sequence = Int64(text), sequence >= 0 else {
                throw Problem(400, "invalid_header", "Last-Event-ID must be the sequence of an event.")
            }
            after = sequence
        }
        var reply = Reply(contentType: "text/event-stream")
        reply.stream = { [after] writer in
            let subscriber = StreamSubscriber()
            try await withGracefulShutdownHandler {
                try await send(to: &writer, subscriber, filter, after: after)
            } onGracefulShutdown: {
                subscriber.finish()
            }
        }
        return reply
    }

    private func streamFilter(_ call: Call) throws -> StreamFilter {
        var filter = StreamFilter()
        if let id = call.query["account"] {
            guard engine.account(id) != nil else { throw noAccount(id) }
            filter.account = id
        }
        if let name = call.query["venue"] {
            guard Venues.names.contains(VenueName(rawValue: name)) else {
                throw Problem.parameter("venue", "must be one of \(Venues.listed)")
            }
            filter.venue = VenueName(rawValue: name)
        }
        if let list = call.query["types"] {
            filter.kinds = []
            for name in list.split(separator: ",", omittingEmptySubsequences: false) {
                guard let kind = StreamFilter.Kind(rawValue: String(name)) else {
                    let known = StreamFilter.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Problem.parameter("types", "must be some of \(known), with commas between")
                }
                filter.kinds.insert(kind)
            }
        }
        return filter
    }

    private func send(
        to writer: inout any ResponseBodyWriter, _ subscriber: StreamSubscriber, _ filter: StreamFilter,
        after: Int64?
    ) async throws {
        // Followed before the journal is read: what happens meanwhile comes twice and is told once.
        engine.feed.follow(subscriber, FeedInterest(everything: true))
        defer { engine.feed.leave(subscriber) }
        margins.readers.count()
        defer { margins.readers.count(-1) }
        var place = filter.kinds.contains(.margin) ? margins.add(subscriber) : nil
        defer { margins.remove(subscriber) }
        let ticking = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.silence)
                subscriber.breakSilence()
            }
        }
        defer { ticking.cancel() }
        var last = after ?? engine.statistics.sequence
        var isBehind = after != nil
        try await writer.write(ServerSentEvent.silence)
        subscriber.ring()
        for await _ in subscriber.bell {
            let mail = subscriber.take()
            if mail.isSilent { try await writer.write(ServerSentEvent.silence) }
            isBehind = isBehind || mail.isBehind
            // Calls that stand come first, then a piece of them and one of the journal in turns.
            var hasMore = true
            while hasMore, !subscriber.isOver {
                hasMore = try await tellMargins(to: &writer, filter, after: &place)
                guard isBehind else { continue }
                var page = try await page(filter, after: last)
                try await page.told.write(to: &writer)
                (last, isBehind) = (page.last, page.isMore)
                hasMore = hasMore || isBehind
            }
            var told = ServerSentEvent.Piece()
            for event in mail.events where event.sequence > last {
                last = event.sequence
                if admits(event, filter) { told.add(event) }
                if told.isFull { try await told.write(to: &writer) }
            }
            try await told.write(to: &writer)
        }
        try await writer.finish(nil)
    }

    private func admits(_ event: Event, _ filter: StreamFilter) -> Bool {
        filter.admits(event, venueOf: { engine.account($0)?.venue })
    }

    /// Writes the next piece of margin transitions; whether there may be more.
    private func tellMargins(
        to writer: inout any ResponseBodyWriter, _ filter: StreamFilter,
        after place: inout MarginLog.Place?
    ) async throws -> Bool {
        guard var reached = place else { return false }
        let transitions = margins.next(after: &reached, limit: Self.page)
        place = reached
        var told = ServerSentEvent.Piece()
        for transition in transitions where filter.admits(transition) { told.add(transition) }
        try await told.write(to: &writer)
        return !transitions.isEmpty
    }

    /// The next page of the journal, as far as its events can be read by others too: what is on its way there
    /// is told when it has arrived.
    private func page(
        _ filter: StreamFilter, after sequence: Int64
    ) async throws -> (told: ServerSentEvent.Piece, last: Int64, isMore: Bool) {
        let end = engine.statistics.sequence
        return try await engine.ownTurn(of: "stream").run {
            var told = ServerSentEvent.Piece()
            var last = sequence
            for event in try await engine.events(after: sequence, limit: Self.page)
            where event.sequence <= end {
                last = event.sequence
                if admits(event, filter) { told.add(event) }
            }
            return (told, last, last < end)
        }
    }
}
