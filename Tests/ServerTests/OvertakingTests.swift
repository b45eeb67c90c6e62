import Testing

@testable import Server

/// Answers that wait to be overtaken: whatever comes first ends the wait, and nothing is left waiting.
@Suite struct OvertakingTests {
    @Test("A wait whose time is over before it has begun ends", .timeLimit(.minutes(1)))
    func endsAtOnce() async {
        let overtaking = Overtaking()
        for _ in 0..<1_000 { await overtaking.wait(in: "lane", atMost: 0) }
    }

    @Test("A later answer ends every wait of its lane and of no other", .timeLimit(.minutes(1)))
    func endsTheLane() async {
        let overtaking = Overtaking()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    await overtaking.wait(in: "lane", atMost: 3_600_000)
                    return true
                }
            }
            let other = Task {
                await overtaking.wait(in: "other", atMost: 50)
                return true
            }
            group.addTask {
                // Those that wait only after this answer are overtaken by the next.
                while !Task.isCancelled {
                    overtaking.overtaken(in: "lane")
                    await Task.yield()
                }
                return false
            }
            var ended = 0
            for await isWait in group where isWait {
                ended += 1
                if ended == 100 { group.cancelAll() }
            }
            #expect(ended == 100)
            #expect(await other.value)
        }
    }
}
