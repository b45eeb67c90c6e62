import ArgumentParser
import Server

extension Keys {
    /// `keys seal`.
    struct Seal: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Seals the API secrets in a store that no server has open.",
            discussion: """
                Example: marginalia keys seal --store sqlite:marginalia-data/ledger.db \
                --seal-keys file:ledger.key
                From then on the store opens with the same --seal-keys only.
                """)

        @OptionGroup var sealing: Sealing

        func run() throws { try sealing.set(true) }
    }

    /// `keys unseal`.
    struct Unseal: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes the seal off the API secrets in a store that no server has open.",
            discussion: """
                Example: marginalia keys unseal --store sqlite:marginalia-data/ledger.db \
                --seal-keys file:ledger.key
                """)

        @OptionGroup var sealing: Sealing

        func run() throws { try sealing.set(false) }
    }

    /// A store, and what it is sealed with.
    struct Sealing: ParsableArguments {
        @Option(help: ArgumentHelp("The store.", valueName: "url"))
        var store: String

        @OptionGroup var seal: SealOption

        @Flag(help: "Writes JSON for programs.")
        var json = false

        func set(_ isSealed: Bool) throws {
            guard let source = try seal.source() else {
                throw ProgramError(
                    .usage, "--seal-keys is missing: give file:PATH or env:NAME, or set MARGINALIA_SEAL_KEYS."
                )
            }
            let count = try StoreSealing.set(isSealed, on: StoreAddress(store), with: source)
            if json {
                print("{\"sealed\":\(isSealed),\"keys\":\(count)}")
            } else {
                print("\(count) keys \(isSealed ? "sealed" : "unsealed")")
            }
        }
    }
}
