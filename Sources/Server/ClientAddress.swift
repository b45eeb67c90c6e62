import Venue

/// Where a request that came through proxies was sent from.
enum ClientAddress {
    /// The address of the last one on the way that is no trusted proxy.
    ///
    /// Read from the end: each proxy adds whom it heard from, so that what stands before the first stranger
    /// is only that stranger's word. An entry that is no address ends the reading.
    static func of(_ peer: String, forwarded: [String], _ trusted: [AddressRange]) -> String {
        var address = peer
        let entries = forwarded.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        for entry in entries.reversed() {
            guard trusted.contains(where: { $0.contains(address) }), let earlier = plain(entry) else { break }
            address = earlier
        }
        return address
    }

    /// An entry without blanks, brackets and port; nil where it is no address.
    private static func plain(_ entry: Substring) -> String? {
        var text = entry.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        if text.first == "[" {
            text = text.dropFirst().prefix { $0 != "]" }
        } else if text.contains("."), let colon = text.lastIndex(of: ":"), !text[..<colon].contains(":") {
            text = text[..<colon]
        }
        guard !text.contains("/"), AddressRange(String(text)) != nil else { return nil }
        return String(text)
    }
}
