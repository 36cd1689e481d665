"""The team: who works here, and as what (spec C7)."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, flash, request, url_for

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico.queries import colleagues as team_of
from portico.records.staff import Permission, Role
from portico.refusals import BadInput, Conflict
from portico.services import colleagues
from portico.services.colleagues import Done, LastOwner
from portico.web.ways import go

# What each role is for, in the words of the page.
_ROLES = {
    Role.OWNER: "everything, and who is on the team",
    Role.MANAGER: "everything but the team",
    Role.ACCOUNTANT: "documents, payments, customers and their access",
    Role.SALES: "documents and customers",
    Role.VIEWER: "reads",
}


@dataclass(frozen=True, slots=True)
class Invitation:
    """The form of an invitation as it was filled in."""

    name: str = ""
    email: str = ""
    role: str = Role.SALES.value


@bp.get("/team")
@needs(Permission.TEAM)
def team() -> Response:
    return _list()


@bp.post("/team")
@needs(Permission.TEAM)
def team_invite() -> Response:
    """Who works in the tenant already is put on the team as well; the answer is the same."""
    try:
        role, name, email = _role(_typed("role")), _typed("name"), _typed("email")
        member = colleagues.invite(name, email, me().organization_id, role, by=me().by)
    except BadInput as problem:
        return _list(problem.status, form=_form(), errors=problem.errors)
    except Conflict as problem:
        return _list(problem.status, form=_form(), errors={"email": problem.sentence})
    return _done(f"{member.email} is on the team. A mail is on its way.")


@bp.get("/team/<int:staff_id>")
@needs(Permission.TEAM)
def team_member(staff_id: int) -> Response:
    return _one(staff_id)


@bp.post("/team/<int:staff_id>/role")
@needs(Permission.TEAM)
def team_role(staff_id: int) -> Response:
    try:
        role = _role(_typed("role"))
        colleagues.change_role(staff_id, me().organization_id, role, by=me().by)
    except (BadInput, LastOwner) as problem:
        return _one(staff_id, problem.status, error=problem.sentence)
    sentence = f"The role is {role.value} now."
    if staff_id == me().staff_id and Permission.TEAM not in role.permissions:
        flash(sentence)  # this page is theirs no more
        return go(url_for("console.start"))
    return _done(sentence, staff_id)


@bp.post("/team/<int:staff_id>/remove")
@needs(Permission.TEAM)
def team_remove(staff_id: int) -> Response:
    try:
        member = colleagues.remove(staff_id, me().organization_id, by=me().by)
    except LastOwner as problem:
        return _one(staff_id, problem.status, error=problem.sentence)
    if staff_id == me().staff_id:
        return go(url_for("console.login", done="out"))
    return _gone(f"{member.name} is off the team.")


@bp.post("/team/<int:staff_id>/disable")
@needs(Permission.TEAM)
def team_disable(staff_id: int) -> Response:
    """Of somebody who works elsewhere too, an owner takes no more than the role here."""
    who = me()
    try:
        done = colleagues.disable(staff_id, who.organization_id, by=who.by, owner_id=who.staff_id)
    except LastOwner as problem:
        return _one(staff_id, problem.status, error=problem.sentence)
    if done is Done.REMOVED:
        return _gone("They work elsewhere too, so they were taken off this team and no more.")
    return _done("They cannot sign in any more.", staff_id)


@bp.post("/team/<int:staff_id>/enable")
@needs(Permission.TEAM)
def team_enable(staff_id: int) -> Response:
    who = me()
    colleagues.enable(staff_id, who.organization_id, by=who.by, owner_id=who.staff_id)
    return _done("They can sign in again.", staff_id)


@bp.post("/team/<int:staff_id>/resend")
@needs(Permission.TEAM)
def team_resend(staff_id: int) -> Response:
    try:
        colleagues.resend(staff_id, me().organization_id, by=me().by)
    except Conflict as problem:
        return _one(staff_id, problem.status, error=problem.sentence)
    return _done("A new mail is on its way; the link in the one before stops working.", staff_id)


@bp.post("/team/<int:staff_id>/second-factor")
@needs(Permission.TEAM)
def team_second_factor(staff_id: int) -> Response:
    who = me()
    colleagues.reset_second_factor(staff_id, who.organization_id, by=who.by, owner_id=who.staff_id)
    return _done("The password alone lets them in now. They are told by mail.", staff_id)


# --- parts ----------------------------------------------------------------------------------


def _typed(name: str) -> str:
    return request.form.get(name, "")


def _role(text: str) -> Role:
    if text not in set(Role):
        raise BadInput({"role": "Please choose a role."})
    return Role(text)


def _form() -> Invitation:
    return Invitation(_shown("name"), _shown("email"), _shown("role"))


def _shown(name: str) -> str:
    return _typed(name)[:320].encode("utf-8", "ignore").decode()


def _done(sentence: str, staff_id: int | None = None) -> Response:
    """Say it in place, or where a browser without htmx is sent back to: the person, the list."""
    if request.headers.get("HX-Request") == "true":
        return _list(done=sentence) if staff_id is None else _one(staff_id, done=sentence)
    flash(sentence)
    if staff_id is None:
        return go(url_for("console.team"))
    return go(url_for("console.team_member", staff_id=staff_id))


def _gone(sentence: str) -> Response:
    """There is no person to show any more, so to the list."""
    flash(sentence)
    return go(url_for("console.team"))


def _list(
    status: int = 200,
    *,
    done: str | None = None,
    form: Invitation | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    return console_page(
        "console/team.html",
        part="console/_team.html",
        status=status,
        done=done,
        team=team_of.of(me().organization_id),
        roles=_ROLES,
        form=form or Invitation(),
        errors=errors or {},
    )


def _one(
    staff_id: int, status: int = 200, *, done: str | None = None, error: str | None = None
) -> Response:
    return console_page(
        "console/team_member.html",
        part="console/_team_member.html",
        status=status,
        done=done,
        person=team_of.one(staff_id, me().organization_id),
        roles=_ROLES,
        error=error,
    )
