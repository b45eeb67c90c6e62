import Engine
import JSON
import Ledger
import Logging

extension OperatorAPI {
    /// The scripts that wait for their orders.
    func listOrderScripts(_ call: Call) throws -> Reply {
        try call.allow([])
        return orderScriptsReply()
    }

    /// Puts scripts in place of all others: one object, a list, or `{"scripts":[…]}`.
    func setOrderScripts(_ call: Call) async throws -> Reply {
        try call.allow([])
        let body = try await jsonBody(call)
        if body["scripts"] != nil, let other = body.object?.keys.first(where: { $0 != "scripts" }) {
            throw Problem(
                400, "unknown_field", "Beside scripts there is no field \(other.prefix(64)).",
                field: String(other.prefix(64)))
        }
        let elements = body["scripts"]?.elements ?? body.elements ?? [body]
        guard elements.count <= OrderScripts.limit else {
            throw Problem(
                400, "invalid_field", "scripts must be a list of at most \(OrderScripts.limit) scripts.",
                field: "scripts")
        }
        var scripts: [OrderScript] = []
        for (index, element) in elements.enumerated() {
            do throws(Refusal) {
                let script = try OrderScript(decoding: element)
                guard engine.account(script.account) != nil else {
                    throw Refusal(
                        .unknownAccount, "There is no account \(script.account.prefix(64)).", field: "account"
                    )
                }
                scripts.append(script)
            } catch {
                throw elements.count == 1 ? Problem(error) : Problem(error, index: index)
            }
        }
        faults.orderScripts.replaceAll(with: scripts)
        logger.info("order scripts were set", metadata: ["scripts": "\(scripts.count)"])
        return orderScriptsReply()
    }

    /// Ends all scripts.
    func clearOrderScripts(_ call: Call) throws -> Reply {
        try call.allow([])
        faults.orderScripts.replaceAll(with: [])
        return .noContent
    }

    private func orderScriptsReply() -> Reply {
        .json { writer in
            writer.beginObject()
            writer.key("scripts")
            writer.beginArray()
            for script in faults.orderScripts.scripts { writer.value(script.source) }
            writer.endArray()
            writer.endObject()
        }
    }
}
