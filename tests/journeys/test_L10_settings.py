"""L10, L14: what a link may know and do; it leads to an account by mail, and signs nobody in."""

from __future__ import annotations

import pytest

from portico.records.account import PortalAccount
from portico.records.link import Purpose
from portico.services import accounts, links, outbox, sending, team
from tests.cast import MARIT, OLAF, PASSWORD


def test_the_outsider_sees_no_settings(stage):
    stage.acme.quote()
    base = f"{stage.acme.public_url}/i/{'A' * 43}"
    assert stage.visitor().get(f"{base}/settings").status == 404
    assert stage.visitor().post(f"{base}/account").status == 404


def test_the_settings_name_the_address_on_file_only_in_part(both):
    _quote, link = both.acme.quote()
    page = both.visitor().get(f"{link}/settings")
    assert page.heading == "About this link"
    assert "m•••@fjordhus.example" in page.text
    assert MARIT.email not in page.source


def test_a_copied_link_names_nobody_and_leads_to_no_account(both):
    link = both.acme.copy(both.acme.document(MARIT))
    page = both.visitor().get(f"{link}/settings")
    assert "fjordhus.example" not in page.source
    assert MARIT.name not in page.text
    assert not page.forms()
    assert "Create an account" not in both.visitor().get(link).text
    assert both.visitor().post(f"{link}/account").status == 404
    assert both.acme.mails() == []


def test_no_page_of_a_link_asks_anybody_to_sign_in(stage):
    """Not even who has an account and is signed in, or signed out (L14)."""
    _quote, link = stage.acme.quote()
    for visitor in (stage.visitor(), stage.acme.account()):
        for path in ("", "/settings", "/end"):
            page = visitor.get(link + path)
            assert page.status == 200
            assert page.tree.find(".//input[@type='password']") is None


def test_the_settings_lead_to_the_sign_in_page_of_this_organization(stage):
    _quote, link = stage.acme.quote()
    page = stage.visitor().get(f"{link}/settings")
    (way,) = [a.get("href") for a in page.tree.iter("a") if "login" in a.get("href", "")]
    assert way == "/customer-portal/login?org=halden"
    chosen = stage.visitor().get(stage.acme.public_url + way)
    assert chosen.form("/login")[1]["org"] == "halden"


def test_an_account_is_made_by_the_mail_to_the_address_on_file(both):
    _quote, link = both.acme.quote()
    mallory = both.visitor("198.51.100.66")  # the link was forwarded
    assert "Create an account" in mallory.get(link).text
    asked = mallory.fill_in(f"{link}/settings", form="/account")
    assert asked.status == 200
    assert (
        "If an account can be made for m•••@fjordhus.example, the mail is on its way" in asked.text
    )
    assert MARIT.email not in asked.source
    assert mallory.cookies() == {}
    assert both.acme.rows(PortalAccount) == []
    assert not both.acme.contact(MARIT).portal_access
    both.deliver()
    assert mallory.get(both.acme.portal + "/dashboard").status == 303
    marit = both.visitor()
    done = marit.fill_in(both.way_in(MARIT), {"password": PASSWORD, "again": PASSWORD})
    assert done.location == both.acme.portal + "/dashboard"
    assert marit.get(done.location).status == 200
    assert both.acme.contact(MARIT).portal_access


def test_a_mail_that_came_back_is_sent_again_to_who_asked_by_a_link(both, clock):
    _quote, link = both.acme.quote()
    both.visitor().fill_in(f"{link}/settings", form="/account")
    both.inbox.refuse("550 unknown", to=(MARIT.email,))
    both.deliver()
    mail = both.acme.mails()[-1]
    assert (mail.kind, mail.state) == ("account_setup", "failed")
    both.inbox.behave()
    clock.advance(hours=2)
    with both.acme.scope():
        outbox.resend(mail.id, by="Kari")
    both.deliver()
    assert both.acme.mails()[-1].state == "sent"
    done = both.visitor().fill_in(both.way_in(MARIT), {"password": PASSWORD, "again": PASSWORD})
    assert done.location == both.acme.portal + "/dashboard"


