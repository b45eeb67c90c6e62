import Engine
import JSON
import Ledger

extension OperatorAPI {
    /// Whether the process answers.
    func health(_ call: Call) throws -> Reply {
        .json { writer in
            writer.beginObject()
            writer.member("status", literal: "ok")
            writer.endObject()
        }
    }

    /// Whether commands can be made durable.
    func readiness(_ call: Call) throws -> Reply {
        guard engine.isWritable else {
            throw Problem(
                503, "store_unavailable",
                "The store cannot be written at the moment; reads are still answered.")
        }
        return .json { writer in
            writer.beginObject()
            writer.member("status", literal: "ready")
            writer.endObject()
        }
    }

    /// The API's own description.
    func description(_ call: Call) throws -> Reply { Reply(body: PackageResources.openapi_json) }

    /// The web page.
    func pageReply(_ call: Call) throws -> Reply {
        let body = page.render(accounts: engine.statistics.accounts, isWritable: engine.isWritable)
        return Reply(
            contentType: "text/html; charset=utf-8",
            headers: [
                ("Content-Security-Policy", WebPage.policy), ("Referrer-Policy", "no-referrer"),
                ("X-Frame-Options", "DENY"),
            ],
            body: body)
    }

    /// What is counted and measured, as Prometheus reads it.
    func metrics(_ call: Call) throws -> Reply {
        var text = MetricsText()
        let totals = meter.read()
        writeRequests(totals, to: &text)
        if let streams { writeStreams(streams, to: &text) }
        writeLedger(engine.statistics, to: &text)
        text.family(
            "marginalia_operator_stream_readers", "gauge", "Readers of the operator stream.")
        text.sample("marginalia_operator_stream_readers", value: "\(margins.readers.value)")
        text.family("marginalia_writable", "gauge", "1 while commands can be made durable.")
        text.sample("marginalia_writable", value: engine.isWritable ? "1" : "0")
        text.family("process_start_time_seconds", "gauge", "When the process began, in seconds since 1970.")
        text.sample(
            "process_start_time_seconds", value: MetricsText.seconds(nanoseconds: startedAt * 1_000_000))
        return Reply(contentType: "text/plain; version=0.0.4; charset=utf-8", body: text.bytes)
    }

    private func area(_ number: UInt8) -> String {
        let names = engine.venueNames
        return names.indices.contains(Int(number)) ? names[Int(number)].rawValue : "operator"
    }

    private func writeRequests(_ totals: RequestMeter.Totals, to text: inout MetricsText) {
        text.family(
            "marginalia_http_requests_total", "counter", "Requests answered, by venue, path class and status."
        )
        let keys = totals.requests.keys.sorted {
            ($0.area, $0.pathClass.rawValue, $0.status) < ($1.area, $1.pathClass.rawValue, $1.status)
        }
        for key in keys {
            text.sample(
                "marginalia_http_requests_total",
                labels: [
                    ("venue", area(key.area)), ("path", "\(key.pathClass)"), ("status", "\(key.status)"),
                ],
                value: "\(totals.requests[key] ?? 0)")
        }
        let name = "marginalia_http_request_duration_seconds"
        text.family(name, "histogram", "How long answers took to work out, by venue.")
        for (number, latency) in totals.latencies.sorted(by: { $0.key < $1.key }) {
            let venue = (name: "venue", value: area(number))
            var sum = 0
            for (bound, count) in zip(RequestMeter.bounds, latency.buckets) {
                sum += count
                text.sample("\(name)_bucket", labels: [venue, ("le", bound.text)], value: "\(sum)")
            }
            text.sample("\(name)_bucket", labels: [venue, ("le", "+Inf")], value: "\(latency.count)")
            text.sample(
                "\(name)_sum", labels: [venue], value: MetricsText.seconds(nanoseconds: latency.nanoseconds))
            text.sample("\(name)_count", labels: [venue], value: "\(latency.count)")
        }
        text.family(
            "marginalia_rate_limit_refusals_total", "counter", "Requests refused by a venue's rate limit.")
        for (place, name) in engine.venueNames.enumerated() {
            text.sample(
                "marginalia_rate_limit_refusals_total", labels: [("venue", name.rawValue)],
                value: "\(totals.rateLimitRefusals[UInt8(clamping: place)] ?? 0)")
        }
    }

