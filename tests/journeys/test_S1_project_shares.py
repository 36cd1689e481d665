"""S1, S2: a project behind a secret link: read-only, what its switches say, gone when revoked."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from portico.queries import console_customer
from portico.records.activity import Activity, Label
from portico.records.mail import MailKind, MailState
from portico.records.project import ProjectShare, TaskState
from portico.refusals import BadInput, StaffRefusal, Unknown
from portico.services import links, projects, shares
from portico.services.projects import ProjectFace
from portico.services.shares import Shows
from tests.cast import CHIYO, MARIT, OLAF, bodies, token_of
from tests.journeys.test_W1_projects import DAY, attach, make

SCANNER = "Mozilla/5.0 (compatible; Barracuda Sentinel)"
EVERYTHING = Shows(time=True, budget=True, files=True)
WORDS = ("Floor laid", "Plan of the floor", "Take measures Done", "Fjordhus AS", "Active")
HIDDEN = ("Nils", "9,000", "4,500", "drawing.csv", "inside.csv", "2:00")


def filled(company):
    """A project with something of every sort; its id."""
    project_id = make(company, starts_on=DAY, budget=900_000, spent=450_000)
    with company.scope():
        projects.add_milestone(project_id, "Floor laid", by="Kari", due_on=DAY)
        projects.add_deliverable(project_id, "Plan of the floor", by="Kari", delivered_on=DAY)
        projects.add_task(project_id, "Take measures", by="Kari", state=TaskState.DONE)
        projects.add_time(project_id, by="Kari", worked_on=DAY, person="Nils", minutes=120)
    attach(company, project_id, "drawing.csv")
    attach(company, project_id, "inside.csv", shared=False)
    return project_id


def issue(company, project_id, shows=None, **options):
    """A share; its record and its address."""
    with company.scope():
        return shares.issue(project_id, shows or Shows(), by="Kari", **options)


def gone(answer):
    """Everything by which one 404 might be told from another."""
    return answer.identity()


def test_nobody_gets_in_by_guessing_or_from_next_door(stage):
    acme = stage.acme
    _share, url = issue(acme, filled(acme))
    token = token_of(url)
    nothing = gone(stage.visitor().get(f"{acme.public_url}/shared/projects/{'A' * 43}"))
    assert nothing[0] == 404
    for wrong in (
        f"{stage.bolt.public_url}/shared/projects/{token}", f"{acme.public_url}/i/{token}",
        f"{acme.public_url}/q/{token}", f"{url}x", f"{url[:-1]}", f"{url}/nothing",
        f"{url}/files/1", f"{url}/files/{2**70}",
    ):  # fmt: skip
        assert stage.visitor().get(wrong).status == 404, wrong
    assert stage.visitor().post(url, {}).status == 405
    _quote, link = acme.quote()
    assert stage.visitor().get(link.replace("/i/", "/shared/projects/")).status == 404
    mallory = stage.visitor("198.51.100.9")
    statuses = [
        mallory.get(f"{acme.public_url}/{door}/projects/{'B' * 43}").status
        for door in ("shared", "p")
        for _ in range(16)
    ]
    assert statuses == [404] * 30 + [429] * 2
    assert mallory.get(f"{acme.public_url}/i/{'C' * 43}").status == 429, "one bucket for both"


def test_it_shows_the_project_and_no_more_than_was_switched_on(both, clock):
    acme = both.acme
    project_id = filled(acme)
    _share, url = issue(acme, project_id)
    for address in (url, f"{url}/print", url.replace("/shared/", "/p/")):
        page = both.visitor().get(address)
        assert page.heading == "Boathouse"
        assert "As of 12 Nov 2026, 10:00 CET" in page.text
        assert [word for word in WORDS if word not in page.text] == []
        assert [word for word in HIDDEN if word in page.text] == []
        assert page.forms() == {}
    assert both.visitor().get(f"{url}/print").tree.findall(".//a") == []
    _share, url = issue(acme, project_id, EVERYTHING)
    page = both.visitor().get(url)
    assert [word for word in HIDDEN if word not in page.text] == ["inside.csv"]
    (file_url,) = page.tree.xpath("//main//a[contains(@href, '/files/')]/@href")
    fetched = both.visitor().get(acme.public_url + file_url)
    assert fetched.status == 303
    assert both.visitor().get(fetched.location).data == b"day,hours\n1,8\n"
    assert both.visitor().get(re.sub(r"\d+\Z", "2", acme.public_url + file_url)).status == 404
    both.visitor(User_Agent=SCANNER).get(url)
    seen = [line for line in acme.log() if line.type == Activity.VIEW_SHARE]
    printed = [line.details.get("printed", False) for line in seen]
    assert printed == [False, True, False, True, False, False]
    assert {line.label for line in seen[:5]} == {Label.PERSON}
    assert seen[-1].label == Label.SCANNER
    assert token_of(url) not in str([vars(line) for line in acme.log()])


@pytest.mark.parametrize(
    "how", ["revoked", "all", "expired", "not shared", "customer off", "contact off", "mixed up"]
)
def test_what_ended_is_not_found_like_anything_else(stage, clock, how):
    acme = stage.acme
    project_id = filled(acme)
    options = {"contact_id": acme.contact(MARIT).id} if how == "contact off" else {}
    last = clock.moment.date() + dt.timedelta(days=1)
    share, url = issue(acme, project_id, EVERYTHING, last_day=last, **options)
    file_url = stage.visitor().get(url).tree.xpath("//a[contains(@href, '/files/')]/@href")[0]
    bytes_url = stage.visitor().get(acme.public_url + file_url).location
    assert stage.visitor().get(bytes_url).status == 200
    unknown = gone(stage.visitor("198.51.100.1").get(f"{acme.public_url}/p/projects/{'A' * 43}"))
    if how == "revoked":
        with acme.scope():
            assert shares.revoke(project_id, share.id, by="Kari")
            assert not shares.revoke(project_id, share.id, by="Kari")
    elif how == "all":  # with every other link of the customer
        with acme.scope():
            customer = acme.customer(MARIT)
            found = console_customer.find(customer.organization_id, customer.id)
            assert found is not None
            assert (found.links, found.may_revoke) == (1, True)
            assert links.revoke_for_customer(customer.id, by="Kari") == 1
            found = console_customer.find(customer.organization_id, customer.id)
            assert found is not None
            assert (found.links, found.may_revoke) == (0, False)
    elif how == "expired":
        clock.set(2026, 11, 13, 22, 59)
        assert stage.visitor().get(url).status == 200
        clock.set(2026, 11, 13, 23, 0)
    elif how == "not shared":
        with acme.scope():
            projects.change(project_id, ProjectFace(is_shared_with_client=False), by="Kari")
    else:
        acme.execute({
            "customer off": "UPDATE customers SET is_active = 0",
            "contact off": "UPDATE contacts SET is_active = 0",
            "mixed up": "UPDATE project_shares SET customer_id = customer_id + 1",
        }[how])  # fmt: skip
    for address in (
        url,
        url.replace("/shared/", "/p/"),
        f"{url}/print",
        acme.public_url + file_url,
    ):
        assert gone(stage.visitor("198.51.100.2").get(address)) == unknown, address
    assert stage.visitor("198.51.100.3").get(bytes_url).status == 404


def test_it_is_mailed_with_its_address_and_kept_as_a_hash(stage, clock):
    acme = stage.acme
    project_id, marit = filled(acme), acme.contact(MARIT).id
    last = clock.moment.date()
    share, url = issue(acme, project_id, contact_id=marit, last_day=last)
    stage.deliver()
    (letter,) = stage.letters_to(MARIT)
    assert letter.message["Subject"] == "Halden of Acme: Boathouse"
    short = url.replace("/shared/", "/p/")
    assert all(short in body and "12 Nov 2026, 00:00" not in body for body in bodies(letter))
    assert stage.visitor().get(short).status == 200
    kept = str(acme.dump())
    assert token_of(url) not in kept
    assert [one.id for one in acme.rows(ProjectShare)] == [share.id]
    before = acme.dump()
    for options, refusal in (
        ({"contact_id": acme.contact(OLAF).id}, Unknown),
        ({"contact_id": acme.contact(CHIYO).id}, Unknown),
        ({"last_day": last - dt.timedelta(days=1)}, BadInput),
    ):
        with pytest.raises(refusal):
            issue(acme, project_id, **options)
    acme.execute("UPDATE contacts SET is_active = 0")
    with pytest.raises(BadInput):
        issue(acme, project_id, contact_id=marit)
    acme.execute("UPDATE contacts SET is_active = 1")
    with pytest.raises(StaffRefusal):
        issue(acme, make(acme, name="Hidden", is_shared_with_client=False))
    assert acme.dump()["project_shares"] == before["project_shares"]
    late, _url = issue(acme, project_id, contact_id=marit)
    with acme.scope():
        shares.revoke(project_id, late.id, by="Kari")
    stage.deliver()
    mails = [mail for mail in acme.mails() if mail.kind == MailKind.PROJECT_SHARED]
    assert [mail.state for mail in mails] == [MailState.SENT, MailState.SKIPPED]
