/// Asks a server whether it can be used.
public enum ServerHealth {
    /// Returns once the server answers and can make commands durable; tries again until the time is up.
    ///
    /// Throws: `unavailable` with what the server lacked at last.
    public static func check(url: String, within limit: Duration) async throws(ProgramError) {
        let caller = try HTTPCaller(url: url, within: .seconds(5))
        let end = ContinuousClock.now + limit
        while true {
            do throws(ProgramError) {
                let answer = try await caller.send("GET", "/readyz")
                if answer.status == 200 { return }
                throw ProgramError(
                    .unavailable,
                    answer.status == 503
                        ? "The server at \(url) cannot write its store: see its log."
                        : "What answers at \(url) is no marginalia server: check --url.")
            } catch {
                if error.status != .unavailable || ContinuousClock.now >= end { throw error }
            }
            try? await Task.sleep(for: .milliseconds(100))
        }
    }
}
