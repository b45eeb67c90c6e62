import Engine
import Foundation
import Journal

/// Seals the API secrets of a store that no server has open, or takes the seal off.
public enum StoreSealing {
    /// Does so; how many keys the store has.
    public static func set(
        _ isSealed: Bool, on address: StoreAddress, with source: PassphraseSource
    ) throws(ProgramError) -> Int {
        guard case .sqlite(let path) = address, FileManager.default.fileExists(atPath: path) else {
            throw ProgramError(.unavailable, "There is no such store: check --store.")
        }
        let passphrase = try source.passphrase()
        do throws(JournalError) {
            let store = try openJournal(address.location)
            do throws(JournalError) {
                let count = try setSeal(isSealed, on: store, passphrase: passphrase)
                try store.close()
                return count
            } catch {
                try? store.close()
                throw error
            }
        } catch {
            throw ProgramError(error)
        }
    }
}
