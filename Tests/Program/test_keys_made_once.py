"""What a scenario has set up once is not redone by applying it again, and it says what it leaves."""

import json
import time

import pytest

import venue_requests
from server import Server, run

YAML = """\
accounts:
  - account: desk
    venue: okx
    settings: { mode: multi, auto_borrow: false }
    keys:
      - { api_key: my-okx-key, secret: my-okx-secret, passphrase: my-pass, permissions: [read] }
  - account: other
    venue: okx
prices:
  okx: { marks: { BTC-USDT-SWAP: "60000" }, index: { BTC: "60010", USDT: "1" } }
commands:
  - { type: deposit, account: desk, asset: USDT, amount: "10000" }
"""
KEY = {"api_key": "my-okx-key", "secret": "my-okx-secret", "passphrase": "my-pass"}


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "desk.yaml").write_text(YAML)
    return tmp_path / "desk.yaml"


def status(server: Server, key: dict = KEY) -> int:
    return venue_requests.okx(server, key).status


def revoke(server: Server, account: str = "desk", key: str = "my-okx-key") -> None:
    assert server.admin("DELETE", f"/accounts/{account}/keys/{key}").status == 204


def left(server: Server, count: int = 0) -> list[str]:
    """What the log says of things that a scenario leaves as they are; waits for so many lines of it, for the
    log is written behind what is done."""
    end = time.monotonic() + 10
    while True:
        lines = [line for line in server.log if "leaves something as it is" in line]
        if len(lines) >= count or time.monotonic() > end:
            return lines
        time.sleep(0.02)


@pytest.mark.parametrize("ends", ["stop", "kill"])
def test_a_revoked_key_of_a_scenario_stays_revoked(store, scenario, ends):
    one = Server("--scenario", str(scenario), store=store).start()
    assert status(one) == 200
    assert not left(one)
    revoke(one)
    assert status(one) == 401
    getattr(one, ends)()
    with Server("--scenario", str(scenario), store=store) as again:
        assert status(again) == 401
        assert again.admin("GET", "/accounts/desk/keys").json["keys"] == []
        assert len(left(again, 1)) == 1 and "accounts[0].keys[0]" in left(again, 1)[0], again.log
        assert "revoked" in left(again, 1)[0] and "my-okx-secret" not in left(again, 1)[0]


def test_a_revoked_key_of_the_demonstration_stays_revoked(store):
    key = {"api_key": "demo-okx-key", "secret": "demo-okx-secret", "passphrase": "demo-okx-passphrase"}
    one = Server("--demo", store=store).start()
    assert status(one, key) == 200
    revoke(one, "demo-okx", "demo-okx-key")
    assert one.stop() == 0
    for _ in range(2):
        with Server("--demo", store=store) as again:
            assert status(again, key) == 401
            assert venue_requests.binance(
                again, {"api_key": "demo-binance-key", "secret": "demo-binance-secret"}
            ).status == 200


def test_apply_revives_no_key_either(server, scenario):
    arguments = ("apply", str(scenario), "--url", server.url, "--token", server.token)
    assert run(*arguments).returncode == 0
    assert status(server) == 200
    revoke(server)
    ended = run(*arguments, "--json")
    assert ended.returncode == 0, ended
    assert status(server) == 401
    assert "desk.yaml, line 6, accounts[0].keys[0]: the key was revoked" in ended.stderr
    assert len(json.loads(ended.stdout)["left"]) == 1


def test_what_the_operator_has_made_of_a_key_stays(store, scenario):
    """Revoked, and made again with another secret: the scenario's own is not put back, nor does it fail."""
    one = Server("--scenario", str(scenario), store=store).start()
    revoke(one)
    one.issue_key("desk", **(KEY | {"secret": "another-fake-secret"}))
    assert one.stop() == 0
    with Server("--scenario", str(scenario), store=store) as again:
        assert status(again) == 401
        assert status(again, KEY | {"secret": "another-fake-secret"}) == 200
        assert "other content" in left(again, 1)[0]


