"""L12: how often, counted by tenant, address and link; and where forms come from."""

from __future__ import annotations

import pytest

from tests.cast import BEA, MARIT, OLAF

GUESS = "A" * 43


@pytest.fixture(params=["sqlite", "redis"])
def counted(request, raise_curtain):
    """Counting in a file, and in Redis (which counts by the real clock)."""
    if request.param == "sqlite":
        request.getfixturevalue("clock")
        return raise_curtain()
    return raise_curtain(PORTICO_LIMITS_URL=request.getfixturevalue("redis_url"))


def _statuses(count, ask):
    found = [ask().status for _ in range(count)]
    return {status: found.count(status) for status in found}, found[-1]


def test_the_outsider_guesses_thirty_times_a_minute(counted):
    _quote, link = counted.acme.quote()
    mallory = counted.visitor("198.51.100.66")
    guess = f"{counted.acme.public_url}/i/{GUESS}"
    assert _statuses(31, lambda: mallory.get(guess)) == ({404: 30, 429: 1}, 429)
    refused = mallory.get(guess)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "too many requests" in refused.text
    assert mallory.get(link).status == 200
    assert counted.visitor("198.51.100.67").get(guess).status == 404


def test_a_minute_later_guessing_may_go_on(stage, clock):
    mallory = stage.visitor("198.51.100.66")
    guess = f"{stage.acme.public_url}/i/{GUESS}"
    for _ in range(31):
        last = mallory.get(guess)
    assert last.status == 429
    clock.advance(seconds=61)
    assert mallory.get(guess).status == 404


def test_other_guesses_and_other_forms_share_one_count(stage):
    mallory = stage.visitor("198.51.100.66")
    base = stage.acme.public_url
    for number in range(30):
        guess = f"{number:043}"
        path = ("/i/", "/portal/")[number % 2] + guess + ("", "/pdf", "/end")[number % 3]
        assert mallory.get(base + path).status == 404
    assert mallory.get(f"{base}/i/short").status == 429
    assert mallory.post(f"{base}/i/{GUESS}/accept", {"name": "M"}).status == 429


def test_guesses_at_two_tenants_are_counted_apart(stage):
    mallory = stage.visitor("198.51.100.66")
    for _ in range(31):
        last = mallory.get(f"{stage.acme.public_url}/i/{GUESS}")
    assert last.status == 429
    assert mallory.get(f"{stage.bolt.public_url}/i/{GUESS}").status == 404


def test_quote_links_have_a_bucket_of_their_own(stage):
    mallory = stage.visitor("198.51.100.66")
    base = stage.acme.public_url
    assert _statuses(31, lambda: mallory.get(f"{base}/i/{GUESS}"))[1] == 429
    assert _statuses(31, lambda: mallory.get(f"{base}/q/{GUESS}")) == ({404: 30, 429: 1}, 429)


def test_one_link_is_read_120_times_a_minute_from_one_address(counted):
    _quote, link = counted.acme.quote()
    visitor = counted.visitor()
    assert _statuses(121, lambda: visitor.head(link)) == ({200: 120, 429: 1}, 429)
    other = counted.acme.mailed(counted.acme.document(OLAF, external_id="o"), OLAF)
    assert visitor.get(other).status == 200
    assert counted.visitor("203.0.113.8").get(link).status == 200


def test_one_address_reads_600_pages_a_minute(stage):
    quote = stage.acme.document(MARIT)
    links = [stage.acme.copy(quote) for _ in range(6)]
    visitor = stage.visitor()
    for link in links:
        assert _statuses(100, lambda link=link: visitor.head(link)) == ({200: 100}, 200)
    assert visitor.get(links[0]).status == 429
    assert stage.visitor("203.0.113.8").get(links[0]).status == 200
    bolts = stage.bolt.copy(stage.bolt.document(BEA))
    assert visitor.get(bolts).status == 200


def test_fifty_customers_behind_one_address_all_get_in(stage):
    quote = stage.acme.document(MARIT)
    links = [stage.acme.copy(quote) for _ in range(50)]
    visitor = stage.visitor()
    assert {visitor.get(link).status for link in links for _ in range(10)} == {200}


def test_neighbours_of_a_guesser_still_get_in(stage):
    _quote, link = stage.acme.quote()
    visitor = stage.visitor()
    for _ in range(40):
        visitor.get(f"{stage.acme.public_url}/i/{GUESS}")
    assert visitor.get(link).status == 200


def test_a_link_is_renewed_five_times_an_hour_from_wherever(stage, clock):
    _quote, link = stage.acme.quote()
    clock.advance(hours=24)
    for number in range(5):
        visitor = stage.visitor(f"203.0.113.{number}")
        path = "send-again" if number % 2 else "request-access"
        assert visitor.post(f"{link}/{path}").status == 200
    before = stage.acme.dump()
    refused = stage.visitor("203.0.113.200").post(f"{link}/request-access")
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 60
    assert stage.acme.dump() == before
    clock.advance(hours=1)
    assert stage.visitor().post(f"{link}/request-access").status == 200


