"""What is released, as far as it needs no release build: version, unit, compose file, action."""

import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import types

import pytest
import yaml

import server as program
from server import ROOT, Server, run

sys.path.insert(0, str(ROOT / "Tools" / "packaging"))

import archive  # noqa: E402
import bill  # noqa: E402
import image  # noqa: E402
import manual  # noqa: E402
import program as built  # noqa: E402

PACKAGING = ROOT / "Packaging"


# One version


def test_every_place_names_the_same_version():
    """The program, the Python package, the changelog's newest heading, a tag of this commit."""
    said = run("--version").stdout.strip()
    assert re.fullmatch(r"\d+\.\d+\.\d+", said)
    assert set(built.names(ROOT).values()) == {said}, built.names(ROOT)
    built.check_names(said, ROOT)
    with pytest.raises(built.Unfit, match="pyproject.toml says"):
        built.check_names("9.9.9", ROOT)


def test_every_tag_has_an_entry_in_the_changelog():
    tags = [name for name in built.output("git", "-C", ROOT, "tag").split() if re.match(r"v\d", name)]
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert [name for name in tags if f"## [{name[1:]}]" not in changes] == []


@pytest.mark.parametrize("file", ["action.yml", "Packaging/compose/docker-compose.yaml"])
def test_what_names_a_release_names_this_one(file):
    said = run("--version").stdout.strip()
    assert said in re.findall(r"\d+\.\d+\.\d+", (ROOT / file).read_text())


def test_a_tag_of_another_version_is_no_release(tmp_path):
    copy = tmp_path / "copy"
    for file in ("Sources/marginalia/Program.swift", "Python/pyproject.toml", "CHANGELOG.md"):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, copy / file)
    who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.invalid"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "all"], ["tag", "v7.0.0"]):
        subprocess.run(["git", "-C", copy, *command], check=True)
    with pytest.raises(built.Unfit, match="the tag v7.0.0 says 7.0.0"):
        built.check_names(run("--version").stdout.strip(), copy)


# The manual page and completions


def test_the_manual_page_has_every_command_and_option():
    page = manual.page(pathlib.Path(program.PROGRAM))
    told = json.loads(run("--experimental-dump-help").stdout)["command"]
    for command in told["subcommands"]:
        if command["commandName"] != "help":
            assert f'.SS "{manual.escaped(command["commandName"])}"' in page
    assert "\\-\\-trusted\\-proxy" in page and "MARGINALIA_URL" in page
    if shutil.which("man"):
        command = ["man", "--warnings", "--local-file", "-"]
        shown = subprocess.run(
            command, input=page, capture_output=True, text=True, env=os.environ | {"MANWIDTH": "100"}
        )
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "marginalia serve --demo" in " ".join(shown.stdout.split())


@pytest.mark.parametrize("shell", manual.COMPLETIONS)
def test_completions_are_scripts_of_their_shells(shell, tmp_path):
    script = tmp_path / "script"
    script.write_bytes(manual.completion(pathlib.Path(program.PROGRAM), shell))
    assert b"trusted-proxy" in script.read_bytes()
    if shutil.which(shell):
        assert subprocess.run([shell, "-n", script]).returncode == 0


# The unit


def analyse(*arguments: object) -> subprocess.CompletedProcess:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze here")
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


def test_the_unit_is_sound(tmp_path):
    unit = tmp_path / "marginalia.service"
    content = (PACKAGING / "marginalia.service").read_text()
    unit.write_text(content.replace("/usr/local/bin/marginalia", str(program.PROGRAM)))
    checked = analyse("verify", "--man=no", unit)
    complaints = [line for line in checked.stderr.splitlines() if "marginalia.service" in line]
    assert (checked.returncode, complaints) == (0, [])


def test_the_unit_lets_the_program_reach_little():
    judged = analyse("security", "--offline=true", "--threshold=15", PACKAGING / "marginalia.service")
    assert judged.returncode == 0, judged.stdout[-600:]


# The compose file


def test_the_compose_file_names_what_there_is():
    compose = yaml.safe_load((PACKAGING / "compose" / "docker-compose.yaml").read_text())
    for service in compose["services"].values():
        assert service["restart"] == "unless-stopped"
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), "nothing is public by itself"
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (PACKAGING / "compose" / source).exists(), volume
    venue = compose["services"]["marginalia"]
    assert venue["read_only"] and venue["cap_drop"] == ["ALL"]
    described = image.configuration("0.1.0", "x86_64", 0, [])["config"]
    assert venue["healthcheck"]["test"] == described["Healthcheck"]["Test"]
    assert venue["volumes"][0].split(":")[1] in described["Volumes"]
    scraped = yaml.safe_load((PACKAGING / "compose" / "prometheus.yaml").read_text())
    (target,) = scraped["scrape_configs"][0]["static_configs"][0]["targets"]
    service, port = target.split(":")
    assert service in compose["services"] and f"{port}/tcp" in described["ExposedPorts"]


