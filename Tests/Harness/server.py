"""Runs the built `marginalia` program as a child process and talks to it."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import typing

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("MARGINALIA_PROGRAM", ROOT / ".build" / "debug" / "marginalia"))
TOKEN = "operator-token-of-the-tests"
READY = re.compile(r"^marginalia is ready at (http://127\.0\.0\.1:(\d+))$")
READY_WITHIN = 60
STOPPED_WITHIN = 30


class Answer(typing.NamedTuple):
    """An HTTP answer, read whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> typing.Any:
        return json.loads(self.body)


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: this one's, without settings of marginalia's own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MARGINALIA_")}
    return clean | more


def run(*arguments: str, within: float = 60, folder: pathlib.Path | None = None, **more: str):
    """Runs the program to its end; gives its status, standard output and standard error."""
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=within,
        cwd=folder,
        env=environment(**more),
    )


class Server:
    """One `marginalia serve`, on a free port of 127.0.0.1."""

    def __init__(
        self, *options: str, store: str = "memory:", token: str | None = TOKEN, folder=None, environment=None
    ):
        self.arguments = ["serve", "--listen", "127.0.0.1:0", "--store", store, *options]
        if token is not None:
            self.arguments += ["--admin-token", token]
        self.token = token
        self.folder = folder
        self.environment = environment or {}
        self.process: subprocess.Popen | None = None
        self.url = ""
        self.port = 0
        self.lines: list[str] = []
        self.log: list[str] = []

    # Life

    def start(self) -> "Server":
        """Starts it and waits for the ready line."""
        self.process = subprocess.Popen(
            [PROGRAM, *self.arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=environment() | self.environment,
        )
        first: queue.Queue[str] = queue.Queue()

        def read_output():
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))
                first.put(line.rstrip("\n"))
            first.put("")

        def read_log():
            for line in self.process.stderr:
                self.log.append(line.rstrip("\n"))

        self.readers = [threading.Thread(target=target, daemon=True) for target in (read_output, read_log)]
        for reader in self.readers:
            reader.start()
        try:
            line = first.get(timeout=READY_WITHIN)
        except queue.Empty:
            self.kill()
            raise AssertionError(f"no ready line within {READY_WITHIN} s; the log: {self.log}") from None
        found = READY.match(line)
        if not found:
            status = self.process.wait(timeout=STOPPED_WITHIN)
            self.readers[1].join(timeout=5)
            raise AssertionError(f"not ready: status {status}, output {line!r}, log {self.log}")
        self.url, self.port = found[1], int(found[2])
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Asks it to stop and gives its exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Waits for the end and gives the exit status."""
        status = self.process.wait(timeout=STOPPED_WITHIN)
        for reader in self.readers:
            reader.join(timeout=5)
        return status

    def kill(self) -> None:
        """Ends it at once, without a chance to write anything more."""
        self.process.kill()
        self.process.wait(timeout=STOPPED_WITHIN)

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, kind, error, trace) -> None:
        if self.process.poll() is None:
            status = self.stop()
            assert (
                status == 0 or error is not None
            ), f"SIGTERM ended it with {status}; the log: {self.log[-20:]}"

    # Requests

    def request(self, method: str, path: str, body: bytes | str | None = None, headers=None) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def admin(self, method: str, path: str, body: typing.Any = None, **headers: str) -> Answer:
        """A call of the operator API; a body that is no bytes or text is sent as JSON."""
        sent = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
            if not isinstance(body, (bytes, str)):
                body = json.dumps(body)
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request(method, f"/admin/v1{path}", body, sent)

    def send(self, *commands: dict, atomic: bool = False) -> list[dict]:
        """Sends commands and gives their results, whatever they are."""
        answer = self.admin("POST", "/commands" + ("?atomic=true" if atomic else ""), list(commands))
        assert answer.status == 200, answer.body
        return answer.json["results"]

    def apply(self, *commands: dict) -> list[int]:
        """Sends commands that must all be applied; gives their sequences."""
        results = self.send(*commands)
        assert [row["status"] for row in results] == ["applied"] * len(commands), results
        return [row["sequence"] for row in results]

    def account(self, name: str, as_of: int | str | None = None) -> dict:
        """The ledger's own state of an account."""
        answer = self.admin("GET", f"/accounts/{name}" + (f"?as_of={as_of}" if as_of is not None else ""))
        assert answer.status == 200, answer.body
        return answer.json

    def statement(self, name: str, query: str = "") -> bytes:
        """The body that the venue's account endpoint would answer."""
        answer = self.admin("GET", f"/accounts/{name}/statement{query}")
        assert answer.status == 200, answer.body
        return answer.body

    def issue_key(self, account: str, **content) -> dict:
        """Issues an API key with read permission unless told otherwise."""
        answer = self.admin("POST", f"/accounts/{account}/keys", {"permissions": ["read"]} | content)
        assert answer.status in (200, 201), answer.body
        return answer.json

    def everything(self) -> bytes:
        """All accounts as the ledger has them: two of these are equal where nothing has changed."""
        names = [row["account"] for row in self.admin("GET", "/accounts").json["accounts"]]
        return b"\n".join(self.admin("GET", f"/accounts/{name}").body for name in names)
