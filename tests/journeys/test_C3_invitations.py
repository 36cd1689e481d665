"""Bulk invitations: all or some, confirmed, watched, summed up, and nobody twice (spec C3)."""

from __future__ import annotations

import pytest

from portico.records.account import PortalAccount
from portico.records.batch import BatchItem, InvitationBatch
from portico.records.mail import MailState
from portico.records.staff import Role
from portico.services import team
from tests.cast import BEA, CHIYO, MARIT, OLAF

ALL = {"who": "all", "sure": "yes"}


@pytest.fixture
def kari(acme):
    return acme.staff(Role.ACCOUNTANT)


def _url(company):
    return f"{company.console}/invitations"


def _send(visitor, company, typed, *, to=None, **options):
    """The form that invites, or one of another page; the page's other form searches."""
    _, key = visitor.get(f"{company.console}/logout").form("/logout")
    return visitor.post(to or _url(company), key | typed, **options)


def _figures(visitor, company):
    """How many there are: with JavaScript the page asks for them, without there is a link."""
    url = f"{_url(company)}/figures"
    assert visitor.get(_url(company)).tree.xpath("//@hx-get") == [
        url.removeprefix(company.public_url)
    ]
    part, page = visitor.get(url, htmx=True), visitor.get(url)
    found = [[int(b.text_content()) for b in one.tree.findall(".//b")][:4] for one in (part, page)]
    assert found[0] == found[1]
    assert "Whom to invite" not in part.text
    return found[0]


def _crowd(company, count):
    """So many more people of Marit's customer."""
    with company.scope():
        return [
            team.add_contact("halden", MARIT.customer, f"P{n}", f"p{n}@fjordhus.example").id
            for n in range(count)
        ]


def test_those_who_must_not(acme):
    for visitor in (acme.staff(Role.VIEWER), acme.staff(Role.SALES)):
        _, key = visitor.get(f"{acme.console}/logout").form("/logout")
        assert visitor.get(_url(acme)).status == 403
        assert visitor.post(_url(acme), key | ALL).status == 403
    assert "/login" in acme.account(MARIT).get(_url(acme)).location
    chiyos, _url_of_batch = acme.staff(Role.OWNER, "brightwater"), f"{_url(acme)}/1"
    strange = {
        "who": "chosen",
        "sure": "yes",
        "contact": [str(acme.contact(OLAF).id), "x", "9" * 25],
    }
    refused = _send(chiyos, acme, strange, htmx=True)
    assert refused.status == 422
    assert "Nobody was chosen" in refused.text
    assert chiyos.get(_url_of_batch).status == 404
    assert acme.rows(InvitationBatch) == []
    own = chiyos.get(_url(acme))
    assert CHIYO.name in own.text
    assert own.tree.xpath("//nav//a[@aria-current]/text()") == ["Customers"]