    private func writeStreams(_ streams: StreamHub, to text: inout MetricsText) {
        let families: [(name: String, kind: String, help: String, value: (StreamMeter) -> Int)] = [
            ("connections", "gauge", "WebSocket connections that stand.", { $0.connections.value }),
            ("connections_total", "counter", "WebSocket connections opened.", { $0.opened.value }),
            ("messages_received_total", "counter", "Messages of WebSocket clients.", { $0.received.value }),
            ("messages_sent_total", "counter", "Messages to WebSocket clients.", { $0.sent.value }),
            (
                "slow_readers_total", "counter", "WebSocket connections ended because nobody read.",
                { $0.slowReaders.value }
            ),
        ]
        for family in families {
            let name = "marginalia_stream_\(family.name)"
            text.family(name, family.kind, family.help)
            for venue in engine.venueNames {
                guard let meter = streams.meter(of: venue) else { continue }
                text.sample(
                    name, labels: [("venue", venue.rawValue)], value: "\(family.value(meter))")
            }
        }
    }

    private func writeLedger(_ statistics: EngineStatistics, to text: inout MetricsText) {
        let counters: [(name: String, help: String, value: Int64)] = [
            ("marginalia_events_total", "Events in the journal.", statistics.sequence),
            (
                "marginalia_commands_applied_total", "Commands applied since the start.",
                statistics.appliedCommands
            ),
            (
                "marginalia_commands_duplicate_total", "Commands that had been applied before.",
                statistics.duplicateCommands
            ),
            (
                "marginalia_commands_rejected_total", "Commands that were refused.",
                statistics.rejectedCommands
            ),
            ("marginalia_commit_groups_total", "Groups made durable together.", statistics.groupSizes.count),
            (
                "marginalia_commit_failures_total", "Groups that could not be written.",
                statistics.failedGroups
            ),
            ("marginalia_snapshots_total", "Snapshots written since the start.", statistics.snapshots),
            (
                "marginalia_slow_reads_refused_total", "Slow reads refused because as many waited as may.",
                statistics.refusedSlowWork
            ),
        ]
        for counter in counters {
            text.family(counter.name, "counter", counter.help)
            text.sample(counter.name, value: "\(counter.value)")
        }
        let gauges: [(name: String, help: String, value: Int64)] = [
            ("marginalia_sequence", "The sequence of the last event.", statistics.sequence),
            ("marginalia_accounts", "Accounts in the ledger.", Int64(statistics.accounts)),
            (
                "marginalia_commands_waiting", "Commands that wait to be made durable.",
                Int64(statistics.waitingCommands)
            ),
            (
                "marginalia_slow_reads", "Slow reads under way or waiting for their turn.",
                Int64(statistics.slowWork)
            ),
            ("marginalia_snapshot_sequence", "The place of the last snapshot.", statistics.snapshotSequence),
        ]
        for gauge in gauges {
            text.family(gauge.name, "gauge", gauge.help)
            text.sample(gauge.name, value: "\(gauge.value)")
        }
        text.histogram(
            "marginalia_commit_duration_seconds", "How long making a group durable took.",
            statistics.commitMicroseconds
        ) { MetricsText.seconds(nanoseconds: $0 * 1000) }
        text.histogram("marginalia_commit_group_events", "Events per group.", statistics.groupSizes) {
            "\($0)"
        }
    }
}

/// Writes the Prometheus text form.
struct MetricsText {
    /// What has been written so far.
    private(set) var bytes: [UInt8] = []

    /// Begins a metric: its kind and what it counts.
    mutating func family(_ name: String, _ kind: String, _ help: String) {
        bytes += Array("# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n".utf8)
    }

    /// Writes one value of a metric.
    mutating func sample(_ name: String, labels: [(name: String, value: String)] = [], value: String) {
        let inside = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        bytes += Array("\(name)\(inside.isEmpty ? "" : "{\(inside)}") \(value)\n".utf8)
    }

    /// Writes a distribution of the engine; `unit` turns its numbers into text.
    mutating func histogram(_ name: String, _ help: String, _ values: Distribution, unit: (Int64) -> String) {
        family(name, "histogram", help)
        var sum: Int64 = 0
        for (bound, count) in zip(values.bounds, values.counts) {
            sum += count
            sample("\(name)_bucket", labels: [("le", unit(bound))], value: "\(sum)")
        }
        sample("\(name)_bucket", labels: [("le", "+Inf")], value: "\(values.count)")
        sample("\(name)_sum", value: unit(values.sum))
        sample("\(name)_count", value: "\(values.count)")
    }

    /// A label's value with its backslashes, quotes and line ends escaped.
    static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
    }

    /// Nanoseconds as seconds, exactly.
    static func seconds(nanoseconds: Int64) -> String {
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest)
        return "\(whole)." + String(repeating: "0", count: 9 - digits.count) + digits
    }
}
