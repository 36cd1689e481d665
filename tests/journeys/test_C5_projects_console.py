"""C5, S2: projects in the console: made, filled, shown, talked about, shared and revoked."""

from __future__ import annotations

import re

import pytest

from portico.records.activity import Activity
from portico.records.notification import Notification, Topic
from portico.records.project import (
    Comment,
    Deliverable,
    Milestone,
    Project,
    ProjectShare,
    Task,
    TimeEntry,
)
from portico.records.staff import Role
from portico.services import projects
from tests.cast import CHIYO, MARIT, OLAF
from tests.journeys.test_W1_projects import make

LINK = re.compile(r"https://\S+/shared/projects/[A-Za-z0-9_-]{43}")


@pytest.fixture
def kari(acme):
    return acme.staff(Role.MANAGER)


@pytest.fixture
def at(acme):
    """The page of a project of Marit's."""
    return f"{acme.console}/projects/{make(acme)}"


def test_those_who_must_not(acme, at):
    """A customer, the neighbours, a viewer who may only read, and sales who may not hand out links."""
    marit, neighbour = acme.account(MARIT), acme.staff(Role.OWNER, "brightwater")
    viewer, sales = acme.staff(Role.VIEWER), acme.staff(Role.SALES)
    with acme.scope():
        task = projects.add_task(1, "Take measures", by="Kari").id
    paths = ["", "/edit", *(f"/{tab}" for tab in ("tasks", "time", "comments", "shares"))]
    for path in paths:
        assert "/staff/login" in marit.get(at + path).location
        assert neighbour.get(at + path).status == 404
    assert "Boathouse" not in neighbour.get(f"{acme.console}/projects").text
    for path in ("", "/tasks", "/shares"):
        assert viewer.get(at + path).status == 200
    before = acme.dump()
    _, key = viewer.get(f"{acme.console}/logout").form("/logout")
    posts = ("/tasks", f"/tasks/{task}", f"/tasks/{task}/remove", "/comments", "/shares", "/switch",
             "/edit", "/shares/1/revoke")  # fmt: skip
    for path in posts:
        assert viewer.post(at + path, key | {"name": "x", "comment": "x"}).status == 403, path
    _, key = sales.get(f"{acme.console}/logout").form("/logout")
    assert sales.post(f"{at}/shares", key).status == 403
    _, key = neighbour.get(f"{acme.console}/logout").form("/logout")
    for path in posts:
        assert neighbour.post(at + path, key | {"name": "x", "comment": "x"}).status == 404, path
    assert acme.dump() == before


def test_a_project_is_written_down_found_and_changed(acme, kari):
    form = f"{acme.console}/projects/new?customer={acme.customer(MARIT).id}"
    right = {"name": "Boathouse", "budget": "9000.50", "starts_on": "2026-11-02"}
    page = kari.get(form)
    assert page.form("/projects")[1]["customer"] == "Fjordhus AS"
    for wrong, field in (
        ({"name": " "}, "name"), ({"customer": CHIYO.customer}, "customer"),
        ({"currency": "XXY"}, "currency"), ({"budget": "1.005"}, "budget"),
        ({"starts_on": "2.11.2026"}, "starts_on"), ({"ends_on": "2026-11-01"}, "ends_on"),
        ({"state": "over"}, "state"), ({"name": "\ufffd"}, "name"),
        ({"description": "x" * 10_001}, "description"), ({"budget": "9" * 30}, "budget"),
    ):  # fmt: skip
        answer = kari.fill_in(page, right | wrong, form="/projects", htmx=True)
        assert answer.status == 422, wrong
        assert answer.tree.xpath("//*[@aria-invalid='true']/@name") == [field]
    assert acme.rows(Project) == []
    done = kari.fill_in(page, right, form="/projects")
    again = kari.fill_in(page, right, form="/projects")
    assert (again.location, len(acme.rows(Project))) == (done.location, 1), "a second click"
    assert "Budget €9,000.50" in kari.get(done.location).text
    at = done.location.partition("?")[0]
    edit = kari.get(f"{at}/edit")
    assert edit.form("/edit")[1]["budget"] == "9000.50"
    kari.fill_in(edit, {"budget": "", "starts_on": "", "state": "active"}, form="/edit")
    (project,) = acme.rows(Project)
    assert (project.budget, project.starts_on, project.state) == (None, None, "active")
    with acme.scope():
        for number in range(30):
            projects.create(
                project.organization_id, acme.customer(OLAF).id,
                projects.ProjectFace(name=f"Site {number}"), by="Kari",
            )  # fmt: skip
    names: list[str] = []
    url: str | None = f"{acme.console}/projects"
    while url:
        page = kari.get(url, htmx=True)
        names += [one.text_content().strip() for one in page.tree.findall(".//td/a")]
        more = page.tree.xpath(".//a[@rel='next']/@href")
        url = f"{acme.public_url}{more[0]}" if more else None
    assert (len(names), len(set(names)), names[-1]) == (31, 31, "Boathouse")
    back = kari.get(acme.public_url + page.tree.xpath(".//a[@rel='prev']/@href")[0])
    assert [one.text_content().strip() for one in back.tree.findall(".//td/a")] == names[:25]
    for term, count in (("boat", 1), ("fjordhus", 1), ("Site 2", 11), ("%", 0), ("\ud800", 0)):
        term = term.encode("utf-8", "replace").decode()
        found = kari.get(f"{acme.console}/projects?q={term}").tree.findall(".//td/a")
        assert len(found) == count, term
    for odd in ("projects/0", f"projects/{2**64}", "projects/1/x", "projects/1/x/1"):
        assert kari.get(f"{acme.console}/{odd}").status in {404, 405}


