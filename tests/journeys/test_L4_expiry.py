"""L4: how long a link lives, what is said when it ended, and how a fresh one is had."""

from __future__ import annotations

import datetime as dt

import pytest

from portico.records.account import PortalAccount
from portico.records.content import Kind
from portico.services import accounts, customers, documents, links, team
from tests.cast import MARIT, OLAF, token_of

MALLORY = "mallory@elsewhere.example"


def _expired(stage):
    quote, link = stage.acme.quote()
    stage.clock.advance(hours=24)
    return quote, link


@pytest.fixture
def both(both, clock):
    both.clock = clock
    return both


@pytest.fixture
def stage(stage, clock):
    stage.clock = clock
    return stage


def test_the_outsider_gets_no_fresh_link_by_typing_an_address(both):
    _quote, link = _expired(both)
    before = len(both.inbox.messages)
    asked = both.visitor().post(
        f"{link}/request-access", {"email": MALLORY, "to": MALLORY, "contact": "2"}
    )
    assert asked.status == 200
    both.deliver()
    fresh = both.inbox.messages[before:]
    assert [letter.recipients for letter in fresh] == [[MARIT.email]]
    assert both.visitor().get(both.link_to(MARIT)).status == 200


# --- how long ----------------------------------------------------------------------------------


def test_a_mailed_link_lives_a_day_from_delivery(both):
    _quote, link = both.acme.quote()
    both.clock.advance(hours=23, minutes=59, seconds=59)
    assert both.visitor().get(link).status == 200
    both.clock.advance(seconds=1)
    assert both.visitor().get(link).status == 410


def test_a_copied_link_lives_a_day_from_its_making(both):
    link = both.acme.copy(both.acme.document(MARIT))
    both.clock.advance(hours=23, minutes=59)
    assert both.visitor().get(link).status == 200
    both.clock.advance(minutes=1)
    assert both.visitor().get(link).status == 410


def test_a_worker_that_slept_for_three_days_takes_nothing_from_the_links_life(both):
    quote = both.acme.document(MARIT)
    both.acme.send(quote, MARIT)
    both.clock.advance(days=3)
    both.deliver()
    link = both.link_to(MARIT)
    both.clock.advance(hours=23)
    assert both.visitor().get(link).status == 200
    both.clock.advance(hours=1)
    assert both.visitor().get(link).status == 410


def test_a_mail_server_that_was_down_takes_nothing_from_the_links_life(both):
    quote = both.acme.document(MARIT)
    both.acme.send(quote, MARIT)
    both.inbox.go_down()
    for _ in range(20):
        both.deliver()
        both.clock.advance(hours=1)
    assert both.acme.mails()[0].state == "queued"
    both.inbox.behave()
    both.clock.advance(hours=5)
    both.deliver()
    link = both.link_to(MARIT)
    both.clock.advance(hours=23)
    assert both.visitor().get(link).status == 200
    both.clock.advance(hours=1)
    assert both.visitor().get(link).status == 410


def test_after_three_days_without_a_mail_server_the_mail_has_failed_and_can_be_sent_again(both):
    quote = both.acme.document(MARIT)
    both.acme.send(quote, MARIT)
    both.inbox.go_down()
    for _ in range(72):
        both.deliver()
        both.clock.advance(hours=1)
    (mail,) = both.acme.mails()
    assert mail.state == "failed"
    assert "could not be used" in mail.error
    both.inbox.behave()
    listed = both.command("mail", "list")
    assert f"{mail.id}\tdocument_sent" in listed.output
    assert "failed" in listed.output
    assert both.command("mail", "resend", str(mail.id)).exit_code == 0
    both.deliver()
    assert both.command("mail", "list").output == ""
    link = both.link_to(MARIT)
    both.clock.advance(hours=23)
    assert both.visitor().get(link).status == 200
    both.clock.advance(hours=1)
    assert both.visitor().get(link).status == 410


