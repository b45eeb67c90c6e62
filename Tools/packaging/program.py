"""What the built program is called and what it needs."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import subprocess

# Libraries of glibc itself: a machine with Python has them. The loader is among them.
OF_GLIBC = re.compile(r"^(lib(c|m|dl|pthread|rt|resolv|util)\.so\.\d+|ld-linux[\w-]*\.so\.\d+)$")


class Unfit(Exception):
    """Why something cannot be released."""


def output(*command: object) -> str:
    """What a command prints."""
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    return ran.stdout


def version(built: pathlib.Path) -> str:
    """The version that the program says it is."""
    return output(built.resolve(), "--version").strip()


def commit_time(root: pathlib.Path) -> int:
    """When the sources were committed, so that two packings of one commit are the same."""
    return int(output("git", "-C", root, "log", "-1", "--format=%ct").strip())


def names(root: pathlib.Path) -> dict[str, str]:
    """Each place that names the version, and what it says. A tag counts where it is of this very commit."""
    source = (root / "Sources" / "marginalia" / "Program.swift").read_text()
    package = (root / "Python" / "pyproject.toml").read_text()
    found = {
        "Sources/marginalia/Program.swift": re.search(r'version: "([^"]+)"', source)[1],
        "Python/pyproject.toml": re.search(r'^version = "([^"]+)"', package, re.MULTILINE)[1],
    }
    changes = (root / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## \[?([^\]\s]+)\]?", changes, re.MULTILINE)
    if headings and headings[0] != "Unreleased":
        found["CHANGELOG.md"] = headings[0]
    for tag in output("git", "-C", root, "tag", "--points-at", "HEAD").split():
        if re.match(r"v\d", tag):
            found[f"the tag {tag}"] = tag[1:]
            found.setdefault("CHANGELOG.md", "Unreleased")
    return found


def check_names(said: str, root: pathlib.Path) -> None:
    """Refuses a release whose version is told in two ways; `said` is the program's own word."""
    other = {place: name for place, name in names(root).items() if name != said}
    if other:
        told = ", ".join(f"{place} says {name}" for place, name in other.items())
        raise Unfit(f"the program says it is {said}, but {told}")


@dataclasses.dataclass(frozen=True)
class Needs:
    """What a program wants of the machine that it runs on."""

    libraries: list[str]
    glibc: str

    def platform_tag(self, machine: str) -> str:
        """The wheel's platform: the oldest glibc that has every symbol the program calls (PEP 600)."""
        return f"manylinux_{self.glibc.replace('.', '_')}_{machine}"


def needs(built: pathlib.Path) -> Needs:
    """Reads a program's needs out of it; refuses one that needs more than the C library."""
    headers = output("objdump", "-p", built)
    libraries = sorted(re.findall(r"^\s*NEEDED\s+(\S+)", headers, re.MULTILINE))
    foreign = [name for name in libraries if not OF_GLIBC.match(name)]
    if foreign:
        raise Unfit(f"the program needs {', '.join(foreign)}, which a bare machine has not")
    versions = {tuple(map(int, found.split("."))) for found in re.findall(r"\bGLIBC_([\d.]+)", headers)}
    # Packed relocations are no symbol of a version; 2.36 was the first to read them.
    if "GLIBC_ABI_DT_RELR" in headers:
        versions.add((2, 36))
    return Needs(libraries, ".".join(map(str, max(versions)[:2])))
