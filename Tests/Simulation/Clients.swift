import Engine
import JSON
import Ledger
import Numbers
import Venue

/// Everybody who talks to an engine at once: writers, readers, and somebody who handles keys.
final class Clients: @unchecked Sendable {
    private let life: Life
    private let world: World
    private let engine: LedgerEngine
    /// How often each id was sent to this process.
    private var senders: [String: Int] = [:]
    private static let mains = ["a", "b", "c"]
    private static let accounts = mains + mains.flatMap { ["\($0).1", "\($0).2"] }

    init(life: Life, engine: LedgerEngine) {
        self.life = life
        world = life.world
        self.engine = engine
    }

    /// Ends when all of them are done, or the process was killed.
    func run() async {
        await withTaskGroup { group in
            for _ in 0..<(1 + world.chance.below(5)) { group.addTask { await self.write() } }
            for _ in 0..<(1 + world.chance.below(3)) { group.addTask { await self.read() } }
            group.addTask { await self.handleKeys() }
        }
    }

    private var goesOn: Bool { !life.isKilled && world.finding == nil }

    // MARK: - Writing

    private func write() async {
        for _ in 0..<(2 + world.chance.below(25)) where goesOn {
            if world.chance.once(in: 10) {
                await life.moveClock(by: Int64(world.chance.below(100_000)))
            }
            let count = world.chance.once(in: 8) ? 1 + world.chance.below(60) : 1 + world.chance.below(4)
            let ids = (0..<count).map { _ in chooseID() }
            await send(ids, atomic: world.chance.once(in: 3))
        }
    }

    /// A new id with something to do, or now and then one that was sent before.
    private func chooseID() -> String {
        if !world.sent.isEmpty && world.chance.once(in: 5) {
            return world.sent[max(0, world.sent.count - 1 - world.chance.below(40))]
        }
        let id = "c\(world.sent.count)"
        world.truth.deeds[id] = chooseDeed()
        world.sent.append(id)
        return id
    }

    private func chooseDeed() -> Deed {
        var chance = world.chance
        defer { world.chance = chance }
        let main = Self.mains[chance.below(Self.mains.count)]
        let account = Self.accounts[chance.below(Self.accounts.count)]
        switch chance.below(12) {
        case 0: return .open(account: main, parent: nil)
        case 1: return .open(account: "\(main).\(1 + chance.below(2))", parent: main)
        case 2...5: return .deposit(account: account, amount: 1 + chance.below(1_000))
        case 6: return .withdraw(account: account, amount: 1 + chance.below(500), fee: chance.below(3))
        case 7, 8:
            let sub = "\(main).\(1 + chance.below(2))"
            let amount = 1 + chance.below(300)
            return chance.once(in: 2)
                ? .transfer(from: main, to: sub, amount: amount)
                : .transfer(from: sub, to: main, amount: amount)
        case 9, 10:
            return .trade(
                account: account, isBuy: chance.once(in: 2), coins: 1 + chance.below(4),
                price: 1 + chance.below(90), fee: chance.below(2))
        default: return .prices(mark: 1 + chance.below(100))
        }
    }

    private func send(_ ids: [String], atomic: Bool) async {
        guard let list = try? ids.map({ try life.submission($0) }) else { return world.find("no JSON") }
        world.figures.commands += ids.count
        for id in Set(ids) { senders[id, default: 0] += 1 }
        let known = world.acknowledged
        let wereThere = ids.map { world.truth.sequences[$0] != nil }
        let outcome = await engine.submit(list, atomic: atomic)
        if life.isKilled { return }
        switch outcome {
        case .refused(let index, let refusal):
            if !atomic { world.find("a list that is not all or none was refused whole") }
            if refusal.code == .storeUnavailable { return mayBeUnavailable(refusal) }
            if known[ids[index]] != nil { world.find("\(ids[index]) was acknowledged, then \(refusal.code)") }
            // Of what was refused nothing is there, unless somebody else has sent it too.
            for (id, wasThere) in zip(ids, wereThere) where !wasThere && world.truth.sequences[id] != nil {
                if world.acknowledged[id] == nil && senders[id] == 1 { world.find("\(id) is half a list") }
            }
        case .results(let results):
            if results.count != ids.count { return world.find("\(results.count) answers to \(ids.count)") }
            for (id, result) in zip(ids, results) { note(result, of: id, known: known[id]) }
        }
    }

