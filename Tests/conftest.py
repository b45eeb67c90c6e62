"""What all Python tests share: nothing leaves this machine, and servers end with their tests."""

import socket_guard

socket_guard.install()

import pytest  # noqa: E402

import server as program  # noqa: E402


def pytest_sessionstart(session):
    """Says at once what is missing, rather than failing every test."""
    folders = {str(path) for path in session.config.args}
    if (
        any(part in path for path in folders for part in ("Clients", "Bots", "Program", "Naive", "Torture"))
        and not program.PROGRAM.exists()
    ):
        pytest.exit(f"{program.PROGRAM} is not built: run `swift build` first", returncode=1)


@pytest.fixture
def start(tmp_path):
    """Starts servers that are stopped after the test: SIGTERM, and exit 0."""
    running = []

    def start_one(*options, **settings):
        one = program.Server(*options, **settings).start()
        running.append(one)
        return one

    yield start_one
    for one in running:
        if one.process.poll() is None:
            status = one.stop()
            assert status == 0, f"SIGTERM ended it with {status}; the log: {one.log[-20:]}"


@pytest.fixture
def server(start):
    """A server with an empty ledger in memory."""
    return start()


@pytest.fixture
def store(tmp_path):
    """The URL of a store that does not exist yet."""
    return f"sqlite:{tmp_path / 'data' / 'ledger.db'}"