def test_the_older_addresses_lead_there_too(stage):
    document, link = stage.acme.quote()
    asked = stage.visitor().post(link.replace("/i/", "/portal/") + "/account")
    assert asked.status == 200
    assert stage.visitor().get(f"{link}/account").location == link
    copied = stage.acme.copy(document, Purpose.QUOTE)  # belongs to nobody
    assert stage.visitor().post(f"{copied}/account").status == 404


CLOSED = {
    "self-service is off": lambda c: c.set_organization("halden", self_signup=False),
    "the contact was switched off": lambda c: accounts.withdraw_from_contact(
        c.contact(MARIT).id, by="Kari"
    ),
    "the customer was switched off": lambda c: accounts.withdraw_from_customer(
        c.customer(MARIT).id, by="Kari"
    ),
    "the account is disabled": lambda c: accounts.disable(
        accounts.invite(c.contact(MARIT).id, by="Kari").id, by="Kari"
    ),
}


@pytest.mark.parametrize("reason", CLOSED)
def test_whatever_the_reason_the_answer_is_the_same_and_nothing_comes(stage, reason):
    _quote, link = stage.acme.quote()
    open_ = stage.visitor().post(f"{link}/account")
    assert open_.status == 200
    _quote, link = stage.acme.quote(number="Q-2")
    with stage.acme.scope():
        CLOSED[reason](stage.acme)
    known = len(stage.letters_to(MARIT))
    closed = stage.visitor().post(f"{link}/account")
    assert closed.status == 200
    assert closed.text == open_.text
    stage.deliver()
    # The first was asked for before, and is judged now all the same.
    assert len(stage.letters_to(MARIT)) == known
    made = [one for one in stage.acme.rows(PortalAccount) if one.set_up_at]
    assert made == []


def test_an_address_that_somebody_signs_in_with_is_no_way_to_a_second_account(stage):
    olaf = stage.acme.contact(OLAF).id
    quote = stage.acme.document(OLAF)
    stage.acme.account()
    with stage.acme.scope():
        team.change_contact(olaf, email=MARIT.email, by="Kari")
        sending.send(quote, [olaf], by="Kari")
    stage.deliver()
    known = len(stage.letters_to(MARIT))
    assert stage.visitor().post(f"{stage.link_to(MARIT)}/account").status == 200
    stage.deliver()
    assert len(stage.letters_to(MARIT)) == known
    assert len(stage.acme.rows(PortalAccount)) == 1


def test_who_has_an_account_is_mailed_a_way_to_a_new_password(stage):
    stage.acme.account()
    _quote, link = stage.acme.quote()
    stage.visitor().fill_in(f"{link}/settings", form="/account")
    stage.deliver()
    assert "/reset-password?" in stage.way_in(MARIT)


def test_asking_is_limited_like_renewing(stage, clock):
    _quote, link = stage.acme.quote()
    for number in range(5):
        assert stage.visitor(f"203.0.113.{number}").post(f"{link}/account").status == 200
    before = stage.acme.dump()
    assert stage.visitor("203.0.113.99").post(f"{link}/account").status == 429
    assert stage.acme.dump() == before


def test_a_link_that_was_revoked_meanwhile_leads_nowhere(stage):
    quote, link = stage.acme.quote()
    with stage.acme.scope():
        links.revoke_for_document(quote, by="Kari")
    assert stage.visitor().post(f"{link}/account").status == 404


def test_another_sites_form_asks_for_nothing(stage):
    _quote, link = stage.acme.quote()
    before = stage.acme.dump()
    foreign = {"Origin": "https://mallory.example", "Sec_Fetch_Site": "cross-site"}
    assert stage.visitor().post(f"{link}/account", **foreign).status == 403
    assert stage.acme.dump() == before