def test_the_compose_file_is_one_to_compose():
    """By Compose's own reading of it, which needs no engine; a variable that must be given is asked for."""
    if not shutil.which("docker-compose"):
        pytest.skip("there is no docker-compose here")

    def read(**variables: str) -> subprocess.CompletedProcess:
        command = ["docker-compose", "--file", PACKAGING / "compose" / "docker-compose.yaml", "config"]
        settings = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | variables
        return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60)

    told = read(MARGINALIA_ADMIN_TOKEN="made-up-token")
    assert told.returncode == 0, told.stderr
    assert yaml.safe_load(told.stdout)["services"]["marginalia"]["environment"] == {
        "MARGINALIA_ADMIN_TOKEN": "made-up-token", "MARGINALIA_LOG_FORMAT": "json",
    }
    assert read().returncode != 0 and "give the operator a token" in read().stderr


def test_the_dashboard_shows_what_is_measured(server):
    folder = PACKAGING / "compose" / "grafana"
    board = json.loads((folder / "dashboards" / "marginalia.json").read_text())
    sources = yaml.safe_load((folder / "provisioning/datasources/prometheus.yaml").read_text())
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {sources["datasources"][0]["uid"]}
    server.request("GET", "/healthz")
    metrics = server.request("GET", "/metrics").body.decode()
    measured = set(re.findall(r"^# TYPE (\S+)", metrics, re.MULTILINE))
    for panel in board["panels"]:
        for target in panel["targets"]:
            (name,) = re.findall(r"marginalia_\w+", target["expr"])
            assert name.removesuffix("_bucket") in measured, target["expr"]


def test_the_image_runs_as_nobody_and_says_how_it_is():
    described = image.configuration("0.1.0", "x86_64", 0, [])["config"]
    assert described["User"] == f"{image.USER}:{image.USER}" and image.USER > 1000
    # The program takes every variable that the image sets.
    names = [entry.split("=")[0] for entry in described["Env"]]
    listed = run("serve", "--help").stdout
    for name in names:
        if name != "PATH":
            assert "--" + name.removeprefix("MARGINALIA_").lower().replace("_", "-") in listed


# The action


def release_archive(folder: pathlib.Path) -> pathlib.Path:
    """An archive as a release has it, of the program under test."""
    file = folder / "marginalia-0.1.0-linux-x86_64.tar.gz"
    content = pathlib.Path(program.PROGRAM).read_bytes()
    with tarfile.open(file, "w:gz", compresslevel=1) as tar:
        archive.add(tar, {"marginalia-0.1.0-linux-x86_64/bin/marginalia": (content, 0o755)}, 0)
    return file


class Runner:
    """Runs a composite action's steps as GitHub's runner does, those of them that are shell."""

    def __init__(self, folder: pathlib.Path, host: str = "https://example.invalid", **inputs: str):
        self.host = host
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        self.inputs = {name: entry["default"] for name, entry in action["inputs"].items()} | inputs
        self.steps = action["runs"]["steps"]
        self.folder = folder
        self.files = {name: folder / name for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT")}
        for file in self.files.values():
            file.touch()

    def value(self, text: str) -> str:
        known = {f"inputs.{name}": value for name, value in self.inputs.items()}
        known |= {"github.server_url": self.host, "github.action_repository": "o/marginalia"}
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known[found[1]], text)

    def environment(self) -> dict[str, str]:
        return program.environment(
            **{name: str(file) for name, file in self.files.items()},
            GITHUB_ACTION_PATH=str(ROOT),
            RUNNER_TEMP=str(self.folder),
        )

    def run(self) -> list[subprocess.CompletedProcess]:
        done = []
        for step in self.steps:
            assert step["shell"] == "bash"
            settings = {name: self.value(text) for name, text in step["env"].items()}
            done.append(
                subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                    cwd=self.folder,
                    env=self.environment() | settings,
                    capture_output=True,
                    text=True,
                    timeout=120,
                )
            )
        return done

    def written(self, name: str) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.files[name].read_text().splitlines())


