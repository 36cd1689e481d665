"""L11: the customer ends a link, after a confirmation."""

from __future__ import annotations

from tests.cast import MARIT, OLAF


def test_the_outsider_ends_nothing(both):
    _quote, link = both.acme.quote()
    before = both.acme.dump()
    assert both.visitor().post(f"{both.acme.public_url}/i/{'A' * 43}/end").status == 404
    foreign = both.visitor().post(
        f"{link}/end", Origin="https://mallory.example", Sec_Fetch_Site="cross-site"
    )
    assert foreign.status == 403
    assert both.acme.dump() == before


def test_it_is_asked_before_it_is_done(both):
    _quote, link = both.acme.quote()
    before = both.acme.dump()
    page = both.visitor().get(f"{link}/end")
    assert page.heading == "End access to this link?"
    assert both.acme.dump() == before
    assert both.visitor().get(link).status == 200


def test_an_ended_link_opens_nothing_and_is_not_renewed(both, clock):
    _quote, link = both.acme.quote()
    assert both.visitor().post(f"{link}/end").heading == "Access ended"
    assert both.visitor().get(link).status == 404
    assert both.visitor().post(f"{link}/end").status == 404
    clock.advance(hours=25)
    assert both.visitor().get(link).status == 404
    assert both.visitor().post(f"{link}/request-access").status == 404


def test_ending_one_link_leaves_the_others(both):
    quote, link = both.acme.quote()
    other = both.acme.mailed(quote, MARIT)
    olafs = both.acme.mailed(both.acme.document(OLAF, external_id="o"), OLAF)
    both.visitor().post(f"{link}/end")
    assert both.visitor().get(other).status == both.visitor().get(olafs).status == 200


def test_what_was_decided_stays_decided(both):
    quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", {"name": "Marit", "revision": "1"})
    both.visitor().post(f"{link}/end")
    assert both.acme.read(quote).state == "accepted"
