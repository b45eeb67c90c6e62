"""A further venue is one folder and its name in Package.swift and Venues: nothing else knows one."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The venues, read from the one list that there is of their modules.
LIST = re.search(r"let venues = \[(.*?)\]", (ROOT / "Package.swift").read_text()).group(1)
VENUES = re.findall(r'"(\w+)"', LIST)
# A venue is named as its module, as its types, as commands spell it and as people do.
WORDS = {module: re.findall("[A-Z][a-z]+|[A-Z]+", module) for module in VENUES}
SPELT = {
    module: re.compile(rf"{module}(?![a-z])|(?i:\b{'[-_. ]?'.join(words)}\b)")
    for module, words in WORDS.items()
}
# What shows how to use the program rather than being part of it: the demonstration, the pages of the
# library products and of the operator API, what commands are for in words (those say where one applies), and
# lines of a command's help that give an example.
SHOWN = (
    "Sources/Server/Resources/demonstration.yaml", "Sources/Server/Resources/openapi.json",
    "Sources/Ledger/Command-Forms.swift", "*.docc/*",
)
EXAMPLE = re.compile(r"Example: |\bdemo-")


def sources() -> list[pathlib.Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "Sources"],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for path in map(pathlib.Path, names) if (ROOT / path).is_file()]


def names_in(line: str) -> list[str]:
    return [module for module, spelt in SPELT.items() if spelt.search(line)]


def test_the_names_are_found_as_they_are_written():
    assert len(VENUES) >= 4
    for line in ("import OKX", "BinanceVenue.name", '"crypto-com"', "Crypto.com takes", "at Rails,", '"okx"'):
        assert len(names_in(line)) == 1, line
    for line in ("book.trails", "crypto.common", "a booking"):
        assert not names_in(line), line


def test_no_file_outside_a_venues_folder_names_a_venue():
    found = []
    for path in sources():
        if path.parts[1] in (*VENUES, "Venues") or any(path.match(pattern) for pattern in SHOWN):
            continue
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            if names_in(line) and not EXAMPLE.search(line):
                found.append(f"{path}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_a_venue_knows_no_other():
    """Each imports the modules below it only, and none of its neighbours."""
    found = [
        str(path)
        for path in sources()
        if path.parts[1] in VENUES and path.suffix == ".swift"
        for other in VENUES
        if other != path.parts[1] and re.search(rf"^import {other}$", (ROOT / path).read_text(), re.M)
    ]
    assert not found, found
