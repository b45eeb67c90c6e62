import Engine
import JSON
import Ledger
import Numbers
import Venue

/// What is there of an account that a scenario opens.
struct AccountIdentity {
    let venue: String
    let parent: String?
    /// Its settings as the ledger has them now.
    let settings: JSONObject
}

extension Scenario {
    /// The steps to send, given what is there: accounts that exist are not opened again, and stay as they
    /// are. `leave` is told where the scenario says something else.
    ///
    /// Throws where an account exists that is another one: of another venue or family.
    func plan(
        existing: (String) async throws -> AccountIdentity?, leave: (String) -> Void
    ) async throws -> [Step] {
        var planned: [Step] = []
        for opening in openings {
            guard let found = try await existing(opening.account) else {
                planned.append(opening.step)
                continue
            }
            guard found.venue == opening.venue, found.parent == opening.parent else {
                throw document.error(
                    opening.step.path + [.key("account")],
                    "the ledger has another account \(opening.account), at \(found.venue)"
                        + (found.parent.map { " under \($0)" } ?? ""))
            }
            for (name, value) in opening.settings?.members ?? []
            where !Self.isSame(found.settings[name], value) {
                leave(
                    note(
                        opening.step.path + [.key("settings"), .key(name)],
                        "the account \(opening.account) is there already and keeps the setting that it has"))
            }
        }
        return planned + steps
    }

    /// Whether a setting is the one that a scenario asks for; "5.0" is 5.
    private static func isSame(_ found: JSONValue?, _ wanted: JSONValue) -> Bool {
        if found == wanted { return true }
        guard let one = found?.text.flatMap({ try? ExactDecimal($0) }),
            let other = wanted.text.flatMap({ try? ExactDecimal($0) })
        else { return false }
        return one == other
    }

    /// What the scenario says and does not touch, with the place where it says so.
    private func note(_ path: [PathStep], _ message: String) -> String {
        document.error(path, message).message
    }

    /// What becomes of a key that is made once and was made before; nil where it is as the scenario has it.
    func note(_ earlier: EarlierKey, at path: [PathStep]) -> String? {
        switch earlier {
        case .same: nil
        case .revoked: note(path, "the key was revoked and is not made again")
        case .other: note(path, "the key is there with other content and is left as it is")
        }
    }

    /// What becomes of a time that the ledger's clock cannot be put to; nil where it stands there.
    func note(clock now: LedgerTime, isSystem: Bool) -> String? {
        guard let ledgerTime, isSystem || now != ledgerTime else { return nil }
        return note(
            [.key("ledger_time")],
            isSystem
                ? "is left out, for the ledger's clock is the system's"
                : "is left out, for the ledger's clock has come to \(now.iso8601) and never goes back")
    }

    /// Applies the scenario: all of it, or nothing where any part is refused. Gives how many commands were
    /// new; `leave` is told of all that the scenario says, the ledger has otherwise, and stays as it is.
    @discardableResult
    public func apply(
        to engine: LedgerEngine, leave: (String) -> Void = { _ in }
    ) async throws(ProgramError) -> Int {
        try await checkKeys(against: engine)
        let planned: [Step]
        do {
            planned = try await plan(
                existing: { id in
                    engine.account(id).map {
                        AccountIdentity(
                            venue: $0.venue.rawValue, parent: $0.parent,
                            settings: JSONObject($0.settings.values.map { (key: $0.name, value: $0.value) }))
                    }
                }, leave: leave)
        } catch let error as ProgramError {
            throw error
        } catch {
            throw ProgramError(.internalFault, "\(document.file): the scenario cannot be applied: \(error).")
        }
        try await moveClock(of: engine, leave)
        let outcome = await engine.submit(planned.map { Submission(decoding: $0.command) }, atomic: true)
        var applied = 0
        switch outcome {
        case .refused(let index, let refusal):
            throw unreadable(refusal) ?? error(refusal, at: planned[index])
        case .results(let results):
            for (result, step) in zip(results, planned) {
                switch result.status {
                case .applied: applied += 1
                case .duplicate: break
                case .rejected(let refusal): throw error(refusal, at: step)
                }
            }
        }
        try await issueKeys(to: engine, leave)
        return applied
    }

    /// The end of the program where it is the store that refuses: as at any start, where it is damaged.
    private func unreadable(_ refusal: Refusal) -> ProgramError? {
        if refusal.isDamage { return ProgramError(.badData, refusal.message) }
        guard refusal.code == .storeUnavailable else { return nil }
        return ProgramError(.unavailable, "\(document.file) was not applied: \(refusal.message)")
    }

    private func moveClock(
        of engine: LedgerEngine, _ leave: (String) -> Void
    ) async throws(ProgramError) {
        let clock = engine.clock
        if let ledgerTime, !clock.isSystem, ledgerTime > clock.now() {
            do { try await engine.moveClock(.to(ledgerTime)) } catch {
                throw unreadable(error)
                    ?? document.error([.key("ledger_time")], "the ledger's clock cannot be moved there")
            }
        }
        if let note = note(clock: clock.now(), isSystem: clock.isSystem) { leave(note) }
    }

    /// Refuses keys that another account has, before anything is applied; but one that was made once for the
    /// account of the scenario is left to whoever was given it since.
    private func checkKeys(against engine: LedgerEngine) async throws(ProgramError) {
        var owners: [ExactText: String] = [:]
        for opening in openings {
            let venue = VenueName(rawValue: opening.venue)
            let access = engine.access(for: venue)
            for (request, path) in opening.keys {
                guard let apiKey = request.apiKey else { continue }
                let owner = owners.updateValue(
                    opening.account, forKey: ExactText("\(opening.venue) \(apiKey)"))
                var isOthers = (owner ?? opening.account) != opening.account
                if !isOthers, let held = access.key(apiKey), held.account != opening.account {
                    do {
                        isOthers = try await !engine.wasKeyMade(apiKey, at: venue, for: opening.account)
                    } catch {
                        throw unreadable(error)
                            ?? document.error(path + [.key("api_key")], error.message)
                    }
                }
                if isOthers {
                    throw document.error(path + [.key("api_key")], "another account has this key")
                }
            }
        }
    }

    private func issueKeys(
        to engine: LedgerEngine, _ leave: (String) -> Void
    ) async throws(ProgramError) {
        for opening in openings {
            for (request, path) in opening.keys {
                guard let apiKey = request.apiKey, let secret = request.secret else { continue }
                do {
                    let outcome = try await engine.issueKeyOnce(
                        account: opening.account, permissions: request.permissions,
                        addresses: request.addresses, apiKey: apiKey, secret: secret,
                        passphrase: request.passphrase)
                    if case .earlier(let earlier) = outcome, let note = note(earlier, at: path) {
                        leave(note)
                    }
                } catch {
                    let field = error.field.map { [PathStep.key($0)] } ?? []
                    throw unreadable(error) ?? document.error(path + field, error.message)
                }
            }
        }
    }
}
