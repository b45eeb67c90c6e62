"""Rate limits: each venue's own while they are on, none with `--rate-limits off`."""

import venue_requests
from server import Server


def opened(server: Server, venue: str) -> dict:
    server.apply({"type": "open_account", "account": f"desk-{venue}", "venue": venue})
    return server.issue_key(f"desk-{venue}")


def statuses(count: int, call) -> list[int]:
    return [call().status for _ in range(count)]


def test_okx_ten_requests_in_two_seconds_per_user(server):
    key, other = opened(server, "okx"), None
    answers = [venue_requests.okx(server, key) for _ in range(14)]
    assert [answer.status for answer in answers[:10]] == [200] * 10
    assert 429 in [answer.status for answer in answers[10:]]
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.json["code"] == "50011"
    server.apply({"type": "open_account", "account": "other", "venue": "okx"})
    other = server.issue_key("other")
    assert venue_requests.okx(server, other).status == 200, "the limit is each user's own"


def test_crypto_com_three_requests_in_a_tenth_of_a_second(server):
    key = opened(server, "crypto-com")
    answers = [venue_requests.crypto_com(server, key) for _ in range(40)]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused and refused[0].json["code"] == 42901
    assert refused[0].json["method"] == "private/user-balance"


def test_binance_weights_are_counted_and_refused(server):
    key = opened(server, "binance")
    first = venue_requests.binance(server, key)
    assert int(first.headers["X-MBX-USED-WEIGHT-1M"]) == 5
    assert int(venue_requests.binance(server, key).headers["X-MBX-USED-WEIGHT-1M"]) == 10
    answers = [venue_requests.binance(server, key, "/fapi/v1/multiAssetsMargin") for _ in range(85)]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused, "2400 a minute: 80 calls of 30"
    assert refused[0].json["code"] == -1003
    assert int(refused[0].headers["Retry-After"]) >= 0


def test_rails_twenty_tokens_a_minute(server):
    key = opened(server, "rails")
    answers = statuses(24, lambda: venue_requests.rails_token(server, key))
    assert answers[:20] == [200] * 20
    assert set(answers[20:]) == {429}


def test_off_means_none(start):
    server = start("--rate-limits", "off")
    for venue in venue_requests.VENUES:
        key = opened(server, venue)
        assert set(statuses(60, lambda: venue_requests.balance(server, venue, key))) == {200}, venue