def test_each_kind_of_document_may_have_its_own_hours(both):
    with both.acme.scope():
        team.set_link_lifetime("halden", Kind.INVOICE, 72, until_validity=False)
    invoice = both.acme.mailed(both.acme.document(MARIT, Kind.INVOICE), MARIT)
    quote = both.acme.mailed(both.acme.document(MARIT), MARIT)
    both.clock.advance(hours=71)
    assert both.visitor().get(invoice).status == 200
    assert both.visitor().get(quote).status == 410
    both.clock.advance(hours=1)
    assert both.visitor().get(invoice).status == 410


def test_one_organizations_hours_are_not_anothers(both):
    with both.acme.scope():
        team.set_link_lifetime("brightwater", Kind.QUOTE, 72, until_validity=False)
    _quote, link = both.acme.quote()
    both.clock.advance(hours=24)
    assert both.visitor().get(link).status == 410


def test_a_link_may_live_as_long_as_its_quote(both):
    with both.acme.scope():
        team.set_link_lifetime("halden", Kind.QUOTE, 24, until_validity=True)
    _quote, link = both.acme.quote()
    both.clock.set(2026, 11, 26, 22, 59, 59)  # one second before midnight in Oslo
    assert both.visitor().get(link).status == 200
    both.clock.advance(seconds=1)
    assert both.visitor().get(link).status == 410


def test_a_link_sent_after_the_quotes_last_day_still_lives_its_hours(both):
    with both.acme.scope():
        team.set_link_lifetime("halden", Kind.QUOTE, 24, until_validity=True)
    quote = both.acme.document(MARIT, valid_until=dt.date(2026, 11, 1))
    link = both.acme.mailed(quote, MARIT)
    both.clock.advance(hours=23)
    assert both.visitor().get(link).status == 200


@pytest.mark.parametrize("hours", [0, -1, 24 * 366 + 1])
def test_a_life_has_bounds(stage, hours):
    quote = stage.acme.document(MARIT)
    before = stage.acme.dump()
    told = stage.command("document", "link", "halden", "quote", "Q-2041", "--hours", str(hours))
    assert told.exit_code != 0
    assert stage.acme.dump() == before
    assert quote


# --- what an expired link says -----------------------------------------------------------------


def test_an_expired_page_names_no_data_of_the_document(both):
    _quote, link = _expired(both)
    page = both.visitor().get(link)
    assert page.status == 410
    assert page.heading == "Link expired"
    for secret in ("Q-2041", "Fjordhus", "Marit", "marit@", "6,227", "uote", "floor", "Nov"):
        assert secret not in page.source


@pytest.mark.parametrize("path", ["/pdf", "/receipt", "/files/1", "/settings", "/end", "/accept"])
def test_nothing_behind_an_expired_link_is_shown(both, path):
    _quote, link = _expired(both)
    page = both.visitor().get(link + path)
    assert page.status == 410
    assert page.heading == "Link expired"


@pytest.mark.parametrize("path", ["/accept", "/decline", "/ask", "/more-time", "/end"])
def test_nothing_behind_an_expired_link_is_done(both, path):
    _quote, link = _expired(both)
    before = both.acme.dump()
    form = {"name": "Marit", "revision": "1", "question": "When?", "wish": "May"}
    assert both.visitor().post(link + path, form).status == 410
    assert both.acme.dump() == before


def test_a_part_of_an_expired_page_leads_to_the_whole(stage):
    _quote, link = _expired(stage)
    answer = stage.visitor().post(f"{link}/accept", {"name": "M", "revision": "1"}, htmx=True)
    assert answer.headers["HX-Redirect"].endswith(f"/i/{token_of(link)}")
    assert answer.data == b""


def test_request_access_is_on_the_expired_page_and_send_again_on_the_next(stage):
    _quote, link = _expired(stage)
    expired = stage.visitor().get(link)
    assert [action.rpartition("/")[2] for action in expired.forms()] == ["request-access"]
    asked = stage.visitor().post(f"{link}/request-access")
    assert [action.rpartition("/")[2] for action in asked.forms()] == ["send-again"]
    again = stage.visitor().post(f"{link}/send-again")
    assert again.identity() == asked.identity()


