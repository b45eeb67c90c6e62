"""One server for all client tests, and an account of every venue in a known state."""

import pytest

import desks
from server import Server


@pytest.fixture(scope="session")
def venue_server():
    """A server without rate limits, with the accounts of `desks` in it."""
    with Server("--rate-limits", "off") as server:
        desks.open_all(server)
        yield server


@pytest.fixture(scope="session")
def keys(venue_server):
    """A read key for every account of `desks`, and one that may also trade."""
    return {name: venue_server.issue_key(name, permissions=["read", "trade"]) for name in desks.NAMES}
