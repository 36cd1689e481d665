"""The demonstration's projects: one that goes on, one that is planned, and a share to open."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from portico import clock
from portico.db import db, unit_of_work
from portico.queries import signed_in
from portico.records.account import PortalAccount
from portico.records.organization import Organization, Section
from portico.records.project import Project, ProjectShare
from portico.services import files, intake, projects, sessions, shares, team
from portico.services.activity import Visitor
from portico.services.files import Place
from portico.services.shares import Shows
from portico.services.team import OrganizationFace

_ORGANIZATION, _CUSTOMER = "halden", "10021"
_FLOORS, _STAIRS = "PRJ-114", "PRJ-121"


# When something happens, and what.
Scene = tuple[dt.datetime, Callable[[], object]]


def scenes(*, by: str, browser: Visitor) -> Iterator[Scene]:
    """What makes the projects where they are not there yet; the customer has an account by now."""
    if _find(_FLOORS) is not None:
        return
    team.change_organization(
        _ORGANIZATION, OrganizationFace(sections=[section.value for section in Section])
    )
    now = clock.now()
    day = dt.timedelta(days=1)
    data = json.dumps({"projects": _projects(now.date())}).encode()
    yield now - 6 * day, lambda: intake.import_file(data, _ORGANIZATION, by=by)
    yield now - 5 * day, lambda: _share_rooms(by=by)
    yield now - 5 * day, lambda: _say("The oak is in our workshop and dries until Thursday.", by=by)
    question = "Good. Can you keep the stairs free on Friday? We have visitors."
    yield now - 4 * day, lambda: _answer(_floors(), question, browser)
    answer = "Of course. On Friday we work in the library only."
    yield now - 4 * day + dt.timedelta(hours=2), lambda: _say(answer, by=by)


def _share_rooms(*, by: str) -> None:
    floors = _floors()
    place = Place(floors.organization_id, floors.customer_id, floors.id)
    files.add([(io.BytesIO(_ROOMS), "Rooms and sizes.csv")], place, by=by, shared=True)


def _say(words: str, *, by: str) -> None:
    projects.comment_by_staff(_floors().id, words, by=by)


def share_url(*, by: str) -> str:
    """The address of a share that opens; a new one where the last was revoked or ran out."""
    floors = _floors()
    if not floors.is_shared_with_client:
        projects.change(floors.id, projects.ProjectFace(is_shared_with_client=True), by=by)
    newest = db.session.scalars(
        sa.select(ProjectShare)
        .where(ProjectShare.project_id == floors.id, ProjectShare.contact_id.is_(None))
        .order_by(ProjectShare.id.desc())
        .limit(1)
    ).first()
    if newest is not None and shares.is_open(newest.id):
        return shares.url_of(newest, shares.LONG)
    _share, url = shares.issue(floors.id, Shows(time=True, files=True), by=by)
    return url


def _floors() -> Project:
    found = _find(_FLOORS)
    assert found is not None
    return found


def _find(external_id: str) -> Project | None:
    return db.session.scalars(
        sa.select(Project)
        .join(Organization, Organization.id == Project.organization_id)
        .where(Organization.slug == _ORGANIZATION, Project.external_id == external_id)
    ).first()


def _answer(project: Project, words: str, browser: Visitor) -> None:
    """The customer says something in the portal, signed in for the moment."""
    account = db.session.scalars(
        sa.select(PortalAccount)
        .where(PortalAccount.customer_id == project.customer_id)
        .order_by(PortalAccount.id)
        .limit(1)
    ).one()
    with unit_of_work():
        opened = sessions.open_for(account, browser)
    who = signed_in.find(opened.secret, browser)
    assert who is not None
    projects.comment(who.actor, project.id, words)
    with unit_of_work():
        sessions.end(opened.id, "the demonstration is ready")


_ROOMS = b"""room,length m,width m,area m2
Library,7.20,5.10,36.72
Landing,3.40,2.10,7.14
Reading corner,2.60,2.40,6.24
"""


def _projects(today: dt.date) -> list[dict[str, Any]]:
    def day(after: int) -> str:
        return (today + dt.timedelta(days=after)).isoformat()

    customer = {"external_id": _CUSTOMER}
    hours = (
        (-16, "Nils Aas", 390, "F-1", True, "Measuring, and the plan of the boards"),
        (-12, "Nils Aas", 450, "F-2", True, "Old floor taken up, ground levelled"),
        (-11, "Eva Moen", 450, "F-2", True, "Old floor taken up, ground levelled"),
        (-9, "Eva Moen", 90, None, False, "A second look at the damp wall"),
        (-7, "Nils Aas", 480, "F-3", True, "Boards cut and brushed"),
    )
    floors = {
        "external_id": _FLOORS,
        "customer": customer,
        "name": "Oak floors in the library",
        "description": "Brushed oak for the library, the landing and the reading corner, "
        "laid over four weeks while the house stays open.",
        "state": "active",
        "shows_hours": True,
        "starts_on": day(-18),
        "ends_on": day(20),
        "budget": "18400.00",
        "spent": "7950.00",
        "milestones": [
            {"name": "Ground is level and dry", "due_on": day(-9), "reached_on": day(-8)},
            {"name": "Library is laid", "due_on": day(6)},
            {"name": "All rooms oiled", "due_on": day(18)},
        ],
        "deliverables": [
            {
                "name": "Plan of the boards",
                "description": "Where each board lies, room by room.",
                "delivered_on": day(-14),
            },
            {"name": "Care guide for the oiled floor"},
        ],
        "tasks": [
            {
                "external_id": "F-1", "name": "Measure the rooms", "assignee": "Nils Aas",
                "state": "done", "due_on": day(-15),
            },
            {
                "external_id": "F-2", "name": "Take up the old floor", "assignee": "Eva Moen",
                "state": "done", "due_on": day(-10),
            },
            {
                "external_id": "F-3", "name": "Lay the library", "assignee": "Nils Aas",
                "state": "in_progress", "due_on": day(6),
            },
            {"external_id": "F-4", "name": "Lay landing and reading corner", "due_on": day(13)},
            {"external_id": "F-5", "name": "New skirting in the hall", "state": "cancelled"},
        ],
        "time": [
            {
                "external_id": f"H-{number}", "worked_on": day(after), "person": person,
                "minutes": minutes, "is_billable": billable, "description": words,
                **({"task": task} if task else {}),
            }
            for number, (after, person, minutes, task, billable, words) in enumerate(hours, 1)
        ],
    }  # fmt: skip
    stairs = {
        "external_id": _STAIRS,
        "customer": customer,
        "name": "Handrail for the west stairs",
        "description": "A handrail in ash, and two new steps at the landing.",
        "state": "planned",
        "starts_on": day(34),
        "milestones": [{"name": "Ash is chosen together", "due_on": day(27)}],
        "tasks": [{"name": "Show samples of ash", "assignee": "Eva Moen"}],
    }
    return [floors, stairs]
