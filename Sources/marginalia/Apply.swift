import ArgumentParser
import JSON
import Server

/// `marginalia apply FILE`: applies a scenario.
struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Applies a scenario file to a running server or a store; again, and nothing changes.",
        discussion: "Example: marginalia apply scenario.yaml --url http://127.0.0.1:8080 --token TOKEN")

    @Argument(help: "The scenario, YAML or JSON by its extension.")
    var file: String

    @OptionGroup var connection: Connection

    func run() async throws {
        let scenario = try Scenario(file: file)
        let outcome = try await connection.use { try await scenario.apply(through: $0) }
        for sentence in outcome.left {
            Terminal.tell(sentence)
        }
        if connection.json {
            let left = JSONValue.array(outcome.left.map { .string($0) })
            print("{\"applied\":\(outcome.applied),\"known\":\(outcome.known),\"left\":\(left)}")
        } else {
            print("\(outcome.applied) new, \(outcome.known) there already")
        }
    }
}