def test_everybody_is_invited_once(both):
    """Who cannot be mailed, has an account, or was invited, is not; the page asks until it is done."""
    stage, acme = both, both.acme
    kari = acme.staff(Role.ACCOUNTANT)
    acme.account(OLAF)
    many = _crowd(acme, 3)
    acme.execute("UPDATE contacts SET is_active = :no WHERE id = :id", no=False, id=many[0])
    acme.execute("UPDATE contacts SET email = NULL WHERE id = :id", id=many[1])
    page = kari.get(_url(acme))
    assert _figures(kari, acme) == [2, 0, 1, 4]
    assert OLAF.name not in page.tree.find(".//main").text_content()
    unsure = _send(kari, acme, {"who": "all"})
    assert unsure.status == 422
    assert "Nobody was invited" in unsure.text
    assert unsure.tree.xpath("//input[@name='who'][@checked]/@value") == ["all"]
    started = _send(kari, acme, ALL, htmx=True)
    url = acme.public_url + started.headers["HX-Redirect"]
    part = kari.get(url, htmx=True)
    assert part.tree.find(".//section").get("hx-trigger") == "every 1s"
    assert part.tree.find(".//progress").get("value") == "0"
    assert "2 on the way" in part.text
    for seen in ({}, {"seen": "0"}):  # there is nobody left, and the page was another one
        assert _send(kari, acme, ALL | seen, htmx=True).status == 409
    chosen = {"who": "chosen", "sure": "yes", "contact": str(acme.contact(MARIT).id), "seen": "0"}
    twice = _send(kari, acme, chosen)
    assert (twice.status, "perhaps by a second click" in twice.text) == (409, True)
    assert len(acme.rows(InvitationBatch)) == 1
    stage.deliver()
    done = kari.get(url, htmx=True)
    assert done.tree.find(".//section").get("hx-trigger") is None
    assert "2 of 2 sent." in done.text
    assert _figures(kari, acme) == [0, 2, 1, 4]
    assert "Nobody more can be invited now." in kari.get(_url(acme)).text
    assert len({one.contact_id for one in acme.rows(BatchItem)}) == 2
    assert acme.rows(InvitationBatch)[0].finished_at is not None
    for address in (MARIT.email, "p2@fjordhus.example"):
        assert len(stage.letters_to(address)) == 1
        assert stage.visitor().get(stage.way_in(address)).status == 200
    assert stage.letters_to(BEA) == stage.letters_to(CHIYO) == []
    invited = [row for row in acme.log() if row.type == "invite" and "batch" in row.details]
    assert [row.actor for row in invited] == ["Accountant Nilsen"] * 2


def test_a_missed_tick_takes_no_choice_away_and_everybody_is_counted(acme, kari):
    many = _crowd(acme, 60)
    searched = kari.get(f"{_url(acme)}?q=fjordhus")
    assert "everybody of Halden of Acme who can be invited, not only those found" in searched.text
    second = kari.get(acme.public_url + searched.tree.xpath("//a[text()='More people']/@href")[0])
    hidden = second.tree.xpath("//form[@method='post']//input[@name='q' or @name='beyond']")
    chosen = [str(many[1]), str(many[0])]
    typed = {one.get("name"): one.get("value") for one in hidden} | {"who": "all"}
    missed = _send(kari, acme, typed | {"contact": chosen})
    assert missed.status == 422
    assert missed.tree.xpath("//input[@checked]/@value") == [*chosen, "all"]
    assert "not only those found" in missed.text
    for htmx in (True, False):  # by the figures that the page asks for, and on the page with them
        counted = kari.get(f"{_url(acme)}/figures", htmx=htmx).tree.xpath("//*[@id='how-many']")
        assert [one.text_content() for one in counted] == [", 62 people if it is everybody"]
        assert counted[0].get("hx-swap-oob") == ("true" if htmx else None)


def test_some_are_chosen_and_the_summary_says_why_others_got_none(acme, stage, kari):
    acme.account(OLAF)
    marit, olaf = acme.contact(MARIT).id, acme.contact(OLAF).id
    refused, gone, double, later = _crowd(acme, 4)
    acme.execute("UPDATE contacts SET email = :email WHERE id = :id", email=OLAF.email, id=double)
    chosen = {"who": "chosen", "sure": "yes", "contact": [str(one) for one in (
        marit, marit, refused, gone, double, olaf, later)]}  # fmt: skip
    started = _send(kari, acme, chosen)
    acme.execute("UPDATE contacts SET is_active = :no WHERE id = :id", no=False, id=gone)
    stage.inbox.refuse("550 no such person", to=("p0@fjordhus.example",))
    stage.deliver()
    stage.inbox.refuse("451 later", to=("p3@fjordhus.example",))
    text = kari.get(started.location).text
    for said in (
        "2 of 6 sent, 1 failed, 3 skipped.", "550", "The contact was switched off",
        "They have an account already.", f"Another contact signs in with {OLAF.email}.",
    ):  # fmt: skip
        assert said in text
    # Whose mail never went out can be invited again, alone or with others.
    stage.inbox.behave()
    assert _figures(kari, acme)[0] == 1
    _send(kari, acme, ALL)
    stage.deliver()
    assert len(stage.letters_to("p0@fjordhus.example")) == 1
    assert [len(acme.rows(one)) for one in (InvitationBatch, PortalAccount)] == [2, 5]


