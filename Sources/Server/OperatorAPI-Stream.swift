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
    /// Events read from the journal at a time, for a reader that goes on from a sequence.
    private static let page = 1_000

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
            guard engine.account(id) != nil else { throw Self.noAccount(id) }
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
        let watchesMargin = filter.kinds.contains(.margin)
        if watchesMargin { margins.add(subscriber) }
        defer { if watchesMargin { margins.remove(subscriber) } }
        let ticking = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.silence)
                subscriber.offer(.silence)
            }
        }
        defer { ticking.cancel() }
        try await writer.write(ServerSentEvent.silence)
        var last = after ?? engine.statistics.sequence
        if after != nil { last = try await replay(to: &writer, filter, after: last) }
        for await item in subscriber.items {
            switch item {
            case .silence: try await writer.write(ServerSentEvent.silence)
            case .margin(let transition):
                if filter.admits(transition) { try await writer.write(ServerSentEvent.message(transition)) }
            case .events(let events):
                for event in events where event.sequence > last {
                    last = event.sequence
                    guard filter.admits(event, venueOf: { engine.account($0)?.venue }) else { continue }
                    try await writer.write(ServerSentEvent.message(event))
                }
            }
        }
        try await writer.finish(nil)
    }

    private func replay(
        to writer: inout any ResponseBodyWriter, _ filter: StreamFilter, after: Int64
    ) async throws -> Int64 {
        var last = after
        while true {
            let events = try await engine.events(after: last, limit: Self.page)
            for event in events where filter.admits(event, venueOf: { engine.account($0)?.venue }) {
                try await writer.write(ServerSentEvent.message(event))
            }
            guard let end = events.last?.sequence else { return last }
            last = end
        }
    }
}
