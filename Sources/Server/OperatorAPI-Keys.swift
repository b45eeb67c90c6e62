import Engine
import JSON
import Ledger
import Logging
import Venue

extension OperatorAPI {
    /// Issues a key; its secret is shown this once.
    func issueKey(_ call: Call) async throws -> Reply {
        try call.allow([])
        let account = try existing(call)
        let request = try KeyRequest(decoding: try await jsonBody(call))
        let credentials: Credentials
        do {
            if request.isOnce, let apiKey = request.apiKey, let secret = request.secret {
                let outcome = try await engine.issueKeyOnce(
                    account: account.id, permissions: request.permissions, addresses: request.addresses,
                    apiKey: apiKey, secret: secret, passphrase: request.passphrase)
                switch outcome {
                case .made(let made): credentials = made
                case .earlier(let earlier): return Self.reply(earlier, to: apiKey, of: account)
                }
            } else {
                credentials = try await engine.issueKey(
                    account: account.id, permissions: request.permissions, addresses: request.addresses,
                    apiKey: request.apiKey, secret: request.secret, passphrase: request.passphrase)
            }
        } catch {
            // The request is sound in itself; it is the venue or another key that stands against it.
            throw Problem(error, status: 409)
        }
        logger.info("a key was issued", metadata: ["account": "\(account.id)"])
        return .json(status: 201) { writer in
            writer.beginObject()
            writer.key("account")
            writer.string(account.id)
            writer.key("api_key")
            writer.string(credentials.apiKey)
            writer.key("secret")
            writer.string(credentials.secret)
            writer.key("passphrase")
            if let passphrase = credentials.passphrase { writer.string(passphrase) } else { writer.null() }
            Self.writeLimits(request.permissions, request.addresses, to: &writer)
            writer.endObject()
        }
    }

    /// What is answered in place of a key that is made once and has been made before.
    private static func reply(_ earlier: EarlierKey, to apiKey: String, of account: Account) -> Reply {
        .json { writer in
            writer.beginObject()
            writer.key("account")
            writer.string(account.id)
            writer.key("api_key")
            writer.string(apiKey)
            writer.key("made")
            writer.bool(false)
            writer.key("earlier")
            writer.string(earlier.rawValue)
            writer.endObject()
        }
    }

    private static func writeLimits(
        _ permissions: Set<APIKey.Permission>, _ addresses: [AddressRange], to writer: inout JSONWriter
    ) {
        writer.key("permissions")
        writer.beginArray()
        for permission in APIKey.Permission.allCases where permissions.contains(permission) {
            writer.string(permission.rawValue)
        }
        writer.endArray()
        writer.key("ip_allowlist")
        writer.beginArray()
        for address in addresses { writer.string(address.text) }
        writer.endArray()
    }

    /// The keys of an account, without their secrets.
    func keys(_ call: Call) throws -> Reply {
        try call.allow([])
        let account = try existing(call)
        return .json { writer in
            writer.beginObject()
            writer.key("keys")
            writer.beginArray()
            for key in engine.keys(of: account.id) {
                writer.beginObject()
                writer.key("account")
                writer.string(account.id)
                writer.key("api_key")
                writer.string(key.apiKey)
                Self.writeLimits(key.permissions, key.addresses, to: &writer)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }

    /// Revokes a key: from now on it is unknown to the venue.
    func revokeKey(_ call: Call) async throws -> Reply {
        try call.allow([])
        let account = try existing(call)
        guard let key = call.names.last, try await engine.revokeKey(key, of: account.id) else {
            throw Problem(404, "unknown_key", "The account \(account.id) has no such key.", field: "api_key")
        }
        logger.info("a key was revoked", metadata: ["account": "\(account.id)"])
        return .noContent
    }
}
