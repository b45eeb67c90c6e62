"""Packs a built program for release; `scripts/release` is what runs this.

    python3 Tools/packaging --program PROGRAM --checkouts FOLDER --to FOLDER
"""

import argparse
import hashlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import tarfile

import archive
import bill
import image
import manual
import program
import wheel

ROOT = pathlib.Path(__file__).resolve().parents[2]


def extras(built: pathlib.Path, checkouts: pathlib.Path) -> dict[str, tuple[bytes, int]]:
    """What is installed beside the program, by its path below the prefix, with its mode."""
    files = {"share/man/man1/marginalia.1": manual.page(built).encode()}
    for shell, path in manual.COMPLETIONS.items():
        files[path] = manual.completion(built, shell)
    files["share/doc/marginalia/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files["share/doc/marginalia/THIRD-PARTY-NOTICES"] = bill.notices(checkouts)
    return {path: (content, 0o644) for path, content in files.items()}


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("program", "checkouts", "to"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    given = parser.parse_args()
    version = program.version(given.program)
    program.check_names(version, ROOT)
    needs = program.needs(given.program)
    machine = platform.machine()
    moment = int(os.environ.get("SOURCE_DATE_EPOCH") or program.commit_time(ROOT))
    given.to.mkdir(parents=True, exist_ok=True)
    for old in [*given.to.glob("marginalia-*"), *given.to.glob("SHA256SUMS")]:
        old.unlink()

    materials = bill.of_materials(version, ROOT / "Package.resolved", given.program, moment)
    listed = given.to / f"marginalia-{version}.cdx.json"
    listed.write_text(json.dumps(materials, indent=2) + "\n")

    files = extras(given.program, given.checkouts)
    unit = (ROOT / "Packaging" / "marginalia.service").read_bytes()
    packed = {
        "bin/marginalia": (given.program.read_bytes(), 0o755),
        "lib/systemd/system/marginalia.service": (unit, 0o644),
        "share/doc/marginalia/marginalia.cdx.json": (listed.read_bytes(), 0o644),
        **files,
    }
    folder = f"marginalia-{version}-linux-{machine}"
    with tarfile.open(given.to / f"{folder}.tar.gz", "w:gz", compresslevel=6) as tar:
        archive.add(tar, {f"{folder}/{path}": file for path, file in packed.items()}, moment)

    wheel.build(ROOT / "Python", given.program, files, needs.platform_tag(machine), given.to, moment)
    image.build(given.program, files, version, given.to, moment)

    sums = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(given.to.glob("marginalia-*"))
    ]
    (given.to / "SHA256SUMS").write_text("".join(sums))
    for file in sorted(given.to.iterdir()):
        print(f"{file.stat().st_size:>12,}  {file}")
    size = given.program.stat().st_size
    print(f"{size:>12,}  the program; it needs glibc {needs.glibc}: {', '.join(needs.libraries)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except program.Unfit as error:
        sys.exit(f"scripts/release: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"scripts/release: {error}\n{error.stderr or ''}")
