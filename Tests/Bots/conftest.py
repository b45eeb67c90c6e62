"""Bots run where there is no other machine: in a network of loopback alone, where tests may have one."""

import pytest

import bots


@pytest.fixture(scope="session", autouse=True)
def is_shut_in():
    """Whether this process and its children are in a network of their own; sockets are guarded anyway."""
    return bots.shut_in()


@pytest.fixture
def run(tmp_path):
    """Starts bots in the test's folder; they end with the test."""
    running = []

    def start(bot, *arguments):
        running.append(bots.Bot(bot, *arguments, folder=tmp_path))
        return running[-1]

    yield start
    for one in running:
        one.stop()
