"""Your sign-in: name, password, second factor, and where you are signed in (spec C1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import segno
from flask import Response, flash, request, session, url_for

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico.queries import colleagues
from portico.records.staff import Permission
from portico.refusals import BadInput, Refusal
from portico.services import second_factor, staff
from portico.services.second_factor import AlreadyOn, Secret
from portico.services.staff import WrongPassword
from portico.web import limits
from portico.web.ways import go

_BEGUN_HERE = "second_factor_begun"


@bp.get("/you")
@needs(Permission.VIEW)
def own_settings() -> Response:
    return _page()


@bp.post("/you")
@needs(Permission.VIEW)
def own_name() -> Response:
    try:
        staff.rename(me().staff_id, _typed("name"), **_trail())
    except BadInput as problem:
        return _page(problem.status, name=_shown("name"), errors=problem.errors)
    return _done("Your name is saved.")


@bp.post("/you/password")
@needs(Permission.VIEW)
def own_password() -> Response:
    """A new password needs the present one; a wrong one counts as a failure to sign in."""
    new, again = _typed("password"), _typed("again")
    try:
        if new != again:
            raise BadInput({"again": "The two passwords are not the same."})
        with _present_password() as current:
            staff.change_password(me().staff_id, current, new, **_trail())
    except BadInput as problem:
        return _page(problem.status, section="password", errors=problem.errors)
    return _done("Your password is changed. Wherever else you were signed in, you are signed out.")


@bp.post("/you/sessions/<int:session_id>/end")
@needs(Permission.VIEW)
def own_session_end(session_id: int) -> Response:
    staff.end_own_session(session_id, me().staff_id, **_trail())
    return _done("That session is ended.")


# --- the second factor ----------------------------------------------------------------------


@bp.post("/you/second-factor/begin")
@needs(Permission.VIEW)
def own_second_factor_begin() -> Response:
    try:
        with _present_password() as current:
            second_factor.begin(me().staff_id, current, **_trail())
    except BadInput as problem:
        return _page(problem.status, section="begin", errors=problem.errors)
    session[_BEGUN_HERE] = True
    if request.headers.get("HX-Request") == "true":
        return _page(section="confirm")
    return go(url_for("console.own_settings", _anchor="second-factor"))


@bp.post("/you/second-factor/confirm")
@needs(Permission.VIEW)
def own_second_factor_confirm() -> Response:
    """The answer holds the recovery codes, this once; so it is the page itself."""
    limits.second_factor(me().staff_id)
    try:
        codes = second_factor.confirm(me().staff_id, _typed("code"), **_trail())
    except BadInput as problem:
        return _page(problem.status, section="confirm", errors=problem.errors)
    except AlreadyOn as problem:  # the page with the codes was sent again, by a reload
        return _page(problem.status, done=problem.sentence)
    limits.second_factor_passed(me().staff_id)
    return _page(codes=codes)


@bp.post("/you/second-factor/codes")
@needs(Permission.VIEW)
def own_second_factor_codes() -> Response:
    try:
        with _present_password() as current:
            codes = second_factor.new_codes(me().staff_id, current, **_trail())
    except BadInput as problem:
        return _page(problem.status, section="codes", errors=problem.errors)
    return _page(codes=codes)


@bp.post("/you/second-factor/off")
@needs(Permission.VIEW)
def own_second_factor_off() -> Response:
    try:
        with _present_password() as current:
            second_factor.switch_off(me().staff_id, current, **_trail())
    except BadInput as problem:
        return _page(problem.status, section="off", errors=problem.errors)
    return _done("The second factor is off; your password alone lets you in.")


@bp.post("/you/second-factor/give-up")
@needs(Permission.VIEW)
def own_second_factor_give_up() -> Response:
    second_factor.give_up(me().staff_id)
    return _done("Nothing was switched on.")


# --- parts ----------------------------------------------------------------------------------


@contextmanager
def _present_password() -> Iterator[str]:
    """The present password as typed, for a block that checks it. A wrong one counts against the
    limits of the sign-in page, so that a borrowed browser is no place to guess. Raises TooMany."""
    attempt = limits.staff_sign_in(me().email)
    try:
        yield _typed("current")
    except WrongPassword:
        attempt.failed()
        raise
    except Refusal:
        attempt.succeeded()
        raise
    attempt.succeeded()


def _trail() -> dict[str, Any]:
    return {"by": me().by, "organization_id": me().organization_id}


def _typed(name: str) -> str:
    return request.form.get(name, "")


def _shown(name: str) -> str:
    return _typed(name)[:320].encode("utf-8", "ignore").decode()


def _done(sentence: str) -> Response:
    """Say it in place, or on the page that a browser without htmx is sent back to."""
    if request.headers.get("HX-Request") == "true":
        return _page(done=sentence)
    flash(sentence)
    return go(url_for("console.own_settings"))


def _page(
    status: int = 200,
    *,
    section: str | None = None,
    errors: dict[str, str] | None = None,
    codes: list[str] | None = None,
    done: str | None = None,
    name: str | None = None,
) -> Response:
    """The page, or its part; *section* is the form that *errors* belong to."""
    who = me()
    # Whoever signs in elsewhere meanwhile did not type the password for it.
    pending = second_factor.pending(who.staff_id) if _BEGUN_HERE in session else None
    return console_page(
        "console/own.html",
        part="console/_own.html",
        status=status,
        section=section or "name",
        errors=errors or {},
        codes=codes,
        done=done,
        name=who.name if name is None else name,
        pending=pending,
        square=_square(pending) if pending else None,
        is_on=second_factor.is_on(who.staff_id),
        codes_left=second_factor.codes_left(who.staff_id),
        sessions=colleagues.open_sessions(who.staff_id),
    )


def _square(pending: Secret) -> str:
    """The QR code as an address that holds the picture itself."""
    return segno.make(pending.uri, error="m").svg_data_uri(border=4, light="#fff", omitsize=True)
