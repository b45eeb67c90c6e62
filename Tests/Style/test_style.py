"""The rules of the sources that the formatter does not check (CONTRIBUTING.md, "Style")."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONGEST_FILE = 600
LONGEST_LINE = 110
LONGEST_FUNCTION = 70
CORE = ("Numbers", "JSON", "Ledger", "Venue", "CryptoCom", "Rails", "Binance", "OKX", "Engine")
WITHOUT_FOUNDATION = ("Numbers", "JSON", "Ledger", "Venue", "CryptoCom", "Rails", "Binance", "OKX")

UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
BINARY_FLOATING_POINT = re.compile(r"\b(Double|Float|Float16|Float80|CGFloat|Foundation\.Decimal)\b")
TRAPS = re.compile(r"\btry!|\bas!|\bfatalError\(|\bpreconditionFailure\(")
PUBLIC = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*public (?:private\(set\) |internal\(set\) )?"
    r"(?:nonisolated |static |final |indirect |mutating |override |convenience )*"
    r"(func|struct|enum|protocol|actor|class|var|let|typealias|subscript)\b"
)
FUNCTION = re.compile(r"^(\s*)(?:@\w+(?:\([^)]*\))?\s+)*(?:[\w()]+ )*(?:func |init[?(<])")


def tracked(*patterns: str) -> list[pathlib.Path]:
    """Files of the repository that match, whether committed yet or not."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    return [ROOT / name for name in sorted(set(names)) if name and (ROOT / name).is_file()]


SWIFT = tracked("Sources/*.swift", "Tests/*.swift", "Package.swift")
CODE = SWIFT + tracked("Tests/*.py", "scripts/*", ".ci/*")


def lines(path: pathlib.Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")


def module(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "Sources" else ""


def without_literals(line: str) -> str:
    """A line of Swift without its comment and its texts."""
    return re.sub(r"//.*", "", re.sub(r'"(?:\\.|[^"\\])*"', '""', line))


def places(paths, is_wrong) -> list[str]:
    """Where a rule is broken, as file and line."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}"
        for path in paths
        for number, line in enumerate(lines(path), 1)
        if is_wrong(line)
    ]


def assert_none(found: list[str], rule: str) -> None:
    assert not found, rule + "\n" + "\n".join(found)


def test_there_is_something_to_check():
    assert len(SWIFT) > 50


def test_files_are_short():
    long = [
        f"{path.relative_to(ROOT)}: {len(lines(path)) - 1} lines"
        for path in CODE
        if len(lines(path)) - 1 > LONGEST_FILE
    ]
    assert_none(long, f"A file has at most {LONGEST_FILE} lines.")


def is_wide(line: str, path: pathlib.Path) -> bool:
    """Whether a line is too long. In Swift tests, published samples and vectors stay in one piece."""
    in_tests = path.suffix == ".swift" and path.relative_to(ROOT).parts[0] == "Tests"
    return len(line) > LONGEST_LINE and not (in_tests and '"' in line)


def test_lines_are_short():
    wide = [place for path in CODE for place in places([path], lambda line: is_wide(line, path))]
    assert_none(wide, f"A line has at most {LONGEST_LINE} columns.")


def test_functions_are_short():
    long = []
    for path in SWIFT:
        content = lines(path)
        for number, line in enumerate(content):
            if not (match := FUNCTION.match(line)):
                continue
            closing = match[1] + "}"
            end = next(
                (
                    i
                    for i in range(number + 1, len(content))
                    if content[i].rstrip() == closing
                    or (content[i].strip() and not content[i].startswith(match[1]))
                ),
                number,
            )
            if content[end].rstrip() == closing and end - number + 1 > LONGEST_FUNCTION:
                long.append(f"{path.relative_to(ROOT)}:{number + 1}: {end - number + 1} lines")
    assert_none(long, f"A function has at most {LONGEST_FUNCTION} lines.")


def test_text_is_clean():
    found = places(CODE, lambda line: line != line.rstrip() or "\t" in line)
    assert_none(
        [place for place in found if not place.startswith("scripts/")], "No tabs, no blanks at line ends."
    )


def test_nothing_is_left_unfinished():
    assert_none(places(CODE, UNFINISHED.search), "Finish it, or write it down where plans are kept.")


def test_figures_are_exact():
    core = [path for path in SWIFT if module(path) in CORE]
    found = places(core, lambda line: BINARY_FLOATING_POINT.search(without_literals(line)))
    assert_none(found, "No binary floating point and no Foundation.Decimal where figures are worked out.")


def test_core_does_without_foundation():
    core = [path for path in SWIFT if module(path) in WITHOUT_FOUNDATION]
    found = places(
        core, lambda line: re.match(r"\s*(?:\w+ )*import (?:struct |class |func |enum )?Foundation", line)
    )
    assert_none(found, "These modules do not import Foundation.")


def test_bad_input_never_traps():
    sources = [path for path in SWIFT if module(path)]
    assert_none(places(sources, lambda line: TRAPS.search(without_literals(line))), "Throw an error instead.")


def test_nothing_is_printed_past_the_cleaning():
    commands = [path for path in SWIFT if module(path) == "marginalia" and path.name != "Terminal.swift"]
    found = places(commands, re.compile(r"Swift\.print|standardOutput|standardError|\bf?puts\(").search)
    assert_none(found, "What a command writes goes through Terminal.swift, where it is made harmless.")


def is_field(line: str) -> bool:
    """Whether a line declares one stored property and nothing more."""
    found = re.match(r"\s*public (?:(?:private|internal)\(set\) )?(?:static )?(?:var|let) ", line)
    return found is not None and "{" not in line


def is_documented(content: list[str], number: int) -> bool:
    """Whether a documentation comment speaks for a line.

    It stands right before it, attributes in between; fields may share the comment of the run of fields
    that they stand in, and the first run of a type the type's own.
    """
    of_field = is_field(content[number])
    for previous in reversed(content[:number]):
        text = previous.strip()
        if text.startswith("@") or text.startswith("#if"):
            continue
        if of_field and (
            is_field(previous) or re.match(r"public (?:final )?(?:struct|class|enum|actor) ", text)
        ):
            continue
        return text.startswith("///") or text.endswith("*/")
    return False


def requirements() -> set[str]:
    """Names that a documented protocol requirement or the standard library describes for every type."""
    names = {
        "description",
        "debugDescription",
        "hash",
        "<",
        "==",
        "encode",
        "rawValue",
        "logLevel",
        "metadata",
        "log",
    }
    for path in SWIFT:
        content, inside = lines(path), False
        for number, line in enumerate(content):
            if re.match(r"(?:public )?protocol \w+", line):
                inside = not line.rstrip().endswith("}")
            elif line == "}":
                inside = False
            elif inside and (match := re.match(r"    (?:static |mutating )*(?:func|var) ([\w<=]+)", line)):
                if is_documented(content, number):
                    names.add(match[1])
    return names


@pytest.mark.parametrize("name", sorted({module(path) for path in SWIFT if module(path)}))
def test_public_names_are_documented(name):
    inherited = requirements()
    found = []
    for path in (path for path in SWIFT if module(path) == name):
        content = lines(path)
        for number, line in enumerate(content):
            if not (match := PUBLIC.match(line)) or is_documented(content, number):
                continue
            named = re.match(r"\s*([\w<=]+)", line[match.end() :])
            if match[1] == "subscript" or (named and named[1] in inherited):
                continue
            found.append(f"{path.relative_to(ROOT)}:{number + 1}: {line.strip()[:90]}")
    assert_none(found, "Every public name says in a /// comment what one gets (initialisers excepted).")
