from venue_container import VenueContainer

DESK = [
    {"type": "open_account", "account": "desk", "venue": "okx"},
    {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000"},
    {"type": "prices", "venue": "okx", "index": {"USDT": "1"}},
]


def test_the_venue_answers_as_okx_does():
    with VenueContainer(clock="2026-01-01T00:00:00Z") as venue:
        results = venue.call("POST", "/commands?atomic=true", DESK)["results"]
        assert [row["status"] for row in results] == ["applied"] * 3
        (account,) = venue.call("GET", "/accounts/desk/statement")["data"]
        assert account["totalEq"] == "10000"
