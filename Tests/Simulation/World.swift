import Engine
import Journal
import Ledger
import Numbers
import VenueTestSupport

/// One disk through the lives of the processes that use it, and everything that is known about it.
final class World: @unchecked Sendable {
    /// What has been done, over all worlds.
    struct Figures {
        var worlds = 0
        var lives = 0
        var kills = 0
        var faults = 0
        var commands = 0
        var acknowledged = 0
        var reads = 0
        var verifications = 0
    }

    let disk = Disk()
    var truth = Truth()
    var chance: Chance
    /// The first thing that was wrong.
    private(set) var finding: String?
    var figures = Figures()

    /// What was answered as applied or as a duplicate, with its sequence.
    var acknowledged: [String: Int64] = [:]
    /// Ids in the order in which they were sent.
    var sent: [String] = []
    /// What keys were last acknowledged to be; nil while that is open.
    var keys: [String: Bool?] = [:]
    /// The furthest that any reader has seen.
    var seen: Int64 = 0
    /// What the ledger's clock was last acknowledged to show.
    var now = noon
    /// Where every process is told to have its clock begin.
    static let noon = LedgerTime(milliseconds: 1_780_315_200_000)

    init(seed: UInt64) {
        chance = Chance(seed: seed)
        disk.appended = { [unowned self] records in
            for record in records { if let wrong = truth.take(record) { find(wrong) } }
        }
    }

    func find(_ what: String) { finding = finding ?? what }

    /// Lives, one after the other, until something is found.
    func run() {
        figures.worlds = 1
        for _ in 0..<(3 + chance.below(8)) where finding == nil { live() }
        if finding == nil { check() }
    }

    /// One process, from its start to its end.
    private func live() {
        figures.lives += 1
        let life = Life(world: self, store: SimulatedStore(disk, seed: chance.next()))
        let isTroubled = chance.once(in: 2)
        if isTroubled {
            life.store.writeFaults = 4 + chance.below(60)
            life.store.readFaults = 20 + chance.below(400)
        }
        let isKilled = !chance.once(in: 3)
        let scheduler = Scheduler.shared
        life.start()
        // A kill may come at any step, as early as in the start.
        let steps = chance.once(in: 10) ? chance.below(30) : chance.below(500)
        if isKilled {
            if scheduler.run(atMost: steps, until: { [self] in finding != nil || life.isOver }) == false {
                figures.kills += 1
                life.kill()
            }
        }
        // What is left of a killed process ends for want of a disk; a living one comes to its end by itself.
        if !scheduler.run(atMost: 10_000_000, until: { [self] in finding != nil }) { find("it never ends") }
        figures.faults += life.store.faults
        if finding == nil && !life.isOver { find("nothing goes on, but not everything was answered") }
    }

    /// Opens the store once more, without faults, and compares everything.
    func check() {
        let life = Life(world: self, store: SimulatedStore(disk, seed: 0))
        life.check()
        if !Scheduler.shared.run(atMost: 10_000_000, until: { [self] in finding != nil }) {
            find("the check never ends")
        }
        if finding == nil && !life.isOver { find("the check hangs") }
    }
}
