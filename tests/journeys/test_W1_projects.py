"""W1: projects in the portal: cards, documents, tasks, hours, comments; and who is told."""

from __future__ import annotations

import datetime as dt
import io

import pytest

from portico.records.activity import Activity
from portico.records.mail import MailKind
from portico.records.notification import Notification, Topic
from portico.records.project import Comment, ProjectState, TaskState
from portico.services import files, projects
from portico.services.files import Place
from portico.services.projects import ProjectFace
from tests.cast import BEA, CHIYO, MARIT, OLAF, bodies

DAY = dt.date(2026, 11, 10)


def make(company, person=MARIT, name="Boathouse", **face):
    """A project of the person's customer; its id. The organization shows projects."""
    company.set_organization(person.organization, sections=["projects"])
    customer = company.customer(person)
    with company.scope():
        facts = ProjectFace(name=name, state=ProjectState.ACTIVE, **face)
        return projects.create(customer.organization_id, customer.id, facts, by="Kari").id


def attach(company, project_id, name, *, shared=True, person=MARIT):
    """A file of the project; its id."""
    customer = company.customer(person)
    place = Place(customer.organization_id, customer.id, project_id)
    with company.scope():
        source = io.BytesIO(b"day,hours\n1,8\n")
        return files.add([(source, name)], place, by="Kari", shared=shared)[0].id


@pytest.fixture
def marit(acme):
    return acme.account(MARIT)


def test_outsiders_find_nothing_and_say_nothing(stage):
    acme, bolt = stage.acme, stage.bolt
    project_id, hidden = make(acme), make(acme, name="Hidden", is_shared_with_client=False)
    make(acme, OLAF, "Olaf's")
    marit, olaf, chiyo = (acme.account(person) for person in (MARIT, OLAF, CHIYO))
    bea = bolt.account(BEA)
    bolt.set_organization("halden", sections=["projects"])
    acme.set_organization("brightwater", sections=["projects"])
    one = f"{acme.portal}/projects/{project_id}"
    assert "/login" in stage.visitor().get(one).location
    for visitor, portal in ((olaf, acme.portal), (chiyo, acme.portal), (bea, bolt.portal)):
        theirs = f"{portal}/projects/{project_id}"
        key = {"csrf_token": visitor.get(f"{portal}/logout").form("/logout")[1]["csrf_token"]}
        assert visitor.get(theirs).status == 404
        assert visitor.post(f"{theirs}/comments", key | {"comment": "Hello"}).status == 404
        assert "Boathouse" not in visitor.get(f"{portal}/projects").text
    for number in (hidden, 0, 99, 2**63, 2**64):
        assert marit.get(f"{acme.portal}/projects/{number}").status == 404
    assert "Hidden" not in marit.get(f"{acme.portal}/projects").text
    page = marit.get(f"{one}?tab=comments")
    acme.set_organization("halden", sections=[])
    for path in ("", f"/{project_id}", f"/{project_id}/comments"):
        assert marit.get(f"{acme.portal}/projects{path}").status == 404
    assert "Projects" not in marit.get(f"{acme.portal}/dashboard").text
    assert marit.fill_in(page, {"comment": "Late"}, form="/comments").status == 404
    assert acme.rows(Comment) == []


def test_the_customer_follows_a_project(acme, marit, clock):
    project_id = make(acme, description="A new floor.", starts_on=DAY)
    with acme.scope():
        projects.add_task(
            project_id, "Take measures", by="Kari", assignee="Nils", state=TaskState.DONE
        )
        projects.add_task(project_id, "Lay the floor", by="Kari", state=TaskState.IN_PROGRESS)
        for minutes, billable in ((90, True), (30, False)):
            projects.add_time(
                project_id, by="Kari", worked_on=DAY, person="Nils", minutes=minutes,
                is_billable=billable,
            )  # fmt: skip
    attach(acme, project_id, "drawing.csv")
    attach(acme, project_id, "inside.csv", shared=False)
    with acme.scope():
        customer = acme.customer(MARIT)
        planned = ProjectFace(
            name="Sauna", starts_on=DAY, ends_on=DAY + dt.timedelta(7), state=ProjectState.PLANNED
        )
        projects.create(customer.organization_id, customer.id, planned, by="Kari")
    cards = marit.get(f"{acme.portal}/projects")
    assert "Boathouse Active A new floor. 1 document" in cards.text
    board = marit.get(f"{acme.portal}/dashboard").text
    assert "Active projects 1" in board
    upcoming = board.partition("Upcoming projects View all projects Project Status When ")[2]
    assert upcoming.startswith(
        "Boathouse Active from 10 Nov 2026 Sauna Planned 10 Nov 2026 – 17 Nov 2026"
    )
    one = f"{acme.portal}/projects/{project_id}"
    page = marit.get(one)
    assert (page.heading, "hours" in page.text) == ("Boathouse", False)
    assert "drawing.csv 14 Bytes" in page.text
    assert "inside" not in page.text
    tasks = marit.get(f"{one}?tab=tasks", htmx=True).text
    assert "Take measures Done Nils Lay the floor In progress nobody yet" in tasks
    with acme.scope():
        projects.change(project_id, ProjectFace(shows_hours=True), by="Kari")
    assert "Total hours 2:00 Billable hours 1:30 Last activity 12 Nov 2026" in marit.get(one).text
    views = [line for line in acme.log() if line.type == Activity.VIEW_PROJECT]
    assert [line.details["tab"] for line in views] == ["documents", "tasks", "documents"]
    for odd in ("tab=x&before=y", "tab=tasks&before=99999999999999999999", "tab=comments&before=0"):
        assert marit.get(f"{one}?{odd}").status == 200