@pytest.mark.parametrize(
    "change",
    [
        ("secret: my-okx-secret", "secret: changed-fake-secret"),
        ("permissions: [read]", "permissions: [read, trade]"),
        ("passphrase: my-pass", "passphrase: changed-pass"),
    ],
)
def test_a_changed_key_is_left_and_said(store, scenario, change):
    with Server("--scenario", str(scenario), store=store) as one:
        before = one.admin("GET", "/accounts/desk/keys").body
    scenario.write_text(YAML.replace(*change))
    with Server("--scenario", str(scenario), store=store) as again:
        assert status(again) == 200
        assert again.admin("GET", "/accounts/desk/keys").body == before
        assert "accounts[0].keys[0]" in left(again, 1)[0] and "other content" in left(again, 1)[0]


def test_a_key_that_the_operator_gave_to_another_account_stays_there(store, scenario):
    one = Server("--scenario", str(scenario), store=store).start()
    revoke(one)
    one.issue_key("other", **KEY)
    assert one.stop() == 0
    with Server("--scenario", str(scenario), store=store) as again:
        assert again.admin("GET", "/accounts/desk/keys").json["keys"] == []
        assert len(again.admin("GET", "/accounts/other/keys").json["keys"]) == 1
        assert "accounts[0].keys[0]" in left(again, 1)[0]


def test_a_key_that_the_file_gives_to_another_account_is_an_error(store, scenario):
    Server("--scenario", str(scenario), store=store).start().stop()
    keys = YAML[YAML.index("    keys:") : YAML.index("  - account: other")]
    scenario.write_text(YAML.replace(keys, "").replace("prices:", keys + "prices:"))
    ended = run("serve", "--store", store, "--listen", "127.0.0.1:0", "--scenario", str(scenario))
    assert ended.returncode == 65 and "accounts[1].keys[0].api_key" in ended.stderr, ended


def test_a_key_that_another_account_was_given_by_hand_is_an_error(store, scenario):
    with Server(store=store) as one:
        one.apply({"type": "open_account", "account": "mine", "venue": "okx"})
        one.issue_key("mine", **KEY)
    ended = run("serve", "--store", store, "--listen", "127.0.0.1:0", "--scenario", str(scenario))
    assert ended.returncode == 65 and "accounts[0].keys[0].api_key" in ended.stderr, ended
    with Server(store=store) as again:
        assert [row["account"] for row in again.admin("GET", "/accounts").json["accounts"]] == ["mine"]


def test_a_new_key_of_a_scenario_that_has_grown_is_made(store, scenario):
    one = Server("--scenario", str(scenario), store=store).start()
    revoke(one)
    assert one.stop() == 0
    more = "    keys: [{ api_key: second-key, secret: second-secret, passphrase: second-pass }]\n"
    scenario.write_text(YAML.replace("prices:", more + "prices:"))
    with Server("--scenario", str(scenario), store=store) as again:
        key = {"api_key": "second-key", "secret": "second-secret", "passphrase": "second-pass"}
        assert status(again, key) == 200
        assert status(again) == 401


def test_settings_and_prices_that_the_operator_has_changed_stay(store, scenario):
    one = Server("--scenario", str(scenario), store=store).start()
    one.apply(
        {"type": "configure", "account": "desk", "settings": {"auto_borrow": True}},
        {"type": "prices", "venue": "okx", "marks": {"BTC-USDT-SWAP": "70000"}},
    )
    before = one.everything(), one.statement("desk")
    one.kill()
    with Server("--scenario", str(scenario), store=store) as again:
        assert again.account("desk")["settings"]["auto_borrow"] is True
        assert again.everything() == before[0]
        assert "accounts[0].settings.auto_borrow" in left(again, 1)[0]


def test_a_passphrase_where_the_venue_has_none_leaves_nothing_of_the_scenario(store, tmp_path):
    file = tmp_path / "odd.yaml"
    file.write_text(
        "accounts:\n  - account: a\n    venue: rails\n"
        "    keys: [{ api_key: odd-key, secret: odd-secret, passphrase: odd-pass }]\n"
    )
    ended = run("serve", "--store", store, "--listen", "127.0.0.1:0", "--scenario", str(file))
    assert ended.returncode == 65 and "accounts[0].keys[0].passphrase" in ended.stderr, ended
    with Server(store=store) as after:
        assert after.admin("GET", "/accounts").json["accounts"] == []
