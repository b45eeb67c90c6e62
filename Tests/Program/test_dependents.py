"""The library products, as a package sees them that depends on a released version."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]

MANIFEST = """// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "dependent",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: "URL", exact: "1.0.0")],
    targets: [
        .executableTarget(
            name: "dependent", dependencies: [.product(name: "MarginaliaLedger", package: "marginalia")])
    ]
)
"""

PROGRAM = """import Ledger
import Numbers

let sum = try [ExactDecimal("0.1"), ExactDecimal("0.2")].sum()
print(sum, LedgerState().accountCount)
"""


def run(*command: str, folder: pathlib.Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def release(folder: pathlib.Path) -> pathlib.Path:
    """A repository with the work tree as it stands as version 1.0.0."""
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard", folder=ROOT).splitlines()
    for name in names:
        if (ROOT / name).is_file() and not name.startswith("Tests/Recorded"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(ROOT / name, folder / name)
    run("git", "init", "-q", folder=folder)
    run("git", "add", "-A", folder=folder)
    author = ("-c", "user.name=Release", "-c", "user.email=release@example.invalid")
    run("git", *author, "commit", "-q", "-m", "Released", folder=folder)
    run("git", "tag", "1.0.0", folder=folder)
    return folder


def test_a_package_that_depends_on_a_version_builds_and_runs(tmp_path):
    folder = ROOT / ".build" / "dependents"
    subprocess.run(["rm", "-rf", folder / "marginalia", folder / "dependent"], check=True)
    (folder / "marginalia").mkdir(parents=True)
    (folder / "dependent" / "Sources" / "dependent").mkdir(parents=True)
    released = release(folder / "marginalia")
    dependent = folder / "dependent"
    (dependent / "Package.swift").write_text(MANIFEST.replace("URL", released.as_uri()))
    (dependent / "Sources" / "dependent" / "main.swift").write_text(PROGRAM)
    assert run("swift", "run", "-q", folder=dependent).split() == ["0.3", "0"]