def test_what_lies_in_it_is_added_changed_and_removed_in_place(acme, kari, at):
    day = {"due_on": "2026-11-30"}
    for tab, typed, changed, kind, shown in (
        ("tasks", {"name": "Measure", "assignee": "Nils", **day}, {"state": "done"}, Task, "Done"),
        ("milestones", {"name": "Floor laid", **day}, {"reached_on": "2026-11-12"}, Milestone,
         "Reached"),
        ("deliverables", {"name": "Plan"}, {"delivered_on": "2026-11-12"}, Deliverable, "Delivered"),
        ("time", {"worked_on": "2026-11-10", "person": "Nils", "hours": "1.5"}, {"hours": "2:15"},
         TimeEntry, "2:15"),
    ):  # fmt: skip
        page = kari.get(f"{at}/{tab}")
        for wrong in ({}, typed | dict.fromkeys(typed, "")):
            answer = kari.fill_in(page, wrong, form=f"/{tab}", htmx=True)
            assert answer.status == 422
            assert 'role="alert"' in answer.source
        answer = kari.fill_in(page, typed, form=f"/{tab}", htmx=True)
        assert (answer.status, "Added." in answer.text) == (200, True)
        assert kari.fill_in(page, typed, form=f"/{tab}").status == 303  # a second click
        (made,) = acme.rows(kind)
        answer = kari.fill_in(answer, changed, form=f"/{tab}/{made.id}", htmx=True)
        assert ("Saved." in answer.text, shown in answer.text) == (True, True)
        gone = kari.fill_in(answer, form=f"/{tab}/{made.id}/remove")
        assert gone.location == f"{at}/{tab}?done=removed"
        assert acme.rows(kind) == []
        again = kari.fill_in(answer, form=f"/{tab}/{made.id}/remove")
        assert (again.status, again.heading) == (404, "That did not work")
    for hours in ("25", "0", "1:75", "-1", "x", "\u0661"):
        typed = {"worked_on": "2026-11-10", "person": "Nils", "hours": hours}
        assert kari.fill_in(f"{at}/time", typed, form="/time").status == 422
    changes = [line for line in acme.log() if line.type == Activity.CHANGE_PROJECT]
    assert {line.actor for line in changes[1:]} == {"Manager Nilsen"}


def test_the_team_talks_and_shows_what_it_wants_to(acme, kari, at):
    marit = acme.account(MARIT)
    page = kari.get(f"{at}/comments")
    assert kari.fill_in(page, {"comment": ""}, form="/comments", htmx=True).status == 422
    done = kari.fill_in(page, {"comment": "The oak is here."}, form="/comments", htmx=True)
    assert "The oak is here." in done.text
    kari.fill_in(page, {"comment": "The oak is here."}, form="/comments")
    assert len(acme.rows(Comment)) == 1
    assert [one.topic for one in acme.rows(Notification)] == [Topic.COMMENTED]
    theirs = f"{acme.portal}/projects/1"
    assert "Total hours" not in marit.get(theirs).text
    _, key = kari.get(f"{acme.console}/logout").form("/logout")
    for name, on in (("shows_hours", "yes"), ("is_shared_with_client", "no")):
        kari.post(f"{at}/switch", key | {"name": name, "on": on})
        seen = marit.get(theirs)
        assert "Total hours" in seen.text if on == "yes" else seen.status == 404
    assert kari.post(f"{at}/switch", key | {"name": "budget", "on": "yes"}).status == 422


def test_a_share_is_made_mailed_and_revoked(acme, stage, kari, at):
    assert "Nobody at Fjordhus" not in kari.get(f"{at}/shares").text
    page = kari.get(f"{at}/shares")
    contact = str(acme.contact(MARIT).id)
    for wrong in ({"last_day": "2026-11-01"}, {"last_day": "x"}, {"contact": "x"},
                  {"contact": str(acme.contact(OLAF).id)}, {"contact": "9" * 19}):  # fmt: skip
        answer = kari.fill_in(page, wrong, form="/shares", htmx=True)
        assert answer.status in {404, 422}, wrong
    assert acme.rows(ProjectShare) == []
    made = kari.fill_in(page, {"time": "yes", "contact": contact}, form="/shares", htmx=True)
    (url,) = LINK.findall(made.source)
    again = kari.fill_in(page, {"time": "yes", "contact": contact}, form="/shares", htmx=True)
    assert LINK.findall(again.source) == [url], "a second click makes no other"
    assert len([one for one in acme.mails() if one.kind == "project_shared"]) == 1
    assert "Hours" in stage.visitor().get(url).text
    assert LINK.findall(kari.get(f"{at}/shares").source) == []
    stage.deliver()
    assert "/p/projects/" in str(stage.letters_to(MARIT)[-1].message)
    done = kari.fill_in(made, form="/shares/1/revoke", htmx=True)
    assert "Revoked" in done.text
    assert stage.visitor().get(url).status == 404
    (share,) = acme.rows(ProjectShare)
    assert share.revoked_by == "Manager Nilsen"
    acme.execute("UPDATE contacts SET email = NULL")
    assert "Nobody at Fjordhus AS can be mailed" in kari.get(f"{at}/shares").text
