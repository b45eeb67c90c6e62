"""Behind a proxy: whom allow-lists and limits by address go by."""

import pytest

import venue_requests
from server import run

OPEN = {"type": "open_account", "account": "desk", "venue": "okx"}
CLIENT = "198.51.100.7"


def balance(one, key, *forwarded: str):
    """An account's balance at OKX, as a proxy hands the request on."""
    headers = {"X-Forwarded-For": ", ".join(forwarded)} if forwarded else {}
    return venue_requests.okx(one, key, headers=headers)


@pytest.fixture
def key_of(start):
    def begin(*options: str, addresses=(CLIENT,)):
        one = start(*options)
        one.apply(OPEN)
        return one, one.issue_key("desk", ip_allowlist=list(addresses))

    return begin


def test_the_header_is_not_read_without_the_option(key_of):
    one, key = key_of()
    answer = balance(one, key, CLIENT)
    assert answer.status == 401 and b"127.0.0.1" in answer.body


def test_a_trusted_proxy_says_who_asks(key_of):
    one, key = key_of("--trusted-proxy", "127.0.0.1")
    assert balance(one, key, CLIENT).status == 200
    other = balance(one, key, "198.51.100.8")
    assert other.status == 401 and b"198.51.100.8" in other.body, "the venue names whom it saw"


@pytest.mark.parametrize(
    "forwarded, allowed",
    [
        ((CLIENT, "10.0.0.3"), True),
        ((CLIENT, "10.0.0.3", "10.9.9.9"), True),
        ((f"{CLIENT}:4711", "10.0.0.3"), True),
        # What a client wrote itself stands before what the proxy saw.
        ((CLIENT, "203.0.113.9"), False),
        ((CLIENT, "203.0.113.9", "10.0.0.3"), False),
        # No address, no client: the last that is known counts.
        ((CLIENT, "unknown"), False),
        ((CLIENT, ""), False),
        ((CLIENT, "10.0.0.0/8"), False),
        ((), False),
    ],
)
def test_the_last_stranger_on_the_way_counts(key_of, forwarded, allowed):
    one, key = key_of("--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/8")
    assert balance(one, key, *forwarded).status == (200 if allowed else 401)


def test_ipv6_and_the_environment(start):
    one = start(environment={"MARGINALIA_TRUSTED_PROXY": "127.0.0.1,2001:db8::/32"})
    one.apply(OPEN)
    key = one.issue_key("desk", ip_allowlist=["2001:db9::1"])
    assert balance(one, key, "[2001:db9::1]:443", "2001:db8::5").status == 200


@pytest.mark.parametrize("value", ["proxy.example", "10.0.0.0/99", ""])
def test_what_is_no_address_is_refused_at_the_start(value, tmp_path):
    done = run("serve", "--store", "memory:", "--trusted-proxy", value, folder=tmp_path)
    assert done.returncode == 64 and "--trusted-proxy: must be an address or a network" in done.stderr