def test_a_link_without_a_contact_offers_neither(both):
    link = both.acme.copy(both.acme.document(MARIT))
    both.clock.advance(hours=24)
    assert both.visitor().get(link).forms() == {}
    before = both.acme.dump()
    assert both.visitor().post(f"{link}/request-access").status == 404
    assert both.visitor().post(f"{link}/send-again").status == 404
    assert both.acme.dump() == before


# --- a fresh one -------------------------------------------------------------------------------


def test_a_fresh_link_is_mailed_and_lives_a_day(both):
    _quote, link = _expired(both)
    assert both.visitor().post(f"{link}/request-access").heading == "Look in your mail"
    both.deliver()
    fresh = both.link_to(MARIT)
    assert fresh != link
    assert both.visitor().get(link).status == 410
    both.clock.advance(hours=23)
    assert both.visitor().get(fresh).heading == "Q-2041"
    both.clock.advance(hours=1)
    assert both.visitor().get(fresh).status == 410


def test_a_fresh_link_may_be_renewed_again(both):
    _quote, link = _expired(both)
    for _ in range(3):
        both.visitor().post(f"{link}/request-access")
        both.deliver()
        link = both.link_to(MARIT)
        assert both.visitor().get(link).status == 200
        both.clock.advance(hours=24)


def test_asking_twice_mails_one_and_the_same_living_link(both):
    _quote, link = _expired(both)
    both.visitor().post(f"{link}/request-access")
    both.visitor().post(f"{link}/send-again")
    both.deliver()
    first, second = both.letters_to(MARIT)[-2:]
    assert both.link_to(MARIT) in first.raw.decode().replace("=\r\n", "")
    assert first.message["Message-ID"] != second.message["Message-ID"]
    assert len(both.acme.links()) == 2


def _revoke(stage, quote):
    links.revoke_for_document(quote, by="Kari")


def _revoke_customer(stage, quote):
    links.revoke_for_customer(stage.acme.customer(MARIT).id, by="Kari")


def _switch_contact_off(stage, quote):
    customers.switch_contact(stage.acme.contact(MARIT).id, on=False, by="Kari")


def _switch_customer_off(stage, quote):
    customers.switch(stage.acme.customer(MARIT).id, on=False, by="Kari")


def _void(stage, quote):
    documents.void(quote, by="Kari")


def _disable_account(stage, quote):
    contact = stage.acme.contact(MARIT).id
    account = accounts.invite(contact, by="Kari")
    accounts.disable(account.id, by="Kari")


def _withdraw_access(stage, quote):
    accounts.withdraw_from_contact(stage.acme.contact(MARIT).id, by="Kari")


def _withdraw_portal(stage, quote):
    accounts.withdraw_from_customer(stage.acme.customer(MARIT).id, by="Kari")


CLOSED = [
    _revoke, _revoke_customer, _switch_contact_off, _switch_customer_off, _void,
    _disable_account, _withdraw_access, _withdraw_portal,
]  # fmt: skip


@pytest.mark.parametrize("close", CLOSED)
def test_lost_access_closes_recovery_from_older_links(both, close):
    quote, link = _expired(both)
    with both.acme.scope():
        close(both, quote)
    before = len(both.inbox.messages)
    both.visitor().post(f"{link}/request-access")
    both.deliver()
    assert len(both.inbox.messages) == before
    assert len(both.acme.links()) == 1


@pytest.mark.parametrize("close", CLOSED)
def test_access_lost_before_the_worker_came_closes_recovery_too(both, close):
    quote, link = _expired(both)
    both.visitor().post(f"{link}/request-access")
    with both.acme.scope():
        close(both, quote)
    before = len(both.inbox.messages)
    both.deliver()
    assert len(both.inbox.messages) == before
    assert both.acme.mails()[-1].state == "skipped"


