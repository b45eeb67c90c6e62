"""What scripts/release made, where its users meet it: machines without toolchain, pip, a container.

Another root is made of Debian's packages, entered with mounts of its own, and gone with the test.
"""

import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest

import roots
from server import READY, ROOT

sys.path.insert(0, str(ROOT / "Tools" / "packaging"))

import image  # noqa: E402
import program as built  # noqa: E402

DIST = pathlib.Path(os.environ.get("MARGINALIA_DIST", ROOT / "dist"))
LARGEST = 60_000_000

pytestmark = pytest.mark.skipif(
    not (DIST / "SHA256SUMS").exists(), reason="there is no release here: run scripts/release"
)


def one(pattern: str) -> pathlib.Path:
    """The file of the release that is named so."""
    (found,) = DIST.glob(pattern)
    return found


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> pathlib.Path:
    """The release's archive, unpacked."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(one("marginalia-*-linux-*.tar.gz")) as tar:
        tar.extractall(folder, filter="tar")
    (top,) = folder.iterdir()
    return top


# The files


def test_every_file_has_its_checksum():
    sums = dict(reversed(line.split("  ")) for line in (DIST / "SHA256SUMS").read_text().splitlines())
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in DIST.glob("marginalia-*")}
    assert sums == files and len(files) == 4


def test_one_version_in_all_names(unpacked):
    said = built.version(unpacked / "bin" / "marginalia")
    assert set(built.names(ROOT).values()) == {said}
    assert all(file.name.startswith(f"marginalia-{said}") for file in DIST.glob("marginalia-*"))


def test_the_program_is_small_and_needs_the_c_library_alone(unpacked):
    binary = unpacked / "bin" / "marginalia"
    assert binary.stat().st_size < LARGEST
    needs = built.needs(binary)
    assert "libc.so.6" in needs.libraries
    # The C libraries of Ubuntu 22.04 and Debian 12, and of anything newer, have every symbol.
    assert tuple(map(int, needs.glibc.split("."))) <= (2, 35)
    wheel = one("marginalia-*.whl").name
    assert f"manylinux_{needs.glibc.replace('.', '_')}_" in wheel
    for page in ("README.md", "Python/README.md", "docs/install.md", "Examples/pytest-bot/README.md"):
        named = re.findall(r"marginalia-[\w.-]+\.whl", (ROOT / page).read_text())
        assert set(named) == {wheel}, f"{page} names another wheel"


def test_the_bill_of_materials_has_every_package(unpacked):
    bill = json.loads(one("marginalia-*.cdx.json").read_text())
    pins = json.loads((ROOT / "Package.resolved").read_text())["pins"]
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    listed = {entry["purl"] for entry in bill["components"]}
    for pin in pins:
        where = pin["location"].removeprefix("https://").removesuffix(".git")
        assert f"pkg:swift/{where}@{pin['state']['version']}" in listed
    for name in ("pkg:generic/swift@", "pkg:deb/debian/libsqlite3-dev@", "pkg:deb/debian/libstdc++-"):
        assert any(url.startswith(name) for url in listed), name
    described = bill["metadata"]["component"]
    digest = hashlib.sha256((unpacked / "bin" / "marginalia").read_bytes()).hexdigest()
    assert described["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert described["version"] == built.version(unpacked / "bin" / "marginalia")
    notices = (unpacked / "share/doc/marginalia/THIRD-PARTY-NOTICES").read_text()
    assert all(f"== {pin['location'].removesuffix('.git').split('/')[-1]}" in notices for pin in pins)


def test_page_completions_and_unit_are_where_they_are_looked_for(unpacked):
    for path in (
        "share/man/man1/marginalia.1",
        "share/bash-completion/completions/marginalia",
        "share/zsh/site-functions/_marginalia",
        "share/fish/vendor_completions.d/marginalia.fish",
        "lib/systemd/system/marginalia.service",
        "share/doc/marginalia/LICENSE",
    ):
        assert (unpacked / path).stat().st_size > 500, path
    carried = zipfile.ZipFile(one("marginalia-*.whl")).namelist()
    assert any(name.endswith(".data/data/share/man/man1/marginalia.1") for name in carried)
    assert any(name.endswith("completions/marginalia") for name in carried)


# Bare machines


def served(command: list[str], settings: dict[str, str]) -> None:
    """Runs the demonstration by a command until it has answered, and ends it."""
    with subprocess.Popen(
        command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            line = running.stdout.readline().strip()
            found = READY.match(line)
            assert found, (line, running.stderr.read() if not line else "")
            connection = http.client.HTTPConnection("127.0.0.1", int(found[2]), timeout=30)
            connection.request("GET", "/readyz")
            assert connection.getresponse().status == 200
        finally:
            running.terminate()
            running.communicate(timeout=30)
        assert running.returncode == 0


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_it_runs_on_a_bare_debian(suite, unpacked, tmp_path):
    """Debian 12, and 13, whose C library is newer than that of Ubuntu 24.04."""
    if lacking := roots.lacking():
        pytest.skip(lacking)
    root = roots.make(tmp_path / "root", suite, "essential")
    try:
        for tool in ("swift", "clang", "gcc", "python3"):
            assert roots.run(root, "sh", "-c", f"command -v {tool}").returncode != 0
        shutil.copytree(unpacked, root / "usr" / "local", dirs_exist_ok=True)
        said = roots.run(root, "marginalia", "--version")
        assert (said.returncode, said.stdout) == (0, built.version(unpacked / "bin" / "marginalia") + "\n")
        store = "sqlite:/var/lib/ledger.db"
        serve = ["marginalia", "serve", "--demo", "--listen", "127.0.0.1:0", "--store", store]
        served(roots.command_in(root, *serve), roots.settings(root))
        checked = roots.run(root, "marginalia", "verify", "--store", store, "--json")
        assert checked.returncode == 0 and json.loads(checked.stdout)["sound"], checked.stderr
        explained = roots.run(root, "marginalia", "explain", "demo-okx", "totalEq", "--store", store)
        assert "totalEq = " in explained.stdout, explained.stderr
    finally:
        shutil.rmtree(root, ignore_errors=True)


TEN_LINES = '''
def test_the_bot_sees_its_loss(marginalia_venue):
    marginalia_venue.open("desk", "okx", USDT="10000")
    marginalia_venue.commands([
        {"type": "import_position", "account": "desk", "instrument": "BTC-USDT-SWAP", "quantity": "5",
         "entry_price": "60000"},
    ])
    marginalia_venue.prices("okx", {"BTC-USDT-SWAP": "59000"}, index={"USDT": "1"})
    exchange = marginalia_venue.ccxt("okx", account="desk")
    assert exchange.fetch_balance()["USDT"]["total"] == 9950
'''


@pytest.fixture(scope="module")
def python_root(tmp_path_factory):
    """A root made of the files of the C library and of Python: no apt, no shell, no toolchain."""
    if lacking := roots.lacking():
        pytest.skip(lacking)
    folder = tmp_path_factory.mktemp("python")
    wheels = folder / "wheels"
    pinned = (ROOT / "Tests" / "Clients" / "requirements.txt").read_text()
    versions = re.findall(r"^(?:ccxt|pytest)==.*$", pinned, re.MULTILINE)
    download = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "--dest", str(wheels)]
    machine = os.uname().machine
    for platform in (f"manylinux2014_{machine}", f"manylinux_2_28_{machine}", f"manylinux_2_34_{machine}"):
        download += ["--platform", platform]
    download += ["--python-version", "3.11", *versions, "pytest-xdist==3.8.0"]
    subprocess.run(download, check=True, capture_output=True, timeout=600)
    shutil.copy(one("marginalia-*.whl"), wheels)
    root = roots.make(folder / "root", "bookworm", "extract", "libc6", "python3.11-venv")
    for path in ("usr/bin/dpkg", "usr/bin/apt-get", "bin/sh", "usr/bin/sh"):
        (root / path).unlink(missing_ok=True)
    shutil.copytree(wheels, root / "wheels")
    yield root
    shutil.rmtree(root, ignore_errors=True)


def test_pip_install_and_a_ten_line_test(python_root, record_property, capsys):
    """The whole of it on a machine with Python and nothing else; how long it takes is told, not judged."""
    begun = time.monotonic()
    made = roots.run(python_root, "/usr/bin/python3.11", "-m", "venv", "/venv")
    assert made.returncode == 0, made.stderr + made.stdout
    wheel = f"/wheels/{one('marginalia-*.whl').name}"
    install = ["/venv/bin/python", "-m", "pip", "install", "-q", "--no-index", "--find-links", "/wheels"]
    installed = roots.run(python_root, *install, wheel, "pytest", "ccxt")
    assert installed.returncode == 0, installed.stderr[-3000:]
    (python_root / "tests").mkdir()
    (python_root / "tests" / "test_bot.py").write_text(TEN_LINES)
    passed = roots.run(python_root, "/venv/bin/python", "-m", "pytest", "-q", "/tests")
    took = time.monotonic() - begun
    assert "1 passed" in passed.stdout, passed.stdout[-3000:] + passed.stderr[-1000:]
    record_property("seconds", round(took, 1))
    with capsys.disabled():
        print(f"\npip install and a ten-line test: {took:.1f} s")

    # The same for the small bot of the examples, four workers at once.
    assert roots.run(python_root, *install, "pytest-xdist").returncode == 0
    bot = ROOT / "Examples" / "pytest-bot"
    shutil.copytree(bot, python_root / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    command = ["/venv/bin/python", "-m", "pytest", "-q", "-n", "4", "-p", "no:cacheprovider", "/bot"]
    passed = roots.run(python_root, *command)
    assert re.search(r"^8 passed", passed.stdout, re.MULTILINE), passed.stdout[-3000:]

    said = roots.run(python_root, "/venv/bin/marginalia", "--version")
    assert said.stdout.strip() in wheel, "and the program has its name in the environment"
    assert (python_root / "venv/share/man/man1/marginalia.1").exists()


# The container image


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> pathlib.Path:
    """The image, unpacked by umoci for runc."""
    for name in ("umoci", "runc"):
        if not shutil.which(name):
            pytest.skip(f"there is no {name} here")
    if os.geteuid() != 0:
        pytest.skip("containers of this test are root's")
    folder = tmp_path_factory.mktemp("image")
    with tarfile.open(one("marginalia-*-image-*.tar")) as tar:
        tar.extractall(folder / "layout", filter="tar")
    version = json.loads((folder / "layout/index.json").read_text())["manifests"][0]["annotations"][
        "org.opencontainers.image.ref.name"
    ]
    unpack = ["umoci", "unpack", "--image", f"{folder / 'layout'}:{version}", str(folder / "bundle")]
    subprocess.run(unpack, check=True, capture_output=True, timeout=120)
    return folder / "bundle"


def test_the_image_is_one_layout_and_every_part_has_its_digest(tmp_path):
    with tarfile.open(one("marginalia-*-image-*.tar")) as tar:
        tar.extractall(tmp_path, filter="tar")
    for blob in (tmp_path / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    (docker,) = json.loads((tmp_path / "manifest.json").read_text())
    (entry,) = json.loads((tmp_path / "index.json").read_text())["manifests"]
    manifest = json.loads((tmp_path / "blobs" / entry["digest"].replace(":", "/")).read_text())
    assert docker["Config"] == "blobs/" + manifest["config"]["digest"].replace(":", "/")
    described = json.loads((tmp_path / docker["Config"]).read_text())
    assert len(described["rootfs"]["diff_ids"]) == len(docker["Layers"]) == 2


def test_the_image_runs_as_nobody_and_is_healthy(bundle):
    """In runc, on the test's network: a container's own would need a bridge."""
    file = bundle / "config.json"
    config = json.loads(file.read_text())
    assert config["process"]["user"]["uid"] == config["process"]["user"]["gid"] == image.USER
    assert config["process"]["args"] == ["/usr/bin/marginalia", "serve"]
    config["process"]["terminal"] = False
    config["process"]["env"] = [
        entry for entry in config["process"]["env"] if not entry.startswith("MARGINALIA_LISTEN")
    ] + ["MARGINALIA_LISTEN=127.0.0.1:0"]
    config["root"]["readonly"] = False
    # umoci mounts root's memory at a volume; Docker gives a new one the image's folder, with its owner.
    config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] != "/data"]
    config["linux"]["namespaces"] = [
        entry for entry in config["linux"]["namespaces"] if entry["type"] not in ("network", "cgroup")
    ]
    config["linux"].pop("resources", None)
    config["process"]["capabilities"] = {}
    file.write_text(json.dumps(config))
    name = f"marginalia-test-{os.getpid()}"
    log = bundle / "log"
    with log.open("w") as errors, subprocess.Popen(
        ["runc", "run", "--bundle", bundle, name], stdout=subprocess.PIPE, stderr=errors, text=True
    ) as running:
        try:
            line = running.stdout.readline().strip()
            found = READY.match(line)
            if not found and re.search(r"runc|container", log.read_text()):
                pytest.skip(f"runc cannot run here: {log.read_text()[-300:]}")
            assert found, (line, log.read_text())
            check = ["runc", "exec", "--env", f"MARGINALIA_URL={found[1]}", name]
            healthy = subprocess.run(
                [*check, "/usr/bin/marginalia", "health"], capture_output=True, text=True, timeout=60
            )
            assert (healthy.returncode, healthy.stdout) == (0, f"ready at {found[1]}\n"), healthy.stderr
        finally:
            running.terminate()
            running.communicate(timeout=30)
        assert running.returncode == 0, log.read_text()
    owner = (bundle / "rootfs" / "data" / "ledger.db").stat()
    assert owner.st_uid == image.USER, "the ledger is the user's"
    assert "Traceback" not in log.read_text() and "started" in log.read_text()
