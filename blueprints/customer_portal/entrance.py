"""Signing in and out, and setting a password by a mailed link (spec A1, A3, A5)."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from blueprints.customer_portal import bp
from blueprints.customer_portal.gate import signed_in
from portico.db import current_tenant
from portico.queries import organizations
from portico.queries.faces import OrganizationFace
from portico.records.account import TokenPurpose
from portico.refusals import BadInput
from portico.services import account_tokens, accounts, credentials
from portico.services.account_tokens import TokenSpent
from portico.web import limits, sign_in
from portico.web.pages import brand_css_url, page
from portico.web.visitors import visitor
from portico.web.ways import go, wanted_page

_WRONG = "This address and password do not belong together. Please look at both again."
_PLEASE = {
    "org": "Please choose one.",
    "email": "Please type your address.",
    "password": "Please type your password.",
}
_FORMS = {
    TokenPurpose.SETUP: "customer_portal.setup_submit",
    TokenPurpose.RESET: "customer_portal.reset_password_submit",
}


@bp.get("/")
def root() -> Response:
    return go(url_for("customer_portal.dashboard"))


@bp.get("/login")
def login() -> Response:
    return _login_page()


@bp.post("/login")
def login_submit() -> Response:
    """One answer for unknown, wrong and disabled, after the same time (A5)."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    org = _organization()
    missing = _missing(org, email=email.strip(), password=password)
    if org is None or missing:
        return _login_page(422, errors=missing, email=email)
    secret = _secret_for(org.id, email, password)
    if secret is None:
        return _login_page(422, error=_WRONG, email=email)
    sign_in.sign_customer_in(secret)
    wanted = wanted_page(request.form.get("next", ""))
    return go(wanted or url_for("customer_portal.dashboard"))


@bp.get("/logout")
def logout() -> Response:
    """Ask first: a link must not sign anybody out."""
    return page("portal/logout.html", **_context(signed_in().org))


@bp.post("/logout")
def logout_submit() -> Response:
    """To the sign-in page: of another organization, and on from there, where that was meant."""
    slug = request.form.get("org") or signed_in().org.slug
    wanted = wanted_page(request.form.get("next", ""))
    credentials.sign_out(signed_in().actor)
    sign_in.sign_out()
    return go(url_for("customer_portal.login", org=slug, next=wanted, done="out"))


@bp.get("/forgot-password")
def forgot_password() -> Response:
    return page("portal/forgot.html", email="", errors={}, **_choice())


@bp.post("/forgot-password")
def forgot_password_submit() -> Response:
    """The same answer for every address; the worker finds out whom it belongs to."""
    org, email = _organization(), request.form.get("email", "")
    missing = _missing(org, email=email.strip())
    if org is None or missing:
        context = {"email": _shown(email), "errors": missing, **_choice()}
        return page("portal/forgot.html", status=422, **context)
    limits.password_post()
    accounts.ask_for_reset(org.id, email, visitor())
    return page("portal/forgot_sent.html", **_context(org))


@bp.get("/setup")
def setup() -> Response:
    return _password_page(TokenPurpose.SETUP)


@bp.post("/setup")
def setup_submit() -> Response:
    return _set_password(TokenPurpose.SETUP)


@bp.get("/reset-password")
def reset_password() -> Response:
    return _password_page(TokenPurpose.RESET)


@bp.post("/reset-password")
def reset_password_submit() -> Response:
    return _set_password(TokenPurpose.RESET)


def _password_page(
    purpose: TokenPurpose, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    """The form behind a mailed link. Opening it spends nothing: mail scanners open it too."""
    token = request.args.get("token", "")
    try:
        found = account_tokens.find(purpose, token)
    except TokenSpent as spent:
        limits.unknown_token("customer-portal-password")
        context = {"spent": spent, **_choice()}
        return page("portal/spent.html", status=spent.status, **context)
    org = organizations.by_id(found.organization_id)
    return page(
        "portal/password.html",
        status=status,
        found=found,
        is_setup=purpose is TokenPurpose.SETUP,
        action=url_for(_FORMS[purpose], token=token),
        errors=errors or {},
        **_context(org),
    )


def _set_password(purpose: TokenPurpose) -> Response:
    limits.password_post()
    before, token = sign_in.customer(), request.args.get("token", "")
    password, again = request.form.get("password", ""), request.form.get("again", "")
    try:
        if password != again:
            raise BadInput({"again": "The two passwords are not the same."})
        secret = credentials.set_password(purpose, token, password, visitor())
    except BadInput as problem:
        return _password_page(purpose, problem.status, problem.errors)
    except TokenSpent:
        account = account_tokens.set_just_now(purpose, token, visitor())
        if (
            account is None
            or (second := _secret_for(account.organization_id, account.email, password)) is None
        ):
            return _password_page(purpose)
        secret = second
    if before is not None:
        credentials.sign_out(before.actor)  # whoever was signed in here is not any more
    sign_in.sign_customer_in(secret)
    return go(url_for("customer_portal.dashboard"))


def _secret_for(organization_id: int, email: str, password: str) -> str | None:
    """A session for whom address and password belong to; None where they do not belong together.
    Raises TooMany."""
    attempt = limits.customer_sign_in(organization_id, accounts.normal_email(email))
    secret = credentials.sign_in(organization_id, email, password, visitor())
    if secret is None:
        attempt.failed()
        return None
    attempt.succeeded()
    return secret


# --- which organization ------------------------------------------------------------------------


def _login_page(
    status: int = 200,
    *,
    error: str | None = None,
    errors: dict[str, str] | None = None,
    email: str = "",
) -> Response:
    wanted = wanted_page(request.values.get("next", ""))
    done = "You are signed out." if request.args.get("done") == "out" else None
    return page(
        "portal/login.html",
        status=status,
        error=error,
        errors=errors or {},
        done=done,
        email=_shown(email),
        next=wanted,
        **_choice(),
    )


def _missing(org: OrganizationFace | None, **typed: str) -> dict[str, str]:
    """What has to be filled in still, by field."""
    missing = {field: _PLEASE[field] for field, text in typed.items() if not text}
    return missing if org is not None else {"org": _PLEASE["org"], **missing}


def _organization() -> OrganizationFace | None:
    """The one that was chosen, or the only one there is (A2)."""
    every = organizations.all_of_them()
    chosen = request.values.get("org", "")
    if len(every) == 1:
        return every[0]
    return next((org for org in every if org.slug == chosen), None)


def _choice() -> dict[str, Any]:
    every = organizations.all_of_them()
    return {"choice": every if len(every) > 1 else [], **_context(_organization())}


def _context(org: OrganizationFace | None) -> dict[str, Any]:
    """The page's face: the organization's, or the tenant's while none is chosen."""
    return {"org": brand_css_url(org), "tenant_name": current_tenant().name}


def _shown(text: str) -> str:
    return text[:320].encode("utf-8", "ignore").decode()
