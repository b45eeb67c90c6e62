"""A deterministic margin venue for tests of trading bots.

    with marginalia.Venue(scenario="desk.yaml", clock="2026-01-01T00:00:00Z") as venue:
        exchange = venue.ccxt("okx", account="desk")
"""

from marginalia.errors import CommandRejected, MarginaliaError, ProgramMissing, Refused, StartFailed
from marginalia.venue import Credentials, Venue

__all__ = [
    "CommandRejected",
    "Credentials",
    "MarginaliaError",
    "ProgramMissing",
    "Refused",
    "StartFailed",
    "Venue",
]
