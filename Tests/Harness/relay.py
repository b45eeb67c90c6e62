"""A relay in front of a server: hands requests on, keeps what was answered, and misbehaves on demand."""

from __future__ import annotations

import http.client
import http.server
import threading
import typing

# Says what to answer instead of the server: status, headers and body; None to hand the request on.
Interception = typing.Callable[["Seen"], "tuple[int, dict[str, str], bytes] | None"]


class Seen(typing.NamedTuple):
    """A request as it came in."""

    method: str
    path: str
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def endpoint(self) -> str:
        """The path without its query."""
        return self.path.split("?")[0]


class Relay:
    """Listens at a free port of 127.0.0.1 while it is used as a context."""

    def __init__(self, port: int | None, intercept: Interception = lambda seen: None):
        self.target = port
        self.intercept = intercept
        self.seen: list[Seen] = []
        self.answers: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Relay":
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                relay._answer(self)

            do_GET = do_POST = do

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        seen = Seen(handler.command, handler.path, handler.headers, handler.rfile.read(length))
        with self._lock:
            self.seen.append(seen)
        status, headers, body = self.intercept(seen) or self._hand_on(seen)
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _hand_on(self, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=30)
        try:
            headers = {name: value for name, value in seen.headers.items() if name.lower() != "host"}
            connection.request(seen.method, seen.path, body=seen.body or None, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            with self._lock:
                self.answers[seen.endpoint] = body
            kept = ("content-length", "transfer-encoding", "connection")
            return answer.status, {n: v for n, v in answer.getheaders() if n.lower() not in kept}, body
        finally:
            connection.close()

    def requests(self, endpoint: str) -> list[Seen]:
        """The requests that came to an endpoint, in their order."""
        return [seen for seen in self.seen if seen.endpoint == endpoint]
