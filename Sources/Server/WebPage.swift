import Ledger
import Venue

/// The page at `/`: what this server is and how to connect to it. It holds no key and no token.
struct WebPage: Sendable {
    /// What the page may load: its own styles, nothing else.
    static let policy = """
        default-src 'none'; style-src 'sha256-\(WebPageStyle.digest)'; img-src data:; base-uri 'none'; \
        form-action 'none'; frame-ancestors 'none'
        """

    /// The venues served.
    let venues: [any VenueServer]
    /// Whether the demonstration scenario is loaded, so that its public keys may be named.
    let isDemonstration: Bool
    /// Whether the venues' rate limits are in force.
    let enforcesRateLimits: Bool

    /// The page as it stands now.
    func render(accounts: Int, isWritable: Bool) -> [UInt8] {
        let cards = venues.map(card).joined(separator: "\n")
        let state = isWritable ? "ready" : "read-only: the store cannot be written"
        let html = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Marginalia</title>
            <link rel="icon" href="data:,">
            <style>\(WebPageStyle.text)</style>
            </head>
            <body>
            <header>
            <h1>Marginalia</h1>
            <p>A margin venue you can run: exchange accounts in a durable ledger, answered through the venues'
            own account APIs, exact to the last digit.</p>
            <dl>
            <div><dt>State</dt><dd>\(Self.escaped(state))</dd></div>
            <div><dt>Accounts</dt><dd>\(accounts)</dd></div>
            <div><dt>Rate limits</dt><dd>\(enforcesRateLimits ? "as at the venue" : "off")</dd></div>
            </dl>
            </header>
            <main>
            <h2>Venues</h2>
            <p>Point a client of the venue at this server's own address, written as <code>ORIGIN</code> below,
            and change nothing else.</p>
            <div class="cards">
            \(cards)
            </div>
            \(isDemonstration ? demonstration : "")
            <h2>Operating it</h2>
            <p>Everything under <code>/admin/v1/</code> takes the header
            <code>Authorization: Bearer &lt;admin token&gt;</code>. The token was given to the server at its
            start, or stands in the file <code>admin-token</code> of its data folder.</p>
            <table>
            <tr><th>Path</th><th>What it does</th></tr>
            <tr><td><code>POST /admin/v1/commands</code></td><td>deposits, orders, fills, prices …</td></tr>
            <tr><td><code>GET /admin/v1/accounts</code></td><td>the ledger's own state</td></tr>
            <tr><td><code>POST /admin/v1/accounts/{account}/keys</code></td>
            <td>issues a key for a client</td></tr>
            <tr><td><a href="/openapi.json"><code>GET /openapi.json</code></a></td>
            <td>the whole operator API</td></tr>
            <tr><td><a href="/metrics"><code>GET /metrics</code></a></td><td>Prometheus metrics</td></tr>
            <tr><td><a href="/readyz"><code>GET /readyz</code></a></td>
            <td>whether commands are accepted</td></tr>
            </table>
            </main>
            </body>
            </html>

            """
        return Array(html.utf8)
    }

    private var demonstration: String {
        let passphrases = venues.filter { type(of: $0).hasPassphrases }.map { venue in
            let title = Self.escaped(type(of: venue).title)
            return "; at \(title) the passphrase is <code>demo-\(venue.name)-passphrase</code>"
        }
        return """
            <h2>Demonstration</h2>
            <p>The demonstration scenario is loaded. Its keys are public and the same everywhere: each main
            account's API key is <code>demo-VENUE-key</code> and its secret
            <code>demo-VENUE-secret</code>\(passphrases.joined()).</p>
            """
    }

    private func card(_ venue: any VenueServer) -> String {
        let kind = type(of: venue)
        let requests = kind.accountRequests.map { "<li><code>\(Self.escaped($0))</code></li>" }.joined()
        return """
            <section>
            <h3>\(Self.escaped(kind.title))</h3>
            <p><span class="tag">\(Self.escaped(venue.name.rawValue))</span>
            <span class="tag">\(venue.profile.rawValue)</span></p>
            <ul>\(requests)</ul>
            <p class="hint">\(Self.escaped(kind.clientAddress))</p>
            </section>
            """
    }

    /// A text that is safe between tags and in quotes.
    static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
    }
}
