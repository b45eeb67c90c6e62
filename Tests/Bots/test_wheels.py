"""Bots are unmodified: every file that is installed is the one of its wheel, and there is no other."""

import base64
import csv
import hashlib
import re

import pytest

import bots

NAMES = [path.stem.removeprefix("requirements-") for path in bots.ROOT.glob("Tests/Bots/requirements-*.txt")]


@pytest.mark.parametrize("bot", sorted(NAMES))
def test_installed_files_match_their_wheels(bot):
    packages = bots.packages(bot)
    recorded = set()
    for record in packages.glob("*.dist-info/RECORD"):
        for name, digest, _ in csv.reader(record.read_text().splitlines()):
            file = (packages / name).resolve()
            recorded.add(file)
            if digest:
                algorithm, wanted = digest.split("=", 1)
                found = hashlib.new(algorithm, file.read_bytes()).digest()
                assert base64.urlsafe_b64encode(found).rstrip(b"=").decode() == wanted, f"{file} was changed"
    there = {path.resolve() for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert len(there) > 100
    assert there <= recorded, f"of no wheel: {sorted(there - recorded)[:5]}"


@pytest.mark.parametrize("bot", sorted(NAMES))
def test_versions_are_those_of_the_requirements(bot):
    packages = bots.packages(bot)
    text = (bots.ROOT / f"Tests/Bots/requirements-{bot}.txt").read_text()
    wanted = {
        (re.sub(r"[-_.]+", "-", name).lower(), version)
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)
    }
    installed = set()
    for metadata in packages.glob("*.dist-info/METADATA"):
        head = metadata.read_text(errors="replace")
        name = re.search(r"^Name: (.+)$", head, re.MULTILINE)[1]
        version = re.search(r"^Version: (.+)$", head, re.MULTILINE)[1]
        installed.add((re.sub(r"[-_.]+", "-", name).lower(), version))
    assert wanted == {row for row in installed if row[0] not in ("pip", "setuptools")}


def test_nothing_but_this_machine(is_shut_in, run):
    """A bot that asks for another host is told so, by the guard or by the lack of any network."""
    asking = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    bot = run("pybotters", "python", "-c", asking)
    assert bot.process.wait(timeout=bots.WITHIN) != 0
    assert "OutsideConnection" in bot.said()
    if is_shut_in:
        listing = run("pybotters", "python", "-c", "import socket; print(socket.if_nameindex())")
        listing.ends()
        assert listing.said().splitlines()[-1] == "[(1, 'lo')]"
