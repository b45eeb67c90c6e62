import Crypto
import Venue

/// The page's styles, and the digest by which its security policy knows them.
enum WebPageStyle {
    static let text = """
        :root{color-scheme:light dark;--line:#8884;--soft:#8882;--accent:#2b6cb0}
        @media (prefers-color-scheme:dark){:root{--accent:#7fb5ea}}
        *{box-sizing:border-box}
        body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:2rem 1.25rem 4rem}
        h1{font:600 2.2rem/1.2 Georgia,serif;margin:0 0 .5rem}
        h2{font-size:1.25rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
        h3{font-size:1.05rem;margin:0}
        a{color:var(--accent)}
        code{font:.88em ui-monospace,monospace;background:var(--soft);padding:.1em .3em;border-radius:.25em}
        dl{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;margin:1rem 0 0}
        dt{font-size:.8rem;opacity:.7}
        dd{margin:0;font-weight:600}
        .cards{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr))}
        section{border:1px solid var(--line);border-radius:.5rem;padding:1rem;overflow-wrap:anywhere}
        section p{margin:.4rem 0}
        section ul{padding-left:1.1rem;margin:.4rem 0}
        .tag{font-size:.75rem;border:1px solid var(--line);border-radius:1rem;padding:.1rem .6rem}
        .hint{font-size:.85rem;opacity:.75}
        table{border-collapse:collapse;width:100%}
        th,td{text-align:left;padding:.4rem .6rem .4rem 0;border-bottom:1px solid var(--line)}
        td{vertical-align:top}
        """

    /// The SHA-256 of the styles in base 64, as a Content-Security-Policy writes it.
    static let digest = String(
        decoding: Base64.padded.encode(Array(SHA256.hash(data: Array(text.utf8)))), as: UTF8.self)
}
