"""Fixtures for pytest: a venue for each test, as new.

`marginalia_server` is one server for the test run (with xdist, one for each worker); `marginalia_venue` is the
same server with its ledger as it was at its start. A test that wants another beginning says so:

    @pytest.mark.marginalia(scenario="other.yaml", clock="2026-01-01T00:00:00Z")
"""

from __future__ import annotations

import pathlib
import typing

import pytest

from marginalia.venue import Venue

START = "start-of-the-test"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("marginalia_scenario", "scenario files that the venue begins with", type="paths", default=[])
    parser.addini("marginalia_clock", "where the ledger's clock stands, as ISO 8601", default="")
    parser.addini("marginalia_options", "more options of marginalia serve", type="args", default=[])
    group = parser.getgroup("marginalia")
    group.addoption(
        "--marginalia-scenario", action="append", default=None, metavar="FILE", help="in place of the ini setting"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "marginalia(scenario=…, clock=…, options=…): a venue of its own for the test"
    )


def _venue(config: pytest.Config, given: typing.Mapping[str, typing.Any]) -> Venue:
    files = config.getoption("--marginalia-scenario")
    if files is None:
        files = [str(path) for path in config.getini("marginalia_scenario")]
    settings: dict[str, typing.Any] = {
        "scenario": files,
        "clock": config.getini("marginalia_clock") or None,
        "options": config.getini("marginalia_options"),
    } | dict(given)
    scenario = settings.pop("scenario")
    if isinstance(scenario, (str, pathlib.Path)):
        scenario = [scenario]
    return Venue([_path(config, file) for file in scenario], **settings)


def _path(config: pytest.Config, file: typing.Any) -> str:
    """Files of a mark are named from the folder that pytest is configured in."""
    path = pathlib.Path(file)
    return str(path if path.is_absolute() else config.rootpath / path)


@pytest.fixture(scope="session")
def marginalia_server(pytestconfig: pytest.Config) -> typing.Iterator[Venue]:
    """The server of this test run; what a test does to it stays for the next."""
    with _venue(pytestconfig, {}) as venue:
        venue.checkpoint(START)
        yield venue


@pytest.fixture
def marginalia_venue(request: pytest.FixtureRequest) -> typing.Iterator[Venue]:
    """The venue as it is at its start: nothing of other tests is in it."""
    mark = request.node.get_closest_marker("marginalia")
    if mark is not None:
        with _venue(request.config, mark.kwargs) as venue:
            yield venue
        return
    venue = request.getfixturevalue("marginalia_server")
    venue.restore(START)
    venue.clear_requests()
    venue.clear_faults()
    venue.clear_order_scripts()
    yield venue