def test_a_fresh_link_that_is_tried_again_is_held_back_too(both):
    quote, link = _expired(both)
    both.visitor().post(f"{link}/request-access")
    both.inbox.go_down()
    both.deliver()
    both.inbox.behave()
    with both.acme.scope():
        _withdraw_access(both, quote)
    both.clock.advance(hours=1)
    before = len(both.inbox.messages)
    both.deliver()
    assert len(both.inbox.messages) == before
    assert both.acme.mails()[-1].state == "skipped"


def test_access_that_is_given_back_opens_recovery_again(both):
    _quote, link = _expired(both)
    both.acme.invite(MARIT)
    (account,) = both.acme.rows(PortalAccount)
    with both.acme.scope():
        accounts.withdraw_from_contact(account.contact_id, by="Kari")
        accounts.withdraw_from_customer(account.customer_id, by="Kari")
        accounts.disable(account.id, by="Kari")
        accounts.enable(account.id, by="Kari")
        accounts.open_for_customer(account.customer_id, by="Kari")
        accounts.open_for_contact(account.contact_id, by="Kari")
    both.visitor().post(f"{link}/request-access")
    both.deliver()
    assert both.visitor().get(both.link_to(MARIT)).status == 200


@pytest.mark.parametrize("close", [_revoke, _switch_contact_off, _switch_customer_off, _void])
def test_a_mail_that_waits_is_not_sent_with_a_dead_link(both, close):
    quote = both.acme.document(MARIT)
    both.acme.send(quote, MARIT)
    with both.acme.scope():
        close(both, quote)
    both.deliver()
    assert both.inbox.messages == []
    assert both.acme.mails()[0].state == "skipped"


def test_the_answer_says_nothing_about_whether_a_link_was_sent(both):
    """The same bytes and the same row in the outbox, for a quote that is open and one that is not."""
    answers, rows = [], []
    for person, close in ((MARIT, None), (OLAF, _void)):
        quote = both.acme.document(person, external_id=person.name)
        link = both.acme.mailed(quote, person)
        both.clock.advance(hours=24)
        if close:
            with both.acme.scope():
                close(both, quote)
        known = len(both.acme.mails())
        answer = both.visitor(person.email).post(f"{link}/request-access")
        answers.append((answer.status, answer.source.replace(token_of(link), "")))
        assert len(both.acme.mails()) == known + 1
        rows.append((both.acme.mails()[-1].kind, both.acme.mails()[-1].state))
    assert answers[0] == answers[1]
    assert rows[0] == rows[1] == ("link_renewed", "queued")


def test_revoked_ended_and_unknown_cannot_be_told_apart(both):
    acme = both.acme
    unknown = acme.copy(acme.document(OLAF, external_id="0"))[:-4] + "zzzz"
    _, revoked = acme.quote()
    ended = acme.mailed(acme.document(OLAF, external_id="1"), OLAF)
    copied = acme.copy(acme.document(MARIT, external_id="2"))
    both.visitor().post(f"{ended}/end")
    with acme.scope():
        links.revoke_for_customer(acme.customer(MARIT).id, by="Kari")
    for path in ("", "/pdf", "/end", "/settings", "/receipt", "/files/1"):
        answers = [
            both.visitor().get(link + path).identity() for link in (unknown, revoked, ended, copied)
        ]
        assert answers[0][0] == 404
        assert all(answer == answers[0] for answer in answers)
    for path in ("/accept", "/request-access", "/send-again"):
        answers = [
            both.visitor("198.51.100.2")
            .post(link + path, {"name": "M", "revision": "1"})
            .identity()
            for link in (unknown, revoked, ended, copied)
        ]
        assert all(answer == answers[0] for answer in answers)
        assert answers[0][0] == 404
    both.clock.advance(hours=25)
    assert both.visitor().get(revoked).identity() == both.visitor().get(unknown).identity()
