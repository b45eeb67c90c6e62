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

    /// Puts scripts in place of all that wait: one object, a list, or `{"scripts":[…]}`.
    func setOrderScripts(_ call: Call) async throws -> Reply {
        try call.allow([])
        let body = try await jsonBody(call)
        let (elements, isList) = try Self.elements(of: body, "scripts", limit: OrderScripts.limit)
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
                throw Problem(error, index: isList ? index : nil)
            }
        }
        faults.orderScripts.replaceWaiting(with: scripts)
        logger.info("order scripts were set", metadata: ["scripts": "\(scripts.count)"])
        return orderScriptsReply()
    }

    /// Ends all scripts, and what they hold back.
    func clearOrderScripts(_ call: Call) throws -> Reply {
        try call.allow([])
        faults.orderScripts.clear()
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
