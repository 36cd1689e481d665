"""What people choose for themselves, and what is on file about them (spec A11, W8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request, url_for

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page
from blueprints.customer_portal.gate import signed_in
from portico.queries import sign_ins
from portico.queries.signed_in import SignedIn
from portico.refusals import BadInput
from portico.services import accounts, credentials, preferences
from portico.services.preferences import Preferences
from portico.web import limits
from portico.web.ways import go

_DONE = {
    "saved": "Your settings are saved.",
    "password": "Your password is changed. Wherever else you were signed in, you are signed out.",
    "elsewhere": "You are signed out everywhere else.",
}
_MAILS = (
    ("mail_documents", "New and changed documents, and payments"),
    ("mail_decisions", "Answers to quotes: given by a colleague, written down or taken back by us"),
    ("mail_messages", "Our answers to questions"),
    ("mail_reminders", "Reminders before a deadline"),
)


@bp.get("/profile")
def profile() -> Response:
    """What the team has on file; read-only (W8)."""
    limits.account_page(signed_in().account_id)
    return portal_page("portal/profile.html")


@bp.get("/settings")
def settings() -> Response:
    limits.account_page(signed_in().account_id)
    return _settings_page()


@bp.post("/settings")
def settings_submit() -> Response:
    """Keep the form of address, the formats and what is mailed."""
    who = signed_in()
    limits.account_page(who.account_id)
    try:
        preferences.save(who.actor, _chosen())
    except BadInput as problem:
        return _settings_page("portal/_preferences.html", problem)
    return go(url_for("customer_portal.settings", done="saved"))


@bp.post("/settings/password")
def settings_password() -> Response:
    """A new password. A wrong present one counts as a failed sign-in, and for this session."""
    who = signed_in()
    limits.own_password(who.session_id)
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        different = BadInput({"again": "The two passwords are not the same."})
        return _settings_page("portal/_password.html", different)
    attempt = limits.customer_sign_in(who.org.id, accounts.normal_email(who.email))
    try:
        credentials.change_password(who.actor, request.form.get("current", ""), password)
    except BadInput as problem:
        if "current" in problem.errors:
            attempt.failed()
        else:
            attempt.succeeded()
        return _settings_page("portal/_password.html", problem)
    attempt.succeeded()
    return go(url_for("customer_portal.settings", done="password"))


@bp.post("/settings/sign-out-elsewhere")
def sign_out_elsewhere() -> Response:
    """End every other session of this account."""
    credentials.sign_out_elsewhere(signed_in().actor)
    return go(url_for("customer_portal.settings", done="elsewhere"))


@bp.get("/settings/password")
@bp.get("/settings/sign-out-elsewhere")
def settings_back() -> Response:
    """Somebody opened the address of a form: show the page instead."""
    return go(url_for("customer_portal.settings"))


def _chosen() -> Preferences:
    """The form. Raises BadInput where fields are missing, so that half a form changes nothing."""
    missing = {"salutation", "locale", "timezone"} - request.form.keys()
    if missing:
        raise BadInput(dict.fromkeys(missing, "Please open the page again; this did not arrive."))
    return Preferences(
        salutation=request.form["salutation"],
        locale=request.form["locale"] or None,
        timezone=request.form["timezone"] or None,
        **{name: name in request.form for name, _ in _MAILS},
    )


def _settings_page(part: str | None = None, problem: BadInput | None = None) -> Response:
    """The page, or the *part* of it whose form has a *problem*."""
    who = signed_in()
    wrong_preferences = problem is not None and part == "portal/_preferences.html"
    return portal_page(
        "portal/settings.html",
        part=part,
        status=problem.status if problem else 200,
        done=_DONE.get(request.args.get("done", "")),
        errors=problem.errors if problem else {},
        chosen=_as_typed() if wrong_preferences else _as_kept(who),
        locales=_offered(preferences.of_locales(), who.locale, preferences.name_of_locale),
        zones=_offered([(zone, zone.replace("_", " ")) for zone in preferences.ZONES],
                       who.timezone, str),
        mails=_MAILS,
        sign_ins=sign_ins.of_account(who.actor),
    )  # fmt: skip


def _offered(
    choices: list[tuple[str, str]], kept: str | None, name: Callable[[str], str]
) -> list[tuple[str, str]]:
    """The choices, with what was chosen before among them."""
    if kept is None or any(kept == code for code, _ in choices):
        return choices
    return [(kept, name(kept)), *choices]


def _as_kept(who: SignedIn) -> dict[str, Any]:
    kept = {name: getattr(who, name) for name, _ in _MAILS}
    return kept | {
        "salutation": who.salutation,
        "locale": who.locale or "",
        "timezone": who.timezone or "",
    }


def _as_typed() -> dict[str, Any]:
    """What was typed, to show it again; nothing that cannot be shown."""
    typed = {
        name: request.form.get(name, "")[:200].encode("utf-8", "ignore").decode()
        for name in ("salutation", "locale", "timezone")
    }
    return typed | {name: name in request.form for name, _ in _MAILS}
