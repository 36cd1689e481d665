"""L6: accept, decline, ask, ask for more time; with htmx and by plain form post."""

from __future__ import annotations

import pytest

from portico.records.decision import Decision
from portico.records.message import Message
from tests.cast import BEA, MARIT, OLAF, token_of

YES = {"name": "Marit Solberg", "revision": "1", "po_number": "PO-77", "note": "Before Easter"}
NO = {"name": "Marit Solberg", "revision": "1", "reason": "Too dear"}


def test_the_outsider_answers_nothing(both, subtests):
    quote, _link = both.acme.quote()
    guesses = "A" * 43, token_of(both.bolt.quote(BEA)[1])
    before = both.acme.dump()
    mallory = both.visitor("198.51.100.66")
    form = YES | {"question": "?", "wish": "?"}
    for action in ("accept", "decline", "ask", "more-time", "end"):
        with subtests.test(action):
            for guess in guesses:
                url = f"{both.acme.public_url}/i/{guess}/{action}"
                assert mallory.post(url, form).status == 404
            assert both.acme.dump() == before
            assert both.acme.read(quote).state == "sent"


def test_accept_by_plain_form_leads_to_the_receipt(both):
    quote, link = both.acme.quote()
    answer = both.visitor().post(f"{link}/accept", YES)
    assert (answer.status, answer.location) == (303, f"{link}#decision")
    page = both.visitor().get(link)
    assert "Thank you. Your acceptance is recorded." in page.text
    for expected in ("Marit Solberg", "PO-77", "Before Easter", "We order the oak today"):
        assert expected in page.text
    assert not [action for action in page.forms() if action.endswith(("/accept", "/decline"))]
    assert both.acme.read(quote).state == "accepted"


def test_accept_by_htmx_brings_the_receipt_in_place(both):
    quote, link = both.acme.quote()
    answer = both.visitor().post(f"{link}/accept", YES, htmx=True)
    assert answer.status == 200
    assert "Thank you. Your acceptance is recorded." in answer.text
    assert both.acme.read(quote).state == "accepted"


@pytest.mark.parametrize("htmx", [False, True])
def test_decline_takes_a_reason(both, htmx):
    quote, link = both.acme.quote()
    answer = both.visitor().post(f"{link}/decline", NO, htmx=htmx)
    assert answer.status == (200 if htmx else 303)
    assert "Too dear" in both.visitor().get(link).text
    assert both.acme.read(quote).state == "declined"


def test_decline_needs_neither_name_nor_reason(both):
    quote, link = both.acme.quote()
    assert both.visitor().post(f"{link}/decline", {"revision": "1"}).status == 303
    assert both.acme.rows(Decision)[0].signatory == MARIT.name
    assert both.acme.read(quote).state == "declined"


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u200b\u200b"])
def test_accept_needs_a_name(both, name):
    quote, link = both.acme.quote()
    before = both.acme.dump()
    answer = both.visitor().post(f"{link}/accept", YES | {"name": name})
    assert answer.status == 422
    assert "Please fill this in" in answer.text
    assert answer.tree.find(".//input[@id='f-po_number']").get("value") == "PO-77"
    assert both.acme.dump() == before
    assert both.acme.read(quote).state == "sent"


@pytest.mark.parametrize("htmx", [False, True])
def test_a_question_reaches_staff_and_the_conversation(both, htmx):
    _quote, link = both.acme.quote()
    asked = both.visitor().post(f"{link}/ask", {"question": "Is the oak <oiled>?"}, htmx=htmx)
    assert asked.status == (200 if htmx else 303)
    shown = asked if htmx else both.visitor().get(asked.location)
    assert "Your question is on its way" in shown.text
    assert "Is the oak <oiled>?" in both.visitor().get(link).text
    both.deliver()
    (letter,) = both.letters_to("office@halden.example")
    assert "Is the oak <oiled>?" in letter.message.get_body(("plain",)).get_content()
    assert letter.message["Reply-To"]


def test_a_second_click_asks_nothing_anew_and_later_it_is_asked_again(both, clock):
    _quote, link = both.acme.quote()
    page = both.visitor().get(link)
    for seconds in (0, 5, 90):
        clock.advance(seconds=seconds)
        asked = both.visitor().fill_in(page, {"question": "Is the oak oiled?"}, form="/ask")
        assert asked.status == 303
    assert [one.body for one in both.acme.rows(Message)] == ["Is the oak oiled?"] * 2
    assert len([one for one in both.acme.mails() if one.kind == "question_staff"]) == 2


def test_more_time_can_be_asked_for_on_an_expiring_and_on_an_expired_quote(both, clock):
    quote = both.acme.document(MARIT)
    link = both.acme.mailed(quote, MARIT, hours=24 * 60)
    assert not any("more-time" in action for action in both.visitor().get(link).forms())
    for days in (13, 5):
        clock.advance(days=days)
        assert any("more-time" in action for action in both.visitor().get(link).forms())
        asked = both.visitor().post(f"{link}/more-time", {"wish": "Until May"})
        assert asked.status == 303
    assert [one.topic for one in both.acme.rows(Message)] == ["more_time", "more_time"]
    both.deliver()
    assert len(both.letters_to("office@halden.example")) == 2


def test_more_time_is_not_asked_for_where_nothing_waits(both):
    _quote, link = both.acme.quote()
    both.visitor().post(f"{link}/accept", YES)
    before = both.acme.dump()
    assert both.visitor().post(f"{link}/more-time", {"wish": "May"}).status == 409
    assert both.acme.dump() == before


GETS = ["", "/pdf", "/receipt", "/files/1", "/settings", "/end", "/accept", "/decline", "/ask",
        "/more-time", "/request-access", "/send-again", "?open=decline", "?done=asked"]  # fmt: skip


def test_get_and_head_never_change_anything(both, subtests):
    """Mail scanners open every link: the whole database is the same before and after."""
    quote, link = both.acme.quote()
    decided = both.acme.mailed(both.acme.document(OLAF, external_id="o-1"), OLAF)
    both.visitor().post(f"{decided}/accept", {"name": "Olaf", "revision": "1"})
    visitor = both.visitor(User_Agent="Barracuda Sentinel")
    before = both.acme.dump()
    for path in GETS:
        with subtests.test(path):
            for url in (link, decided):
                for answer in (
                    visitor.get(url + path),
                    visitor.head(url + path),
                    visitor.get(url + path, htmx=True),
                ):
                    assert answer.status != 429
            assert both.acme.dump() == before
            assert both.acme.read(quote).state == "sent"


@pytest.mark.parametrize("path", ["accept", "decline", "ask", "more-time", "request-access"])
def test_the_address_of_a_form_leads_back_to_the_page(stage, path):
    _quote, link = stage.acme.quote()
    answer = stage.visitor().get(f"{link}/{path}")
    assert (answer.status, answer.location) == (303, link)


def test_nothing_is_mailed_inside_the_request_that_decides(both):
    _quote, link = both.acme.quote()
    before = len(both.inbox.messages)
    both.visitor().post(f"{link}/accept", YES)
    assert len(both.inbox.messages) == before
    assert [mail.state for mail in both.acme.mails()[1:]] == ["queued", "queued"]


def test_a_part_is_what_stands_in_the_page(stage):
    _quote, link = stage.acme.quote()
    part = stage.visitor().get(link, htmx=True)
    page = stage.visitor().get(link)
    aside = page.tree.find(".//aside[@id='decision']")
    assert part.tree.find(".//aside[@id='decision']") is not None
    assert " ".join(aside.text_content().split()) in part.text
