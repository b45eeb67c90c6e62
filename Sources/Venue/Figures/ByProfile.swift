/// One of each wire profile, made once.
public struct ByProfile<Value: Sendable>: Sendable {
    private let documented: Value
    private let live: Value

    /// What `made` gives for each profile.
    public init(_ made: (WireProfile) -> Value) {
        documented = made(.documented)
        live = made(.live)
    }

    /// That of a profile.
    public subscript(profile: WireProfile) -> Value { profile == .documented ? documented : live }
}
