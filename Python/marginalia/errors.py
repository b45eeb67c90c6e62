"""What can go wrong, each with what to do about it."""

from __future__ import annotations

import typing


class MarginaliaError(Exception):
    """Any trouble with the venue."""


class ProgramMissing(MarginaliaError):
    """The program `marginalia` is neither in the package nor on the PATH."""


class StartFailed(MarginaliaError):
    """The program ended before it was ready; the message is its own."""

    def __init__(self, message: str, status: int | None):
        super().__init__(message)
        self.status = status


class Refused(MarginaliaError):
    """The operator API refused a call; `problem` is its problem document (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, typing.Any]):
        super().__init__(f"{problem.get('detail') or 'refused'} ({problem.get('code')}, HTTP {status})")
        self.status = status
        self.problem = problem
        self.code: str | None = problem.get("code")
        self.field: str | None = problem.get("field")


class CommandRejected(MarginaliaError):
    """The ledger rejected a command, which changed nothing.

    All others of its list were applied, those behind it too, unless the list was atomic: then none was.
    """

    def __init__(self, index: int, command: dict[str, typing.Any], error: dict[str, typing.Any]):
        super().__init__(
            f"command {index} ({command.get('type')}) was rejected: {error.get('message')} ({error.get('code')})"
        )
        self.index = index
        self.command = command
        self.code: str | None = error.get("code")
        self.field: str | None = error.get("field")
