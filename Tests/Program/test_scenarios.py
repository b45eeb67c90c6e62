"""Scenario files: applied at the start or with `marginalia apply`, and again without any effect."""

import json
import os

import pytest

import venue_requests
from server import Server, run

YAML = """\
name: two desks
accounts:
  - account: desk
    venue: okx
    settings: { mode: multi }
    keys:
      - { api_key: my-okx-key, secret: my-okx-secret, passphrase: my-pass, permissions: [read] }
  - { account: child, venue: okx, parent: desk }
  - account: rails-desk
    venue: rails
    keys: [{ api_key: my-rails-key, secret: my-rails-secret, permissions: [read] }]
prices:
  okx: { marks: { BTC-USDT-SWAP: "60000" }, index: { BTC: "60010", USDT: "1.0001" } }
commands:
  - { type: deposit, account: desk, asset: USDT, amount: "10000" }
  - { type: deposit, account: desk, asset: USDT, amount: "10000" }
  - { type: fill, account: desk, instrument: BTC-USDT-SWAP, side: buy, quantity: "5", price: "59000",
      fee: "1.5" }
  - { type: transfer, account: desk, to: child, asset: USDT, amount: 250.5 }
  - { type: deposit, account: rails-desk, asset: USD, amount: "77" }
"""
KEYS = {
    "okx": {"api_key": "my-okx-key", "secret": "my-okx-secret", "passphrase": "my-pass"},
    "rails": {"api_key": "my-rails-key", "secret": "my-rails-secret"},
}


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "desks.yaml").write_text(YAML)
    return str(tmp_path / "desks.yaml")


def assert_applied(server: Server) -> None:
    """What the scenario says, by hand: 2 × 10000 − 1.5 of fee − 250.5; both deposits count."""
    assert server.account("desk")["holdings"][0]["cash"] == "19748"
    assert server.account("child")["holdings"][0]["cash"] == "250.5"
    assert server.account("child")["parent"] == "desk"
    assert server.account("desk")["positions"][0]["quantity"] == "5"
    for venue, key in KEYS.items():
        assert venue_requests.balance(server, venue, key).status == 200


def test_applied_twice_is_applied_once(start, store, scenario):
    one = start("--scenario", scenario, "--scenario", scenario, store=store)
    assert_applied(one)
    before = one.everything()
    assert one.stop() == 0
    again = start("--scenario", scenario, store=store)
    assert again.everything() == before


def test_a_scenario_that_has_grown_applies_what_is_new(start, store, scenario):
    start("--scenario", scenario, store=store).stop()
    with open(scenario, "a") as file:
        file.write('  - { type: deposit, account: child, asset: USDT, amount: "1" }\n')
    again = start("--scenario", scenario, store=store)
    assert again.account("child")["holdings"][0]["cash"] == "251.5"
    assert again.account("desk")["holdings"][0]["cash"] == "19748"


def test_json_says_the_same_as_yaml(start, scenario, tmp_path):
    import yaml

    content = yaml.safe_load(YAML)
    content["commands"][3]["amount"] = "250.5"
    (tmp_path / "desks.json").write_text(json.dumps(content))
    from_yaml = start("--scenario", scenario, "--ledger-time", "2026-01-01")
    from_json = start("--scenario", str(tmp_path / "desks.json"), "--ledger-time", "2026-01-01")
    assert from_yaml.everything() == from_json.everything()
    assert_applied(from_json)


def test_a_refused_command_leaves_nothing_of_the_scenario(start, store, scenario):
    with open(scenario, "a") as file:
        file.write('  - { type: withdraw, account: child, asset: USDT, amount: "1000000" }\n')
    ended = run("serve", "--store", store, "--listen", "127.0.0.1:0", "--scenario", scenario)
    assert ended.returncode == 65, ended
    assert "desks.yaml" in ended.stderr and "line 21" in ended.stderr
    assert start(store=store).admin("GET", "/accounts").json["accounts"] == []


def test_apply_to_a_running_server(server, scenario):
    arguments = ("apply", scenario, "--url", server.url, "--token", server.token)
    for _ in range(2):
        ended = run(*arguments)
        assert ended.returncode == 0, ended
        assert_applied(server)
    assert isinstance(json.loads(run(*arguments, "--json").stdout), dict)


def test_apply_without_the_token_is_77_and_without_a_server_69(server, scenario):
    assert run("apply", scenario, "--url", server.url, "--token", "wrong").returncode == 77
    server.stop()
    assert run("apply", scenario, "--url", server.url, "--token", server.token).returncode == 69


def test_apply_of_a_broken_file_is_65(server, tmp_path):
    (tmp_path / "broken.yaml").write_text("accounts:\n  - { account: desk, venue: nyse }\n")
    ended = run("apply", str(tmp_path / "broken.yaml"), "--url", server.url, "--token", server.token)
    assert ended.returncode == 65, ended
    assert "broken.yaml" in ended.stderr
    assert server.admin("GET", "/accounts").json["accounts"] == []


def test_command_line_issues_lists_and_revokes_keys(server):
    server.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    common = ("--url", server.url, "--token", server.token, "--json")
    issued = run("keys", "issue", "desk", "--permission", "read", *common)
    assert issued.returncode == 0, issued
    key = json.loads(issued.stdout)
    assert venue_requests.okx(server, key).status == 200
    listed = run("keys", "list", "desk", *common)
    assert key["api_key"] in listed.stdout and key["secret"] not in listed.stdout
    assert run("keys", "revoke", "desk", key["api_key"], *common).returncode == 0
    assert venue_requests.okx(server, key).status == 401
    shown = run("accounts", "list", *common)
    assert [row["account"] for row in json.loads(shown.stdout)["accounts"]] == ["desk"]


def test_the_token_can_come_from_the_environment(server):
    server.apply({"type": "open_account", "account": "desk", "venue": "okx"})
    shown = run("accounts", "list", "--url", server.url, MARGINALIA_ADMIN_TOKEN=server.token)
    assert shown.returncode == 0, shown
    assert "desk" in shown.stdout
    assert server.token not in shown.stdout + shown.stderr
    assert "PATH" in os.environ
