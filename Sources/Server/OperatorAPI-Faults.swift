import Engine
import JSON
import Ledger
import Logging
import Venue
import Venues

extension OperatorAPI {
    /// The faults in force.
    func listFaults(_ call: Call) throws -> Reply {
        try call.allow([])
        return faultsReply()
    }

    /// Puts faults in force: one object in place of its venue's others, or a list, or `{"faults":[…]}`, in
    /// place of all.
    func setFaults(_ call: Call) async throws -> Reply {
        try call.allow([])
        let body = try await jsonBody(call)
        if let list = body["faults"] ?? (body.elements == nil ? nil : body) {
            if let object = body.object, let other = object.keys.first(where: { $0 != "faults" }) {
                throw Problem(
                    400, "unknown_field", "Beside faults there is no field \(other.prefix(64)).",
                    field: String(other.prefix(64)))
            }
            guard let elements = list.elements, elements.count <= FaultBook.limit else {
                throw Problem(
                    400, "invalid_field", "faults must be a list of at most \(FaultBook.limit) faults.",
                    field: "faults")
            }
            var faults: [Fault] = []
            for (index, element) in elements.enumerated() {
                do throws(Refusal) {
                    faults.append(try checked(Fault(decoding: element)))
                } catch {
                    throw Problem(error, index: index)
                }
            }
            self.faults.replaceAll(with: faults, engine: engine)
        } else {
            do throws(Refusal) {
                let fault = try checked(Fault(decoding: body))
                faults.replaceThose(of: [fault.venue], with: [fault], engine: engine)
            } catch {
                throw Problem(error)
            }
        }
        logger.info("faults were set", metadata: ["faults": "\(faults.faults.count)"])
        return faultsReply()
    }

    /// Ends all faults, or with `venue` those of one venue.
    func clearFaults(_ call: Call) throws -> Reply {
        try call.allow(["venue"])
        var venue: VenueName?
        if let name = call.query["venue"] {
            guard Venues.names.contains(VenueName(rawValue: name)) else {
                throw Problem.parameter("venue", "must be one of \(Venues.listed)")
            }
            venue = VenueName(rawValue: name)
        }
        faults.clear(venue)
        logger.info("faults were ended", metadata: ["venue": "\(venue?.rawValue ?? "all")"])
        return .noContent
    }

    /// The fault, with every account that it names known to be one of its venue.
    private func checked(_ fault: Fault) throws(Refusal) -> Fault {
        for (field, name) in [("account", fault.account), ("as", fault.other)] {
            guard let name else { continue }
            guard engine.account(name)?.venue == fault.venue else {
                throw Refusal(
                    .unknownAccount,
                    "\(field) must be an account at \(fault.venue.rawValue); \(name.prefix(64)) is none.",
                    field: field)
            }
        }
        return fault
    }

    private func faultsReply() -> Reply {
        .json { writer in
            writer.beginObject()
            writer.key("faults")
            writer.beginArray()
            for fault in faults.faults { fault.write(to: &writer) }
            writer.endArray()
            writer.endObject()
        }
    }
}
