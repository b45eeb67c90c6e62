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
        let (elements, isList) = try Self.elements(of: body, "faults", limit: FaultBook.limit)
        var faults: [Fault] = []
        for (index, element) in elements.enumerated() {
            do throws(Refusal) {
                faults.append(try checked(Fault(decoding: element)))
            } catch {
                throw Problem(error, index: isList ? index : nil)
            }
        }
        if isList {
            self.faults.replaceAll(with: faults, engine: engine)
        } else {
            self.faults.replaceThose(of: Set(faults.map(\.aim.venue)), with: faults, engine: engine)
        }
        logger.info("faults were set", metadata: ["faults": "\(self.faults.faults.count)"])
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

    /// What a body holds that is one object, a list, or an object with a list of this name.
    static func elements(
        of body: JSONValue, _ name: String, limit: Int
    ) throws(Problem) -> (elements: [JSONValue], isList: Bool) {
        guard let list = body[name] ?? (body.elements == nil ? nil : body) else { return ([body], false) }
        if let other = body.object?.keys.first(where: { $0 != name }) {
            throw Problem(
                400, "unknown_field", "Beside \(name) there is no field \(other.prefix(64)).",
                field: String(other.prefix(64)))
        }
        guard let elements = list.elements, elements.count <= limit else {
            throw Problem(
                400, "invalid_field", "\(name) must be a list of at most \(limit) \(name).", field: name)
        }
        return (elements, true)
    }

    /// The fault, with every account that it names known to be one of its venue.
    private func checked(_ fault: Fault) throws(Refusal) -> Fault {
        var named = [("account", fault.aim.account)]
        if case .wrongAccount(let other) = fault.effect { named.append(("as", other)) }
        for (field, name) in named {
            guard let name else { continue }
            guard engine.account(name)?.venue == fault.aim.venue else {
                throw Refusal(
                    .unknownAccount,
                    "\(field) must be an account at \(fault.aim.venue.rawValue); \(name.prefix(64)) is none.",
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
            for fault in faults.faults { writer.value(fault.source) }
            writer.endArray()
            writer.endObject()
        }
    }
}
