"""A server that runs as long as a `with` block, and what a test says to it."""

from __future__ import annotations

import collections
import contextlib
import datetime
import http.client
import json
import os
import re
import secrets
import subprocess
import threading
import typing
import urllib.parse

from marginalia import clients, program
from marginalia.errors import CommandRejected, MarginaliaError, Refused, StartFailed
from marginalia.values import Amount, Command, Time, amounts, command_row, milliseconds, moment, sendable, text

READY = re.compile(r"^marginalia is ready at (http://(.+):(\d+))$")


class Credentials(typing.NamedTuple):
    """An API key as a client of the venue needs it."""

    api_key: str
    secret: str
    passphrase: str | None


class Venue:
    """A server of its own on a free port of 127.0.0.1, with a ledger in memory.

    scenario: scenario files that it begins with. clock: where the ledger's clock stands (ISO 8601, or a
    datetime with a zone); the computer's clock if absent. demo: begins with the demonstration. rate_limits:
    `venue` for the venues' own. options: more options of `marginalia serve`.

    Threads may share it; its calls take turns.
    """

    def __init__(
        self,
        scenario: str | os.PathLike | typing.Sequence[str | os.PathLike] = (),
        *,
        clock: str | datetime.datetime | None = None,
        demo: bool = False,
        rate_limits: typing.Literal["off", "venue"] = "off",
        options: typing.Sequence[str] = (),
        start_within: float = 60,
    ):
        files = [scenario] if isinstance(scenario, (str, os.PathLike)) else list(scenario)
        self.token = secrets.token_urlsafe(24)
        self.url = ""
        self.log: collections.deque[str] = collections.deque(maxlen=1000)
        """The last thousand lines of the server's log."""
        self._arguments = ["serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--rate-limits", rate_limits]
        self._arguments += [part for file in files for part in ("--scenario", os.fspath(file))]
        self._arguments += ["--ledger-time", moment(clock)] if clock else []
        self._arguments += ["--demo"] if demo else []
        self._arguments += options
        self._start_within = start_within
        self._process: subprocess.Popen[str] | None = None
        self._connection: http.client.HTTPConnection | None = None
        # Held by each call, and through those that read a list and put it back with one more.
        self._turn = threading.RLock()
        self._keys: dict[str, Credentials] = {}

    # Life

    def start(self) -> "Venue":
        """Starts the server; returns once it answers. Inside its `with` block it runs already."""
        with self._turn:
            if self._process is not None and self._process.poll() is None:
                raise MarginaliaError(
                    f"The venue runs already, at {self.url}; a with block starts it by itself. "
                    "Call stop() first, or make another Venue."
                )
            self.stop()
            try:
                return self._run()
            except BaseException:
                self.stop()
                raise

    def _run(self) -> "Venue":
        # The token goes by the environment: command lines are read by everybody.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MARGINALIA_")}
        environment["MARGINALIA_ADMIN_TOKEN"] = self.token
        self._process = subprocess.Popen(
            [program.path(), *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        reader = threading.Thread(target=self._read_log, args=[self._process.stderr], daemon=True)
        reader.start()
        guard = threading.Timer(self._start_within, self._process.kill)
        guard.start()
        try:
            line = self._process.stdout.readline().rstrip("\n")
        finally:
            guard.cancel()
        if not (found := READY.match(line)):
            status = self._process.wait()
            reader.join(timeout=5)
            message = "\n".join(list(self.log)[-5:]) or f"not ready within {self._start_within} s"
            raise StartFailed(message, status)
        self.url = found[1]
        return self

    def stop(self) -> None:
        """Ends the server."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
        self._keys.clear()
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._close_pipes()
        self._process = None
        self.url = ""

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError, ValueError):
                pipe.close()

    def _read_log(self, pipe: typing.IO[str]) -> None:
        with contextlib.suppress(ValueError):
            for line in pipe:
                self.log.append(line.rstrip("\n"))

    def __enter__(self) -> "Venue":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def ws_url(self) -> str:
        """The address of the sockets."""
        return self.url.replace("http", "ws", 1)

    # The operator API

    def call(self, method: str, path: str, body: typing.Any = None) -> typing.Any:
        """A call of the operator API below /admin/v1; gives the answer's JSON. Raises `Refused`."""
        with self._turn:
            status, content = self._exchange(method, path, body)
        answer = json.loads(content) if content else None
        if status >= 400:
            raise Refused(status, answer if isinstance(answer, dict) else {})
        return answer

    def _exchange(self, method: str, path: str, body: typing.Any) -> tuple[int, bytes]:
        if not self.url:
            raise MarginaliaError("The venue is not running: use it in a with block, or call start().")
        headers = {"Authorization": f"Bearer {self.token}"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(sendable(body))
        for attempt in (1, 2):
            if self._connection is None:
                address = urllib.parse.urlsplit(self.url)
                self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
            is_fresh = self._connection.sock is None
            try:
                self._connection.request(method, f"/admin/v1{path}", content, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError):
                # The server lets go of connections that are not used for long; a fresh one says the truth.
                self._connection.close()
                self._connection = None
                if is_fresh or attempt == 2:
                    raise MarginaliaError(f"The venue does not answer; its log ends with: {list(self.log)[-3:]}")
        raise AssertionError("not reached")

    def commands(self, commands: typing.Iterable[Command] | Command, *, atomic: bool = False) -> list[int]:
        """Applies commands in their order; gives the sequences of their events.

        Raises `CommandRejected` for the first that is rejected. A rejected command changes nothing, but all
        others of the list are applied, those behind it too; with `atomic`, none is.
        """
        given = [commands] if isinstance(commands, typing.Mapping) else commands
        if isinstance(given, (str, bytes)) or not isinstance(given, typing.Iterable):
            given = [given]
        rows = [command_row(command, index) for index, command in enumerate(given)]
        try:
            results = self.call("POST", "/commands" + ("?atomic=true" if atomic else ""), rows)["results"]
        except Refused as refusal:
            # An atomic list is refused as a whole, by the place and error of the command at fault.
            if "error" not in refusal.problem:
                raise
            index = refusal.problem["index"]
            raise CommandRejected(index, rows[index], refusal.problem["error"]) from None
        for index, row in enumerate(results):
            if row["status"] == "rejected":
                raise CommandRejected(index, rows[index], row["error"])
        return [row["sequence"] for row in results]

    def open(self, account: str, venue: str, settings: dict | None = None, **deposits: Amount) -> None:
        """Opens an account, with deposits by asset: `open("desk", "okx", USDT="100")`; all of it or nothing."""
        opening: Command = {"type": "open_account", "account": account, "venue": venue}
        if settings:
            opening["settings"] = settings
        self.commands(
            [opening]
            + [
                {"type": "deposit", "account": account, "asset": asset, "amount": text(amount)}
                for asset, amount in deposits.items()
            ],
            atomic=True,
        )

    def prices(
        self,
        venue: str,
        marks: typing.Mapping[str, Amount] | None = None,
        index: typing.Mapping[str, Amount] | None = None,
    ) -> int:
        """Sets mark prices of instruments and index prices of assets in USD; gives the event's sequence."""
        command: Command = {"type": "prices", "venue": venue}
        for name, prices in (("marks", marks), ("index", index)):
            if prices:
                command[name] = amounts(prices, 'prices("okx", {"BTC-USDT-SWAP": "60000"}, index={"USDT": "1"})')
        return self.commands([command])[0]

    def quotes(self, venue: str, quotes: typing.Mapping[str, typing.Mapping[str, Amount]]) -> int:
        """Sets what is bid and asked: `quotes("okx", {"BTC-USDT-SWAP": {"bid": "59999.9", "ask": "60000"}})`.

        `last`, in the same dict, is the last price. The mark price, by which margin and profit are worked out,
        stays where it is: `prices` sets it.
        """
        example = '{"BTC-USDT-SWAP": {"bid": "59999.9", "ask": "60000"}}, or prices() for a mark price'
        if not isinstance(quotes, typing.Mapping):
            raise MarginaliaError(f"{quotes!r} is no dict: write {example}.")
        rows = {name: amounts(quote, example) for name, quote in quotes.items()}
        return self.commands([{"type": "quotes", "venue": venue, "quotes": rows}])[0]

    def advance(self, span: str | int | datetime.timedelta) -> int:
        """Moves the ledger's clock on: `8h`, `1h30m`, milliseconds or a timedelta; gives what it shows.

        No funding is paid by that: `fund` and `fund_all` pay it.
        """
        try:
            return self.call("PUT", "/clock", {"advance_ms": milliseconds(span)})["now"]
        except Refused as error:
            if error.code != "clock_is_system":
                raise
            raise MarginaliaError(
                "The venue's clock goes with the computer's: start it with a time, such as clock=\"2026-01-01T00:00:00Z\"."
            ) from None

    def fund(
        self, account: str, instrument: str, *, rate: Amount | None = None, amount: Amount | None = None
    ) -> int:
        """One funding payment, by rate or by amount (received is positive)."""
        if (rate is None) == (amount is None):
            raise MarginaliaError("Give fund() either a rate, such as \"0.0001\" or \"0.01%\", or an amount.")
        command: Command = {"type": "funding", "account": account, "instrument": instrument}
        command |= {"rate": text(rate)} if rate is not None else {"amount": text(amount)}
        return self.commands([command])[0]

    def fund_all(self, venue: str, instrument: str, rate: Amount) -> int:
        """One funding payment of all who hold a contract."""
        command = {"type": "funding", "venue": venue, "instrument": instrument, "rate": text(rate)}
        return self.commands([command])[0]

    def fault(self, venue: str, kind: str, **more: typing.Any) -> None:
        """Makes a venue misbehave, besides the faults in force: `fault("okx", "rate_limit", probability="0.2")`."""
        fault = {"venue": venue, "kind": kind} | more
        with self._turn:
            earlier = self.faults()
            # One object leaves the faults of the other venues as they are.
            is_first = all(one["venue"] != venue for one in earlier)
            self._add("/faults", "faults", [] if is_first else earlier, fault, "clear_faults()")

    def faults(self) -> list[dict]:
        """The faults in force."""
        return self.call("GET", "/faults")["faults"]

    def clear_faults(self, venue: str | None = None) -> None:
        """Has venues behave again."""
        self.call("DELETE", "/faults" + (f"?venue={_part(venue)}" if venue else ""))

    def script_order(
        self, account: str, steps: typing.Sequence[dict], client_order_id: str | None = None
    ) -> None:
        """Forces what becomes of the account's next order that has no script, or of the one with this client id.

        Scripts given before that wait for their orders stay, and so does what they hold back of orders that
        are placed. A `fill` is of full lots of the order's instrument.
        """
        script: dict[str, typing.Any] = {"account": account, "steps": list(steps)}
        if client_order_id is not None:
            script["client_order_id"] = client_order_id
        with self._turn:
            self._add("/order-scripts", "scripts", self.order_scripts(), script, "clear_order_scripts()")

    def order_scripts(self) -> list[dict]:
        """The order scripts that wait for their orders."""
        return self.call("GET", "/order-scripts")["scripts"]

    def clear_order_scripts(self) -> None:
        """Forgets all order scripts, and what they hold back of orders that are placed."""
        self.call("DELETE", "/order-scripts")

    def _add(self, path: str, name: str, earlier: list[dict], one: dict, clearing: str) -> None:
        """Puts one more behind those in force; a PUT is of the whole list."""
        try:
            self.call("PUT", path, {name: [*earlier, one]} if earlier else one)
        except Refused as refusal:
            index = refusal.problem.get("index")
            if not isinstance(index, int) or index >= len(earlier):
                raise
            raise MarginaliaError(
                f"One of the {name} set before cannot be kept: {refusal.problem.get('detail')} Call {clearing} first."
            ) from None

    def nudge(
        self, account: str, maintenance_share: Amount, instrument: str | None = None, dry_run: bool = False
    ) -> dict:
        """Brings an account to a share of its maintenance margin by moving one mark: `"99%"` or `"0.99"`.

        1 is where the venue would liquidate. Nothing is liquidated by itself: the position stays until a
        command closes it (a `fill` with `"liquidation": True`).
        """
        body: dict[str, typing.Any] = {"maintenance_share": text(maintenance_share), "dry_run": dry_run}
        if instrument is not None:
            body["instrument"] = instrument
        return self.call("POST", f"/accounts/{_part(account)}/nudge", body)

    # What is

    def account(self, name: str, as_of: Time | None = None) -> dict:
        """The ledger's own state of an account."""
        query = f"?as_of={urllib.parse.quote(moment(as_of))}" if as_of is not None else ""
        return self.call("GET", f"/accounts/{_part(name)}{query}")

    def statement(self, name: str) -> typing.Any:
        """What the venue's account endpoint answers, as JSON."""
        return self.call("GET", f"/accounts/{_part(name)}/statement")

    def explain(self, name: str, field: str | None = None) -> list[dict]:
        """Why the account's figures are what they are."""
        query = f"?field={urllib.parse.quote(field)}" if field else ""
        return self.call("GET", f"/accounts/{_part(name)}/explain{query}")["figures"]

    def requests(self, after: int = 0, limit: int = 10_000) -> list[dict]:
        """What clients called, in order: method, path, account, status and refusal."""
        return self.call("GET", f"/requests?after={after}&limit={limit}")["requests"]

    def clear_requests(self) -> None:
        """Forgets what clients called."""
        self.call("DELETE", "/requests")

    # Keys and clients

    def key(
        self, account: str, permissions: typing.Sequence[str] = ("read", "trade"), **content: typing.Any
    ) -> Credentials:
        """A new API key of an account."""
        body = {"permissions": list(permissions)} | content
        answer = self.call("POST", f"/accounts/{_part(account)}/keys", body)
        return Credentials(answer["api_key"], answer["secret"], answer.get("passphrase"))

    def ccxt(
        self,
        venue: str,
        account: str,
        *,
        pro: bool = False,
        credentials: Credentials | None = None,
        **options: typing.Any,
    ) -> typing.Any:
        """A CCXT client pointed here, with a key of the account; with `pro`, one of CCXT Pro."""
        held = self.account(account)["venue"]
        if held != venue:
            raise MarginaliaError(f"The account {account} is at {held}, not at {venue}: a client there has no key of it.")
        if credentials is None:
            credentials = self._keys.get(account) or self.key(account)
            self._keys[account] = credentials
        return clients.client(venue, self.url, credentials, pro, options)

    # Before and after a test

    def checkpoint(self, name: str = "checkpoint") -> str:
        """Keeps the ledger as it is: accounts, events, keys and clock."""
        self.call("PUT", f"/checkpoints/{_part(name)}")
        return name

    def restore(self, name: str = "checkpoint") -> None:
        """Brings the ledger back as it was kept. Faults and order scripts stay as they are."""
        self.call("POST", f"/checkpoints/{_part(name)}/restore")
        self._keys.clear()

    def reset(self) -> None:
        """Empties the ledger. Faults and order scripts stay as they are."""
        self.call("POST", "/reset")
        self._keys.clear()


def _part(name: str) -> str:
    return urllib.parse.quote(name, safe="")
