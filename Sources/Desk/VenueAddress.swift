import Foundation
import Venue

/// Where a venue is: which addresses a secret may be sent to.
enum VenueAddress {
    /// An address without the slash at its end.
    ///
    /// Throws where it is no URL of http or https, where it holds a user, a fragment or, unless that is
    /// allowed, a query, where its port is none, and where plain http would leave this machine: keys and
    /// tokens travel in the requests.
    static func checked(_ text: String, takesQuery: Bool = false) throws(ConfigurationError) -> String {
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty,
            parts.user == nil, parts.password == nil, parts.fragment == nil,
            parts.query == nil || takesQuery, parts.scheme == "https" || parts.scheme == "http"
        else {
            throw ConfigurationError("must be an address such as https://www.example.com")
        }
        guard parts.rangeOfPort.map({ (1...65535).contains(Int(text[$0]) ?? 0) }) ?? true else {
            throw ConfigurationError("must have a port from 1 to 65535")
        }
        guard parts.scheme == "https" || isLoopback(host) else {
            throw ConfigurationError(
                "must begin with https://, for keys would travel readably; http is for 127.0.0.1 only")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// The host and port of an address, for messages: its path may be a secret.
    static func host(of text: String) -> String {
        let parts = URLComponents(string: text)
        let port = parts?.port.map { ":\($0)" } ?? ""
        return (parts?.host ?? "an unknown place") + port
    }

    /// Whether an address is one of this machine.
    static func isOfThisMachine(_ text: String) -> Bool {
        URLComponents(string: text)?.host.map(isLoopback) ?? false
    }

    private static func isLoopback(_ host: String) -> Bool {
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        return bare.lowercased() == "localhost"
            || ["127.0.0.0/8", "::1"].contains { AddressRange($0)?.contains(bare) ?? false }
    }
}
