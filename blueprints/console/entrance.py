"""How the team signs in and out, by password and second factor, and sets a password by a mailed
link (spec C1)."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from blueprints.console import bp
from blueprints.console.gate import me, needs
from portico.db import current_tenant
from portico.records.staff import Permission, StaffTokenPurpose
from portico.refusals import BadInput
from portico.services import accounts, staff
from portico.services.second_factor import finish_sign_in
from portico.services.staff import Opened, StaffTokenSpent
from portico.web import limits, sign_in
from portico.web.pages import page
from portico.web.visitors import visitor
from portico.web.ways import go, wanted_page

_WRONG = "This address and password do not belong together. Please look at both again."


@bp.get("/login")
def login() -> Response:
    return _login_page()


@bp.post("/login")
def login_submit() -> Response:
    """One answer for unknown, wrong and disabled, after the same time."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    if not email.strip() or not password:
        return _login_page(422, "Please fill in both fields.", email)
    opened = _enter(email, password)
    if opened is None:
        return _login_page(422, _WRONG, email)
    wanted = wanted_page(request.form.get("next", ""))
    if opened.second_factor_due:
        return go(url_for("console.second_factor", next=wanted))
    return go(wanted or url_for("console.start"))


@bp.get("/second-factor")
def second_factor() -> Response:
    if not me().second_factor_due:
        return go(url_for("console.start"))
    return _code_page()


@bp.post("/second-factor")
def second_factor_submit() -> Response:
    """A code of the app, or a recovery code. Wrong ones count as failures to sign in."""
    who, code = me(), request.form.get("code", "")
    if not code.strip():
        return _code_page(422, "Please type the code.")
    attempt = limits.staff_sign_in(who.email)
    limits.second_factor(who.staff_id)
    secret = finish_sign_in(who.session_id, code, visitor())
    if secret is None:
        attempt.failed()
        return _code_page(
            422,
            "This code does not work. Each works once; the app has a new one every half minute.",
        )
    attempt.succeeded()
    limits.second_factor_passed(who.staff_id)
    sign_in.sign_staff_in(secret)
    return go(wanted_page(request.form.get("next", "")) or url_for("console.start"))


@bp.get("/logout")
def logout() -> Response:
    """Ask first: a link must not sign anybody out."""
    return page("console/logout.html", **_context())


@bp.post("/logout")
def logout_submit() -> Response:
    who = me()
    staff.sign_out(who.session_id, who.by, who.organization_id)
    sign_in.sign_out()
    return go(url_for("console.login", done="out"))


@bp.get("/forgot-password")
def forgot_password() -> Response:
    return page("console/forgot.html", email="", error=None, **_context())


@bp.post("/forgot-password")
def forgot_password_submit() -> Response:
    """The same answer for every address; the worker finds out whom it belongs to."""
    email = request.form.get("email", "")
    if not email.strip():
        error = "Please type your address."
        return page("console/forgot.html", status=422, email="", error=error, **_context())
    limits.password_post()
    staff.ask_for_reset(email, visitor())
    return page("console/forgot_sent.html", **_context())


@bp.get("/setup")
def setup() -> Response:
    return _password_page(StaffTokenPurpose.INVITATION)


@bp.post("/setup")
def setup_submit() -> Response:
    return _set_password(StaffTokenPurpose.INVITATION)


@bp.get("/reset-password")
def reset_password() -> Response:
    return _password_page(StaffTokenPurpose.RESET)


@bp.post("/reset-password")
def reset_password_submit() -> Response:
    return _set_password(StaffTokenPurpose.RESET)


@bp.post("/organization")
@needs(Permission.VIEW)
def choose_organization() -> Response:
    """Work in another organization from now on."""
    staff.choose_organization(me().session_id, me().staff_id, request.form.get("slug", ""))
    sign_in.void_forms_of_the_organization()
    return go(url_for("console.start"))


def _password_page(
    purpose: StaffTokenPurpose, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    """The form behind a mailed link. Opening it spends nothing: mail scanners open it too."""
    token = request.args.get("token", "")
    try:
        member = staff.open_token(purpose, token)
    except StaffTokenSpent as spent:
        limits.unknown_token("staff-password")
        return page("console/spent.html", status=spent.status, spent=spent, **_context())
    first = purpose is StaffTokenPurpose.INVITATION
    action = url_for(f"console.{'setup' if first else 'reset_password'}_submit", token=token)
    return page(
        "console/password.html",
        status=status,
        member=member,
        is_first=first,
        action=action,
        errors=errors or {},
        **_context(),
    )


def _set_password(purpose: StaffTokenPurpose) -> Response:
    limits.password_post()
    token = request.args.get("token", "")
    password, again = request.form.get("password", ""), request.form.get("again", "")
    try:
        if password != again:
            raise BadInput({"again": "The two passwords are not the same."})
        secret = staff.set_password(purpose, token, password, visitor())
    except BadInput as problem:
        return _password_page(purpose, problem.status, problem.errors)
    except StaffTokenSpent:
        member = staff.set_just_now(purpose, token, visitor())
        if member is None or _enter(member.email, password) is None:
            return _password_page(purpose)
    else:
        sign_in.sign_staff_in(secret)
    return go(url_for("console.start"))


def _enter(email: str, password: str) -> Opened | None:
    """Sign this browser in, perhaps halfway; None where the two do not belong together. Raises
    TooMany."""
    attempt = limits.staff_sign_in(accounts.normal_email(email))
    opened = staff.sign_in(email, password, visitor())
    if opened is None:
        attempt.failed()
        return None
    sign_in.sign_staff_in(opened.secret)
    if opened.second_factor_due:
        attempt.went_halfway()
    else:
        attempt.succeeded()
    return opened


def _login_page(status: int = 200, error: str | None = None, email: str = "") -> Response:
    return page(
        "console/login.html",
        status=status,
        error=error,
        done="You are signed out." if request.args.get("done") == "out" else None,
        email=email[:320].encode("utf-8", "ignore").decode(),
        next=wanted_page(request.values.get("next", "")),
        **_context(),
    )


def _code_page(status: int = 200, error: str | None = None) -> Response:
    return page(
        "console/second_factor.html",
        status=status,
        error=error,
        next=wanted_page(request.values.get("next", "")),
        **_context(),
    )


def _context() -> dict[str, Any]:
    return {"org": None, "tenant_name": f"{current_tenant().name} console"}