def test_an_address_renews_thirty_links_an_hour(stage, clock):
    quote = stage.acme.document(MARIT)
    links = []
    for _ in range(7):
        links.append(stage.acme.mailed(quote, MARIT))
    clock.advance(hours=24)
    visitor = stage.visitor()
    for link in links[:6]:
        assert _statuses(5, lambda link=link: visitor.post(f"{link}/request-access"))[1] == 200
    assert visitor.post(f"{links[6]}/request-access").status == 429
    assert stage.visitor("203.0.113.8").post(f"{links[6]}/request-access").status == 200


def test_twenty_messages_an_hour_reach_the_team_through_one_link(both, clock):
    _quote, link = both.acme.quote()
    for number in range(20):
        visitor = both.visitor(f"203.0.113.{number}")
        assert visitor.post(f"{link}/ask", {"question": f"Question {number}"}).status == 303
    before = both.acme.dump()
    refused = both.visitor("203.0.113.99").post(f"{link}/ask", {"question": "One more"})
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 60
    assert both.acme.dump() == before
    assert both.visitor().get(link).status == 200
    clock.advance(hours=1, seconds=1)
    assert both.visitor().post(f"{link}/ask", {"question": "One more"}).status == 303


def test_a_visitor_of_ipv6_is_counted_by_the_network_they_own(stage):
    for number in range(30):
        stage.visitor(f"2001:db8:1:2::{number:x}").get(f"{stage.acme.public_url}/i/{GUESS}")
    again = stage.visitor("2001:db8:1:2:ffff::1").get(f"{stage.acme.public_url}/i/{GUESS}")
    other = stage.visitor("2001:db8:1:3::1").get(f"{stage.acme.public_url}/i/{GUESS}")
    assert (again.status, other.status) == (429, 404)


def test_a_claimed_address_is_not_believed_without_a_proxy(stage):
    for number in range(31):
        mallory = stage.visitor("198.51.100.66", X_Forwarded_For=f"203.0.113.{number}")
        last = mallory.get(f"{stage.acme.public_url}/i/{GUESS}")
    assert last.status == 429


def test_behind_one_proxy_the_last_word_is_the_proxys(raise_curtain, clock):
    stage = raise_curtain(PORTICO_PROXY_HOPS="1")
    guess = f"{stage.acme.public_url}/i/{GUESS}"
    for number in range(31):
        claimed = f"198.51.100.{number}, 203.0.113.9"
        last = stage.visitor("10.0.0.1", X_Forwarded_For=claimed).get(guess)
    assert last.status == 429
    assert stage.visitor("10.0.0.1", X_Forwarded_For="203.0.113.10").get(guess).status == 404


# --- where forms come from -------------------------------------------------------------------

FORM = {"name": "Marit", "revision": "1"}
FOREIGN: dict[str, dict[str, str | None]] = {
    "another site": {"Origin": "https://mallory.example", "Sec_Fetch_Site": "cross-site"},
    "another site, older browser": {"Origin": "https://mallory.example", "Sec_Fetch_Site": None},
    "a neighbour's sub-domain": {"Origin": "https://x.portal.example", "Sec_Fetch_Site": "same-site"},
    "no origin at all": {"Origin": None, "Sec_Fetch_Site": None},
    "a sandboxed frame": {"Origin": "null", "Sec_Fetch_Site": None},
    "typed into the address bar": {"Origin": None, "Sec_Fetch_Site": "none"},
    "another port": {"Origin": "https://acme.portal.example:8443", "Sec_Fetch_Site": None},
    "without encryption": {"Origin": "http://acme.portal.example", "Sec_Fetch_Site": None},
    "a longer host": {"Origin": "https://acme.portal.example.mallory.example", "Sec_Fetch_Site": None},
    "an origin that agrees and a browser that does not": {"Sec_Fetch_Site": "cross-site"},
}  # fmt: skip


@pytest.mark.parametrize("action", ["accept", "ask", "end"])
def test_a_form_from_elsewhere_changes_nothing(stage, subtests, action):
    _quote, link = stage.acme.quote()
    before = stage.acme.dump()
    for whence, headers in FOREIGN.items():
        with subtests.test(whence):
            form = FORM | {"question": "?"}
            answer = stage.visitor().post(f"{link}/{action}", form, **headers)
            assert answer.status == 403
            assert "nothing was changed" in answer.text
            assert stage.acme.dump() == before


@pytest.mark.parametrize(
    "own",
    [
        {"Origin": None, "Sec_Fetch_Site": "same-origin"},
        {"Origin": "https://acme.portal.example", "Sec_Fetch_Site": None},
    ],
)
def test_either_header_of_our_own_is_enough(stage, own):
    quote, link = stage.acme.quote()
    assert stage.visitor().post(f"{link}/accept", FORM, **own).status == 303
    assert stage.acme.read(quote).state == "accepted"


def test_a_form_does_not_time_out(stage, clock):
    quote = stage.acme.document(MARIT)
    link = stage.acme.mailed(quote, MARIT, hours=24 * 12)
    page = stage.visitor().get(link)
    action = next(one for one in page.forms() if one.endswith("/accept"))
    clock.advance(days=11)
    posted = stage.visitor().post(stage.acme.public_url + action, FORM | page.forms()[action])
    assert posted.status == 303