    private func note(_ result: CommandResult, of id: String, known: Int64?) {
        if result.id != id { world.find("the answer to \(id) is for \(result.id ?? "nobody")") }
        switch result.status {
        case .applied(let sequence), .duplicate(let sequence):
            if world.truth.sequences[id] != sequence {
                world.find("\(id) was answered as \(sequence), which is not on the disk")
            }
            if let earlier = world.acknowledged[id], earlier != sequence {
                world.find("\(id) is \(sequence), and was \(earlier)")
            }
            if known != nil, case .applied = result.status { world.find("\(id) was applied again") }
            world.acknowledged[id] = sequence
            world.figures.acknowledged += 1
        case .rejected(let refusal):
            if refusal.code == .storeUnavailable { return mayBeUnavailable(refusal) }
            if known != nil { world.find("\(id) was acknowledged, then \(refusal.code)") }
        }
    }

    /// A refusal for want of the store, which is false where the store has done all that it was asked.
    private func mayBeUnavailable(_ refusal: Refusal) {
        if life.isKilled { return }
        if refusal.code != .storeUnavailable || life.store.faults == 0 {
            world.find("refused: \(refusal.message)")
        }
    }

    // MARK: - Reading

    private func read() async {
        var seen: Int64 = 0
        var accounts: [String: Int64] = [:]
        for _ in 0..<(5 + world.chance.below(60)) where goesOn {
            world.figures.reads += 1
            let sequence = engine.statistics.sequence
            if sequence < seen { world.find("\(sequence) was read after \(seen)") }
            if sequence > world.truth.last { world.find("\(sequence) was read before it was durable") }
            seen = sequence
            world.seen = max(world.seen, seen)
            let name = Self.accounts[world.chance.below(Self.accounts.count)]
            if let account = engine.account(name) {
                if account.lastSequence < accounts[name] ?? 0 { world.find("\(name) went back") }
                accounts[name] = account.lastSequence
                life.compare(account, named: name)
                await readPast(name)
            } else if accounts[name] != nil {
                world.find("\(name) is gone")
            }
            if world.chance.once(in: 5) { await readJournal() }
            if world.chance.once(in: 3) { await Task.yield() }
        }
    }

    /// The end of the journal as far as it is published: every event with the instruments that it needs.
    private func readJournal() async {
        let after = max(0, engine.statistics.sequence - Int64(world.chance.below(20)))
        do throws(Refusal) {
            let last = try await engine.events(after: after, limit: 1_000).last?.sequence ?? 0
            if life.isKilled { return }
            if last > engine.statistics.sequence { world.find("\(last) was read before it was published") }
        } catch {
            mayBeUnavailable(error)
        }
    }

    /// An account as of a time that is over: what could be read when it was asked for, or has become so
    /// since, as commands that are on their way have their time already.
    private func readPast(_ name: String) async {
        let time = LedgerTime(milliseconds: world.now.milliseconds - 1 - Int64(world.chance.below(200_000)))
        let before = world.truth.balance(of: name, at: time, upTo: engine.statistics.sequence)
        do throws(Refusal) {
            let account = try await engine.account(name, asOf: time)
            if life.isKilled { return }
            let sequence = account?.lastSequence ?? 0
            if sequence > engine.statistics.sequence {
                world.find("\(name) was read before it was published")
            }
            let balance = world.truth.balance(of: name, after: sequence)
            if sequence < before?.sequence ?? 0 || account.map({ !$0.matches(balance) }) ?? false
                || balance.map({ $0.at > time }) ?? false
            {
                world.find("\(name) as of \(time) must be \(String(describing: before))")
            }
        } catch {
            mayBeUnavailable(error)
        }
    }

    // MARK: - Keys

    private func handleKeys() async {
        for _ in 0..<world.chance.below(6) where goesOn {
            let account = Self.accounts[world.chance.below(Self.accounts.count)]
            if engine.account(account) == nil { continue }
            let key = "key-of-\(account)"
            let isIssued = world.chance.once(in: 2)
            let before = world.keys[key] ?? false
            world.keys[key] = .some(nil)
            do throws(Refusal) {
                if isIssued {
                    _ = try await engine.issueKey(
                        account: account, permissions: [.read], apiKey: key, secret: "made-up",
                        passphrase: "phrase")
                } else {
                    let wasThere = try await engine.revokeKey(key, of: account)
                    if !life.isKilled, let before, before != wasThere {
                        world.find("the key \(key) was \(wasThere ? "" : "not ")there")
                    }
                }
                if life.isKilled { return }
                world.keys[key] = isIssued
            } catch {
                mayBeUnavailable(error)
                if !life.isKilled && !life.store.hasLied { world.keys[key] = before }
            }
        }
    }
}