def test_the_action_starts_a_venue_for_the_steps_that_follow(tmp_path):
    scenario = tmp_path / "desk.yaml"
    scenario.write_text("accounts:\n  - { account: desk, venue: okx }\n")
    runner = Runner(
        tmp_path, archive=str(release_archive(tmp_path)), scenario="desk.yaml\n", clock="2026-01-01T00:00:00Z"
    )
    done = runner.run()
    try:
        assert [step.returncode for step in done] == [0, 0], done
        settings = runner.written("GITHUB_ENV")
        outputs = runner.written("GITHUB_OUTPUT")
        assert outputs["url"] == settings["MARGINALIA_URL"]
        assert f"::add-mask::{settings['MARGINALIA_ADMIN_TOKEN']}" in done[1].stdout
        path = runner.files["GITHUB_PATH"].read_text().strip()
        following = subprocess.run(
            ["bash", "-ec", "marginalia accounts list"],
            env=runner.environment() | settings | {"PATH": f"{path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert following.returncode == 0 and "desk" in following.stdout, following.stderr
    finally:
        if found := re.search(r"^pid=(\d+)$", runner.files["GITHUB_OUTPUT"].read_text(), re.MULTILINE):
            os.kill(int(found[1]), signal.SIGTERM)


def test_the_action_fails_with_the_programs_own_words(tmp_path):
    (tmp_path / "desk.yaml").write_text("accounts: 7\n")
    runner = Runner(tmp_path, archive=str(release_archive(tmp_path)), scenario="desk.yaml")
    done = runner.run()
    assert done[1].returncode == 1 and "desk.yaml, line 1" in done[1].stderr


@pytest.fixture
def release_host(tmp_path):
    """Where releases are, in place of the real host: the archive and the checksums of one."""
    place = tmp_path / "host" / "o" / "marginalia" / "releases" / "download" / "v0.1.0"
    place.mkdir(parents=True)
    file = release_archive(place)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    (place / "SHA256SUMS").write_text(f"{digest}  {file.name}\n{'0' * 64}  marginalia-0.1.0.cdx.json\n")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "host"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        thread = threading.Thread(target=host.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{host.server_address[1]}", place
        host.shutdown()
        thread.join()


def test_the_action_takes_a_release_and_its_checksum(release_host, tmp_path):
    if os.uname().machine != "x86_64":
        pytest.skip("the archive's name here is that of x86_64")
    host, place = release_host

    def install(**inputs: str) -> subprocess.CompletedProcess:
        runner = Runner(tmp_path, host=host, **inputs)
        runner.steps = runner.steps[:1]
        return runner.run()[0]

    done = install()
    assert (done.returncode, done.stdout.strip()) == (0, run("--version").stdout.strip()), done.stderr

    other = install(version="9.9.9")
    assert other.returncode == 1
    assert f"::error::There is no marginalia-9.9.9-linux-x86_64.tar.gz at {host}/o/marginalia" in other.stderr
    absent = install(archive="no-such.tar.gz")
    assert (absent.returncode, absent.stderr) == (
        1, "::error::There is no file no-such.tar.gz: check the input archive.\n"
    )
    with release_archive(place).open("ab") as file:
        file.write(b"and more")
    altered = install()
    assert altered.returncode == 1 and "its checksum is another" in altered.stderr


# Testcontainers


def test_the_recipe_of_testcontainers_works_but_for_the_container(tmp_path, monkeypatch):
    """Without a daemon the container is the program itself, with what the recipe and the image set."""
    described = image.configuration("0.1.0", "x86_64", 0, [])["config"]

    class DockerContainer:
        def __init__(self, name: str):
            assert name == f"marginalia:{run('--version').stdout.strip()}"
            self.variables = dict(entry.split("=", 1) for entry in described["Env"] if "PATH" not in entry)

        def with_exposed_ports(self, port: int):
            assert f"{port}/tcp" in described["ExposedPorts"]

        def with_env(self, name: str, value: str):
            self.variables[name] = value

        def start(self):
            variables = self.variables
            token, store = variables.pop("MARGINALIA_ADMIN_TOKEN"), variables.pop("MARGINALIA_STORE")
            self.server = Server(store=store, token=token, environment=variables).start()

        def get_container_host_ip(self):
            return "127.0.0.1"

        def get_exposed_port(self, port: int):
            return self.server.port

        def __enter__(self):
            return self.start()

        def __exit__(self, *_):
            assert self.server.stop() == 0

    def wait_for_logs(container, text, timeout):
        assert any(text in line for line in container.server.lines)

    core = types.ModuleType("testcontainers.core")
    modules = {
        "testcontainers": types.ModuleType("testcontainers"),
        "testcontainers.core": core,
        "testcontainers.core.container": types.SimpleNamespace(DockerContainer=DockerContainer),
        "testcontainers.core.waiting_utils": types.SimpleNamespace(wait_for_logs=wait_for_logs),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    folder = ROOT / "Examples" / "testcontainers"
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "venue_container", raising=False)
    scope: dict = {}
    exec(compile((folder / "test_venue.py").read_text(), "test_venue.py", "exec"), scope)
    scope["test_the_venue_answers_as_okx_does"]()