def test_whose_invitation_came_to_nothing_is_invited_again(both):
    """Their address was corrected, or somebody was off and on: no mail they have leads in."""
    stage, acme = both, both.acme
    kari = acme.staff(Role.MANAGER)
    (other,) = _crowd(acme, 1)
    acme.account(OLAF)
    _send(kari, acme, ALL)
    stage.deliver()
    customer, marit = acme.customer(MARIT).id, acme.contact(MARIT).id
    page = f"{acme.console}/customers/{customer}"

    def standing():
        return kari.get(page).tree.xpath("string(//b[text()='Marit Solberg']/following::*[contains"
                                         "(@class, 'chip')][1])")  # fmt: skip

    def off_and_on(part):
        for on in ("no", "yes"):
            assert _send(kari, acme, {"on": on}, to=page + part).status == 303

    assert standing() == "Invited"
    moved = {"email": "m@fjordhus.example"}
    edit, person = f"{page}/contacts/{marit}/edit", f"/contacts/{marit}"
    for affected, happens in (
        (1, lambda: kari.fill_in(edit, moved, form="/edit")),
        (1, lambda: off_and_on(f"{person}/active")), (1, lambda: off_and_on(f"{person}/account")),
        (2, lambda: off_and_on("/active")), (2, lambda: off_and_on("/portal")),
    ):  # fmt: skip
        before = len(stage.letters_to(moved["email"]))
        happens()
        assert standing() == "Invite again"
        assert _figures(kari, acme) == [affected, 2 - affected, 1, 3]
        started = _send(kari, acme, {"who": "chosen", "sure": "yes", "contact": [marit, other]})
        stage.deliver()
        text = kari.get(started.location).text
        assert f"{affected} of 2 sent" in text
        assert ("They were invited before." in text) is (affected == 1)
        assert (standing(), _figures(kari, acme)) == ("Invited", [0, 2, 1, 3])
        assert len(stage.letters_to(moved["email"])) == before + 1
        assert stage.visitor().get(stage.way_in(moved["email"])).status == 200
    kari.fill_in(edit, {"email": MARIT.email}, form="/edit")
    on = stage.command("contact", "access", "halden", MARIT.customer, MARIT.email, "on")
    assert "An invitation is on its way" in on.output
    assert stage.deliver() == 1


def test_a_mail_that_is_put_off_is_waited_for_slowly(acme, stage, kari, clock):
    stage.inbox.refuse("451 try later", to=(MARIT.email,))
    started = _send(kari, acme, ALL)
    stage.deliver()
    part = kari.get(started.location, htmx=True)
    assert part.tree.find(".//section").get("hx-trigger") == "every 30s"
    assert "Tried again" in part.text
    assert "1 of 2 sent, 1 on the way." in part.text
    stage.inbox.behave()
    clock.advance(minutes=2)
    stage.deliver()
    assert "2 of 2 sent." in kari.get(started.location).text
    assert {mail.state for mail in acme.mails()} == {MailState.SENT}


def test_by_command(acme, stage):
    assert stage.command("invitations", "send", "nobody", "--all").exit_code == 1
    assert "2 people can be invited" in stage.command("invitations", "send", "halden").output
    assert acme.mails() == []
    sent = stage.command("invitations", "send", "halden", "--all", "--as", "Ingrid")
    assert "Batch 1: 2 people" in sent.output
    assert "nobody to invite" in stage.command("invitations", "send", "halden", "--all").output
    stage.deliver()
    status = stage.command("invitations", "status", "halden").output
    assert "0 can be invited, 2 invited already, 0 have an account, 2 contacts in all." in status
    assert "by Ingrid: 2 sent, 0 failed, 0 skipped, 0 waiting." in status