def test_a_comment_is_said_once_and_told_to_the_team(acme, marit):
    project_id = make(acme)
    one = f"{acme.portal}/projects/{project_id}"
    page = marit.get(f"{one}?tab=comments")
    for words, why in (
        ("", "fill this in"), (" \n", "fill this in"), ("e\u0301" * 2001, "2000 characters"),
        ("a\u200d" * 2001, "2000 characters"),
        ("\ud800".encode("utf-8", "surrogatepass"), "cannot be read"), ("x" * 30_000, "too long"),
    ):  # fmt: skip
        answer = marit.fill_in(page, {"comment": words}, form="/comments", htmx=True)
        assert answer.status == 422, words
        assert why in answer.text
    assert acme.rows(Comment) == []
    family = "\U0001f469\u200d\U0001f467"
    done = marit.fill_in(page, {"comment": family * 2000}, form="/comments", htmx=True)
    assert (done.status, "was told" in done.text) == (200, True)
    again = marit.fill_in(page, {"comment": family * 2000}, form="/comments")
    assert (again.status, again.location) == (303, f"{one}?tab=comments")
    assert marit.get(f"{one}/comments").location == again.location
    assert len(acme.rows(Comment)) == 1
    acme.stage.deliver()
    (letter,) = acme.stage.letters_to("office@halden.example")
    assert letter.message["Subject"] == "Comment from Fjordhus AS on Boathouse"
    assert [mail.kind for mail in acme.mails()].count(MailKind.COMMENT_STAFF) == 1
    for number in range(19):
        marit.fill_in(page, {"comment": f"No {number}"}, form="/comments")
    assert marit.fill_in(page, {"comment": "One more"}, form="/comments").status == 429


def test_what_the_team_says_and_shares_is_told_in_the_bell_and_by_mail(both):
    acme = both.acme
    marit = acme.account(MARIT)
    project_id = make(acme)
    with acme.scope():
        said = projects.comment_by_staff(project_id, "The oak is here.", by="Kari")
        assert projects.comment_by_staff(project_id, "The oak is here.", by="Kari").id == said.id
    attach(acme, project_id, "drawing.csv")
    attach(acme, project_id, "inside.csv", shared=False)
    assert [line.topic for line in acme.rows(Notification)] == [Topic.COMMENTED, Topic.FILE_SHARED]
    both.deliver()
    subjects = [letter.message["Subject"] for letter in both.letters_to(MARIT)]
    assert "We wrote a comment on Boathouse." in subjects
    assert "New document in Boathouse: drawing.csv." in subjects
    comments = f"{acme.portal}/projects/{project_id}?tab=comments&org=halden"
    letter = both.letters_to(MARIT)[subjects.index("We wrote a comment on Boathouse.")]
    assert comments in bodies(letter)[0]
    bell = marit.get(f"{acme.portal}/notifications")
    number = acme.rows(Notification)[0].id
    opened = marit.fill_in(bell, form=f"/notifications/{number}")
    assert opened.location == f"{acme.portal}/projects/{project_id}?tab=comments"
    assert "Kari" in marit.get(opened.location).text
    with acme.scope():
        projects.change(project_id, ProjectFace(is_shared_with_client=False), by="Kari")
        projects.comment_by_staff(project_id, "Among ourselves.", by="Kari")
    assert len(acme.rows(Notification)) == 2
    assert marit.get(opened.location).status == 404
