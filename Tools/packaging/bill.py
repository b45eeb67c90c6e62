"""The bill of materials: what is linked into the program, and by which licences."""

from __future__ import annotations

import datetime
import hashlib
import json
import pathlib
import re
import subprocess

import program


def package(pin: dict) -> dict:
    """A Swift package as CycloneDX has it."""
    host, _, path = pin["location"].removeprefix("https://").removesuffix(".git").partition("/")
    version = pin["state"].get("version") or pin["state"]["revision"]
    name = f"pkg:swift/{host}/{path}@{version}"
    return {
        "type": "library",
        "bom-ref": name,
        "name": path.split("/")[-1],
        "group": path.split("/")[0],
        "version": version,
        "purl": name,
        "externalReferences": [{"type": "vcs", "url": pin["location"]}],
        "properties": [{"name": "marginalia:revision", "value": pin["state"]["revision"]}],
    }


def debian(name: str) -> dict | None:
    """A library of this machine that is linked in; None where the machine is no Debian."""
    asked = ["dpkg-query", "--show", "--showformat", "${Version} ${Architecture}", name]
    try:
        found = subprocess.run(asked, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    if found.returncode != 0:
        return None
    version, architecture = found.stdout.split()
    url = f"pkg:deb/debian/{name}@{version}?arch={architecture}"
    return {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}


def swift() -> dict:
    """Swift's runtime and Foundation, which come with the toolchain."""
    told = program.output("swift", "--version")
    version = re.search(r"Swift version (\S+)", told)[1]
    url = f"pkg:generic/swift@{version}"
    return {"type": "library", "bom-ref": url, "name": "swift", "version": version, "purl": url}


def of_materials(version: str, resolved: pathlib.Path, built: pathlib.Path, moment: int) -> dict:
    """The bill in CycloneDX's JSON, from the packages that the build resolved to."""
    pins = json.loads(resolved.read_text())["pins"]
    components = [package(pin) for pin in sorted(pins, key=lambda pin: pin["identity"])]
    components.append(swift())
    archives = [pathlib.Path(program.output("gcc", f"-print-file-name={name}").strip()).resolve()
                for name in ("libsqlite3.a", "libstdc++.a", "libz.a")]
    for file in archives:
        try:
            owner = program.output("dpkg", "-S", file).split(":")[0]
        except (subprocess.CalledProcessError, FileNotFoundError):
            continue
        if found := debian(owner):
            components.append(found)
    own = f"pkg:generic/marginalia@{version}"
    time = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time,
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "marginalia",
                "version": version,
                "purl": own,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(built.read_bytes()).hexdigest()}],
            },
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def notices(checkouts: pathlib.Path) -> bytes:
    """The licences and notices of all packages, as they ask to be handed on."""
    parts = []
    for folder in sorted(path for path in checkouts.iterdir() if path.is_dir()):
        for file in sorted(folder.iterdir()):
            if re.match(r"(LICEN[CS]E|NOTICE|COPYING)", file.name, re.IGNORECASE) and file.is_file():
                text = file.read_text(errors="replace").strip()
                parts.append(f"== {folder.name}: {file.name}\n\n{text}\n")
    return "\n\n".join(parts).encode()
