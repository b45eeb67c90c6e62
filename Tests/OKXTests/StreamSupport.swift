import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// The demonstration of the login vectors: secret, and the moment of the first.
enum StreamDemo {
    static let key = "00000000-0000-4000-8000-000000000001"
    static let secret = "22582BD0CFF14C41EDBF1AB98506286D"
    static let passphrase = "made-up-phrase"
    static let moment: Int64 = 1_704_876_947_000
    /// What is signed: `1704876947GET/users/self/verify`.
    static let sign = "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU="
}

/// A world whose real clock stands at the login vector's second, with an account and its key.
func streamWorld(
    _ settings: String = "{}", profile: WireProfile = .documented, enforcesRateLimits: Bool = true
) throws -> TestWorld<OKXVenue> {
    let world = try world(profile: profile, enforcesRateLimits: enforcesRateLimits)
    world.setRealTime(StreamDemo.moment)
    try world.open("desk", settings)
    world.addStreamKey()
    try world.prices(
        marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"BTC":"60000","ETH":"3000","USDT":"1"}"#)
    return world
}

extension TestWorld where Model == OKXVenue {
    func addStreamKey(
        permissions: Set<APIKey.Permission> = [.read], addresses: [String] = [], account: String = "desk"
    ) {
        addKey(
            account: account, apiKey: StreamDemo.key, secret: StreamDemo.secret,
            passphrase: StreamDemo.passphrase, permissions: permissions, addresses: addresses)
    }

    /// A connection that has just been opened. The clock goes on by a second, so that none is one too many.
    func connected(
        _ path: String = "private", from address: String = "127.0.0.1"
    ) throws
        -> TestStream<OKXVenue>
    {
        try #require(stream("/ws/v5/\(path)", from: address))
    }

    /// A connection to the private socket, logged in at the vector's second; nothing is left to be taken.
    func loggedIn(
        _ path: String = "private", from address: String = "127.0.0.1"
    ) throws
        -> TestStream<OKXVenue>
    {
        var stream = try connected(path, from: address)
        stream.send(login())
        let answer = try #require(try stream.takeJSON().first)
        #expect(answer["event"]?.text == "login", "\(answer)")
        return stream
    }

    /// A login that is good now.
    func login() -> String {
        let timestamp = "\(realTime() / 1000)"
        let sign = Signing.signature(
            timestamp: timestamp, method: "GET", target: "/users/self/verify", body: [],
            signer: RequestSigner(secret: StreamDemo.secret))
        return OKXTests.login(timestamp: #""\#(timestamp)""#, sign: String(decoding: sign, as: UTF8.self))
    }

    /// A logged-in connection that has subscribed and taken its acknowledgements; what is left are pushes.
    func subscribed(
        _ argument: String, from address: String = "127.0.0.1"
    ) throws -> (
        stream: TestStream<OKXVenue>, pushes: [JSONValue]
    ) {
        var stream = try loggedIn(from: address)
        let pushes = try stream.subscribe(argument)
        return (stream, pushes)
    }
}

/// A login; the vector's unless told otherwise.
func login(
    key: String = StreamDemo.key, passphrase: String = StreamDemo.passphrase,
    timestamp: String = #""1704876947""#, sign: String = StreamDemo.sign
) -> String {
    #"{"op":"login","args":[{"apiKey":"\#(key)","passphrase":"\#(passphrase)","timestamp":\#(timestamp),"#
        + #""sign":"\#(sign)"}]}"#
}

extension TestStream {
    /// Subscribes to one argument; what is pushed at once.
    mutating func subscribe(_ argument: String) throws -> [JSONValue] {
        send(#"{"op":"subscribe","args":[\#(argument)]}"#)
        return try takeJSON().filter { $0["event"] == nil }
    }

    /// Hears of what happened, lets the time of aggregation pass, and takes the pushes.
    mutating func pushes(after milliseconds: Int64 = 50) throws -> [JSONValue] {
        hear()
        wait(milliseconds)
        return try takeJSON()
    }
}

extension JSONValue {
    /// The first element of `data`.
    var first: JSONValue? { self["data"]?.elements?.first }
}
