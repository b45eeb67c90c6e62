"""The container image, as plain tar and JSON: an OCI layout that `docker load` and `podman load` take too.

Two layers: the C library, the certificates and one user; and the program. No shell, no package manager, no
root.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import io
import json
import pathlib
import platform
import re
import tarfile

import archive
import program

USER = 65532
NAME = "marginalia"
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
# What the C library loads by itself: to look names up, and to end a thread.
LOADED = ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2", "libgcc_s.so.1")


def c_library(built: pathlib.Path) -> dict[str, tuple[bytes, int]]:
    """The files of the C library that the program needs, where the loader looks for them."""
    told = program.output("ldd", built.resolve())
    paths = [pathlib.Path(path) for path in re.findall(r"(/\S+) \(0x", told)]
    beside = next(path.parent for path in paths if path.name.startswith("libc.so"))
    paths += [beside / name for name in LOADED if (beside / name).exists()]
    return {str(path).lstrip("/"): (path.resolve().read_bytes(), 0o755) for path in paths}


def base(built: pathlib.Path) -> dict[str, tuple]:
    """The files below the program."""
    files: dict[str, tuple] = dict(c_library(built))
    files["etc/passwd"] = (f"marginalia:x:{USER}:{USER}::/data:/sbin/nologin\n".encode(), 0o644)
    files["etc/group"] = (f"marginalia:x:{USER}:\n".encode(), 0o644)
    files["etc/nsswitch.conf"] = (b"hosts: files dns\n", 0o644)
    files["tmp"] = (None, 0o1777)
    if CERTIFICATES.exists():
        files["etc/ssl/certs/ca-certificates.crt"] = (CERTIFICATES.read_bytes(), 0o644)
    return files


def layer(groups: list[tuple[dict, int]], moment: int) -> tuple[bytes, str]:
    """A layer of files by owner: its compressed bytes, and the digest of the bytes before that."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for files, owner in groups:
            archive.add(tar, files, moment, owner)
    return gzip.compress(plain.getvalue(), 6, mtime=moment), digest(plain.getvalue())


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def configuration(version: str, machine: str, moment: int, layers: list[str]) -> dict:
    """What the image runs. `Healthcheck` is Docker's own; OCI's other programs leave it out."""
    time = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "created": time,
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine),
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": [
                "PATH=/usr/bin",
                "MARGINALIA_LISTEN=0.0.0.0:8080",
                "MARGINALIA_STORE=sqlite:/data/ledger.db",
            ],
            "Entrypoint": ["/usr/bin/marginalia"],
            "Cmd": ["serve"],
            "Volumes": {"/data": {}},
            "WorkingDir": "/data",
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": NAME,
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
            "Healthcheck": {
                "Test": ["CMD", "/usr/bin/marginalia", "health"],
                "Interval": 10_000_000_000,
                "Timeout": 5_000_000_000,
                "StartPeriod": 5_000_000_000,
                "Retries": 3,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": layers},
        "history": [
            {"created": time, "created_by": "the C library, certificates and a user"},
            {"created": time, "created_by": f"marginalia {version}"},
        ],
    }


def build(
    built: pathlib.Path, extras: dict, version: str, output: pathlib.Path, moment: int
) -> pathlib.Path:
    """Writes the image into a folder, as one file."""
    machine = platform.machine()
    licences = {f"usr/{path}": file for path, file in extras.items() if "/doc/" in path}
    own = {"usr/bin/marginalia": (built.read_bytes(), 0o755), **licences}
    layers = [
        layer([(base(built), 0)], moment),
        layer([(own, 0), ({"data": (None, 0o700)}, USER)], moment),
    ]
    blobs: dict[str, bytes] = {}

    def keep(content: bytes, kind: str) -> dict:
        blobs[digest(content)] = content
        return {"mediaType": kind, "digest": digest(content), "size": len(content)}

    def encoded(value: object) -> bytes:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    described = encoded(configuration(version, machine, moment, [plain for _, plain in layers]))
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": keep(described, "application/vnd.oci.image.config.v1+json"),
        "layers": [keep(content, "application/vnd.oci.image.layer.v1.tar+gzip") for content, _ in layers],
    }
    entry = keep(encoded(manifest), manifest["mediaType"]) | {
        "annotations": {
            "org.opencontainers.image.ref.name": version,
            "io.containerd.image.name": f"docker.io/library/{NAME}:{version}",
        }
    }

    def path(of: dict) -> str:
        return "blobs/" + of["digest"].replace(":", "/")

    docker = [
        {
            "Config": path(manifest["config"]),
            "RepoTags": [f"{NAME}:{version}"],
            "Layers": [path(one) for one in manifest["layers"]],
        }
    ]
    files = {f"blobs/{name.replace(':', '/')}": (content, 0o644) for name, content in blobs.items()}
    files["oci-layout"] = (encoded({"imageLayoutVersion": "1.0.0"}), 0o644)
    files["index.json"] = (encoded({"schemaVersion": 2, "manifests": [entry]}), 0o644)
    files["manifest.json"] = (encoded(docker), 0o644)
    target = output / f"{NAME}-{version}-image-{machine}.tar"
    with tarfile.open(target, "w") as tar:
        archive.add(tar, files, moment)
    return target
