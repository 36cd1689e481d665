"""The demonstration's projects: one that goes on, one that is planned, and a share to open."""

from __future__ import annotations

import datetime as dt
import io
import json
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


def fill(*, by: str, browser: Visitor) -> None:
    """Make the projects where they are not there yet; the customer has an account by now."""
    if _find(_FLOORS) is not None:
        return
    team.change_organization(
        _ORGANIZATION, OrganizationFace(sections=[section.value for section in Section])
    )
    now = clock.now()
    with clock.at(now - dt.timedelta(days=6)):
        data = json.dumps({"projects": _projects(now.date())}).encode()
        intake.import_file(data, _ORGANIZATION, by=by)
    floors = _find(_FLOORS)
    assert floors is not None
    place = Place(floors.organization_id, floors.customer_id, floors.id)
    with clock.at(now - dt.timedelta(days=5)):
        files.add([(io.BytesIO(_ROOMS), "Rooms and sizes.csv")], place, by=by, shared=True)
        projects.comment_by_staff(
            floors.id, "The oak is in our workshop and dries until Thursday.", by=by
        )
    with clock.at(now - dt.timedelta(days=4)):
        _answer(floors, "Good. Can you keep the stairs free on Friday? We have visitors.", browser)
    with clock.at(now - dt.timedelta(days=4) + dt.timedelta(hours=2)):
        projects.comment_by_staff(
            floors.id, "Of course. On Friday we work in the library only.", by=by
        )


def share_url(*, by: str) -> str:
    """The address of a share that opens; a new one where the last was revoked or ran out."""
    floors = _find(_FLOORS)
    assert floors is not None
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
