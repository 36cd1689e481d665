"""Projects: the grid, and one project with its documents, tasks and comments (spec W1)."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Any

from flask import Response, request, url_for

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page
from blueprints.customer_portal.gate import signed_in
from portico.queries import projects as queries
from portico.queries.faces import day_of
from portico.queries.lists import LARGEST_ID
from portico.queries.projects import CardPage, OpenProject
from portico.queries.signed_in import SignedIn
from portico.records.activity import Activity
from portico.records.organization import Section
from portico.refusals import BadInput, NotFound
from portico.services import activity
from portico.services import projects as services
from portico.services.actors import Actor
from portico.web import forms, limits
from portico.web.ways import go

_ONE = "/projects/<int:project_id>"


class Tab(StrEnum):
    DOCUMENTS = "documents"
    TASKS = "tasks"
    COMMENTS = "comments"


@bp.get("/projects", endpoint="projects")
def projects_list() -> Response:
    """A card for each project, newest first."""
    return portal_page("portal/projects.html", page=card_page(_who().actor))


def card_page(actor: Actor) -> CardPage:
    """The cards at the place in the address."""
    return queries.cards(
        actor,
        before=_number(request.args.get("before", "")),
        after=_number(request.args.get("after", "")),
    )


@bp.get(_ONE)
def project(project_id: int) -> Response:
    """One project; the tab is in the address, so that it can be kept."""
    at = find(_who().actor, project_id)
    tab = wanted_tab()
    activity.note(signed_in().actor.entry(Activity.VIEW_PROJECT, project=at.id, tab=tab.value))
    return _page(at, tab)


@bp.post(f"{_ONE}/comments")
def project_comment(project_id: int) -> Response:
    """Say something: in place for htmx, else back to the comments."""
    who = _who()
    at = find(who.actor, project_id)
    limits.account_question(who.account_id)
    try:
        services.comment(who.actor, at.id, forms.typed("comment"))
    except BadInput as problem:
        return _page(at, Tab.COMMENTS, status=problem.status, errors=problem.errors)
    if request.headers.get("HX-Request") == "true":
        return _page(find(who.actor, project_id), Tab.COMMENTS, said=True)
    return go(url_for("customer_portal.project", project_id=at.id, tab=Tab.COMMENTS.value))


@bp.get(f"{_ONE}/comments")
def project_back(project_id: int) -> Response:
    """Somebody opened the address of a form: show the comments instead."""
    at = find(_who().actor, project_id)
    return go(url_for("customer_portal.project", project_id=at.id, tab=Tab.COMMENTS.value))


def _who() -> SignedIn:
    """The reader, where the organization shows projects. Raises NotFound, TooMany."""
    who = signed_in()
    limits.account_page(who.account_id)
    if Section.PROJECTS not in who.org.sections:
        raise NotFound(hint="")
    return who


def find(actor: Actor, project_id: int) -> OpenProject:
    """A project that the actor may see. Raises NotFound."""
    found = queries.find(actor, project_id)
    if found is None:
        raise NotFound(hint="")
    return found


def wanted_tab() -> Tab:
    """The tab in the address; the first, where it names none."""
    wanted = request.args.get("tab", "")
    return Tab(wanted) if wanted in set(Tab) else Tab.DOCUMENTS


def _page(
    at: OpenProject,
    tab: Tab,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    said: bool = False,
) -> Response:
    typed = request.form.get("comment", "")[:20_000] if errors is not None else ""
    return portal_page(
        "portal/project.html",
        part="portal/_project.html",
        status=status,
        typed=typed.encode("utf-8", "ignore").decode(),
        errors=errors or {},
        said=said,
        **project_context(at, tab, signed_in().org.timezone),
    )


def project_context(at: OpenProject, tab: Tab, zone: str) -> dict[str, Any]:
    """What the page reads of the project itself; days are those in *zone*."""
    return {
        "project": at,
        "hours": queries.hours(at.id) if at.shows_hours else None,
        "tab": tab.value,
        "tabs": [(one.value, one.value.title()) for one in Tab],
        "day_of": partial(day_of, zone=zone),
        "longest": services.LONGEST_COMMENT,
        **_matter(at, tab),
    }


def _matter(at: OpenProject, tab: Tab) -> dict[str, Any]:
    """What the open tab shows, and where it goes on."""
    before = _number(request.args.get("before", ""))
    if tab is Tab.TASKS:
        rows, on = queries.tasks(at.id, beyond=min(before or 0, queries.MOST_PARTS))
        return {"rows": rows, "older": on or None}
    read = queries.files if tab is Tab.DOCUMENTS else queries.comments
    found, older = read(at.id, before=before)
    return {"rows": found, "older": older}


def _number(text: str) -> int | None:
    """A record's number from the address; None where it is none."""
    fits = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if fits and int(text) <= LARGEST_ID else None
