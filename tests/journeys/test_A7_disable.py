"""A7: disabling keeps every record and reference; enabling gives back what there was."""

from __future__ import annotations

import pytest

from portico.records.account import PortalAccount, PortalSession
from portico.records.activity import Activity
from portico.refusals import Conflict
from portico.services import accounts
from tests.cast import MARIT, OLAF, PASSWORD

NAMED = ("halden", MARIT.customer, MARIT.email)


def _account(company, person=MARIT):
    contact = company.contact(person).id
    return next(one for one in company.rows(PortalAccount) if one.contact_id == contact)


def test_the_outsider_who_was_disabled_gets_in_by_no_way(both):
    both.acme.account()
    _quote, link = both.acme.quote()
    assert both.command("account", "disable", *NAMED, "--as", "Kari").exit_code == 0
    portal = both.acme.public_url
    known = len(both.letters_to(MARIT))
    assert both.visitor().sign_in(portal, MARIT.email, PASSWORD, org="halden").status == 422
    assert both.visitor().post(f"{link}/account").status == 200
    forgot = f"{both.acme.portal}/forgot-password?org=halden"
    assert both.visitor().fill_in(forgot, {"email": MARIT.email}).status == 200
    both.deliver()
    assert len(both.letters_to(MARIT)) == known
    with both.acme.scope(), pytest.raises(Conflict, match="Enable it first"):
        accounts.invite(both.acme.contact(MARIT).id, by="Kari")


def test_everything_stays_and_comes_back(both):
    marit = both.acme.account()
    both.acme.account(OLAF, address="203.0.113.8")
    before = _account(both.acme)
    for _ in range(2):  # doing it twice is doing it once
        assert both.command("account", "disable", *NAMED, "--as", "Kari").exit_code == 0
    disabled = _account(both.acme)
    assert not disabled.is_active
    assert disabled.disabled_by == "Kari"
    assert disabled.password_hash == before.password_hash
    assert disabled.id == before.id
    assert both.acme.contact(MARIT).portal_access
    assert _account(both.acme, OLAF).is_active
    assert len(both.acme.rows(PortalSession)) == 2
    assert marit.get(f"{both.acme.portal}/dashboard").status == 303
    for _ in range(2):
        assert both.command("account", "enable", *NAMED).exit_code == 0
    assert _account(both.acme).disabled_at is None
    portal = both.acme.public_url
    assert both.visitor().sign_in(portal, MARIT.email, PASSWORD, org="halden").status == 303
    types = [line.type for line in both.acme.log()]
    assert types.count(Activity.DISABLE_ACCOUNT) == types.count(Activity.ENABLE_ACCOUNT) == 1


def test_a_way_in_that_was_mailed_before_leads_nowhere(stage):
    link = stage.acme.invite(MARIT)
    assert stage.command("account", "disable", *NAMED).exit_code == 0
    assert stage.visitor().get(link).status == 410
    assert stage.command("account", "enable", *NAMED).exit_code == 0
    assert stage.visitor().get(link).status == 410
    assert stage.command("account", "resend", *NAMED).exit_code == 0
    stage.deliver()
    assert stage.visitor().get(stage.way_in(MARIT)).status == 200


def test_the_list_says_how_each_account_stands(stage):
    assert "no accounts yet" in stage.command("account", "list", "halden").output
    stage.acme.account()
    stage.acme.invite(OLAF)
    assert stage.command("account", "list", "brightwater").output.startswith("There are no")
    lines = stage.command("account", "list", "halden").output.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [MARIT.email, "active"], [OLAF.email, "invited"],
    ]  # fmt: skip
    stage.command("account", "disable", *NAMED)
    stage.command("contact", "access", "halden", OLAF.customer, OLAF.email, "off")
    listed = stage.command("account", "list", "halden").output
    assert "disabled" in listed
    assert "no access" in listed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["account", "invite", "halden", OLAF.customer, MARIT.email], "no contact"),
        (["account", "resend", *NAMED], "no portal account"),
        (["account", "disable", *NAMED], "no portal account"),
        (["account", "enable", *NAMED], "no portal account"),
        (["account", "list", "nobody"], "no organization"),
        (["account", "why", *NAMED, "quote", "Q-1"], "no quote"),
        (["account", "why", *NAMED, "quote"], "its number"),
        (["contact", "access", "halden", MARIT.customer, OLAF.email, "on"], "no contact"),
        (["contact", "change", *NAMED, "--email", "nonsense"], "e-mail address"),
        (["contact", "change", *NAMED, "--name", " "], "name"),
        (["customer", "access", "halden", "Nobody", "off"], "no customer"),
        (["organization", "set", "halden", "--sections", "orders,games"], "sections"),
        (["organization", "set", "halden", "--self-signup", "perhaps"], "perhaps"),
    ],
)
def test_a_mistake_is_answered_by_a_sentence_and_changes_nothing(stage, words, said):
    before = stage.acme.dump()
    told = stage.command(*words)
    assert told.exit_code != 0
    assert said in told.output
    assert "Traceback" not in told.output
    assert stage.acme.dump() == before
