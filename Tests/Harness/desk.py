"""Runs the desk's commands with a configuration of its own."""

from __future__ import annotations

import contextlib
import json
import pathlib
import signal
import subprocess
import typing

from server import PROGRAM, environment, run
from venue_requests import DEMONSTRATION_KEYS, VENUES

# What each account of the tests is called, and the prefix of its environment variables.
NAMES = {"crypto-com": "cdc", "rails": "rails", "binance": "binance-main", "okx": "okx-main"}
PREFIXES = {venue: "DESK_" + venue.upper().replace("-", "_") for venue in VENUES}


def key_variables(keys: dict[str, dict] = DEMONSTRATION_KEYS) -> dict[str, str]:
    """Environment variables that hold keys."""
    variables = {}
    for venue, key in keys.items():
        for part, value in key.items():
            variables[f"{PREFIXES[venue]}_{part.upper()}"] = value
    return variables


def entry(venue: str, url: str, **changes: typing.Any) -> dict:
    """An account of the demonstration; its keys are in the environment and may trade."""
    content = {
        "name": NAMES[venue],
        "venue": venue,
        "base_url": url,
        "credentials": {"env": PREFIXES[venue]},
        "allow": ["trade"],
    }
    return content | changes


class Desk:
    """A configuration in a folder, and the environment that goes with it."""

    def __init__(self, folder: pathlib.Path, accounts: list[dict], **content: typing.Any):
        self.folder = folder
        self.file = folder / "desk.json"
        self.variables = key_variables()
        self.write(accounts, **content)

    def write(self, accounts: list[dict], **content: typing.Any) -> None:
        """Writes the configuration anew."""
        self.file.write_text(json.dumps({"accounts": accounts} | content))

    def run(self, command: str, *arguments: str, **variables: str):
        """Runs a command of the desk; gives its status, standard output and standard error."""
        return run(
            command,
            "--config",
            str(self.file),
            *arguments,
            folder=self.folder,
            **(self.variables | variables),
        )

    def run_plain(self, *arguments: str):
        """Runs a command that is not given the configuration, with the keys in its environment."""
        return run(*arguments, folder=self.folder, **self.variables)

    def json(self, command: str, *arguments: str, status: int = 0, **variables: str) -> typing.Any:
        """Runs a command with --json, and gives what it wrote."""
        done = self.run(command, "--json", *arguments, **variables)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def watching(self) -> typing.Iterator[typing.Iterator[dict]]:
        """Runs `watch --json` until the end of the block; gives its readings as they come."""
        process = subprocess.Popen(
            [PROGRAM, "watch", "--config", str(self.file), "--json"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(**self.variables),
        )
        try:
            yield (json.loads(line) for line in process.stdout)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)
            process.stdout.close()
