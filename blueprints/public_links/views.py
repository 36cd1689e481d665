"""One document behind a secret link: read, download, answer, ask, end (spec L1-L13, Q1).

The blueprint ``quote_links`` serves the same views under ``/q/``; URLs are made relative to
the blueprint that was asked.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import Response, g, redirect, request, url_for

from blueprints.public_links.gate import linked
from portico.queries import link_pages
from portico.queries.faces import masked_email
from portico.queries.link_pages import LinkedPage
from portico.refusals import NotFound
from portico.services import accounts, activity, links
from portico.web import document_pages, limits
from portico.web.document_pages import Door
from portico.web.pages import brand_css_url, page

# Blueprint -> the path its links begin with, filled in where the routes are made.
ROOTS: dict[str, str] = {}


def show(token: str) -> Response:
    """The document's page."""
    return document_pages.show(_door())


def pdf(token: str) -> Response:
    return document_pages.pdf(_door())


def receipt(token: str) -> Response:
    return document_pages.receipt(_door())


def attachment(token: str, position: int) -> Response:
    return document_pages.attachment(_door(), position)


def accept(token: str) -> Response:
    return document_pages.accept(_door())


def decline(token: str) -> Response:
    return document_pages.decline(_door())


def ask(token: str) -> Response:
    return document_pages.ask(_door())


def more_time(token: str) -> Response:
    return document_pages.more_time(_door())


def answer_item(token: str, position: int) -> Response:
    return document_pages.answer_item(_door(), position)


def end(token: str) -> Response:
    """Ask before ending; the POST ends (spec L11)."""
    if request.method != "POST":
        return page("public/end.html", **_context())
    links.end(linked().actor)
    return page("public/ended.html", **_context())


def settings(token: str) -> Response:
    """What this link is, and the way to an account (spec L10)."""
    sign_in_url = url_for("customer_portal.login", org=linked().org.slug)
    return page("public/settings.html", sign_in_url=sign_in_url, **_context())


def account(token: str) -> Response:
    """Ask for an account; the answer is the same whether or not one can be made (spec L10)."""
    at = linked()
    if not at.actor.contact_email:
        raise NotFound
    limits.recovery(at.link_id)
    accounts.ask_for_account(at.actor)
    return page("public/account_asked.html", **_context())


def back(token: str, position: int = 0) -> Response:
    """Somebody opened the address of a form: show the page instead."""
    return redirect(_root(), 303)  # type: ignore[return-value]


# --- expired links ---------------------------------------------------------------------------


def expired() -> Response:
    """Link expired: no data of the document, and the way to a fresh link (spec L4)."""
    at = linked()
    activity.note(at.actor.entry(document_pages.viewed(at), expired=True))
    if request.headers.get("HX-Request") == "true":
        response = Response(status=200)
        response.headers["HX-Redirect"] = _root()
        return response
    return page("public/expired.html", status=410, **_recovery_context())


def request_access(token: str) -> Response:
    """Mail a fresh link to the address on file; the answer never says whether one was sent."""
    return _renew()


def send_again(token: str) -> Response:
    """The mail did not come: once more, under the same limits."""
    return _renew()


def _renew() -> Response:
    at = linked()
    if at.standing is link_pages.Standing.LIVE:
        return back((request.view_args or {})["token"])
    if not at.can_be_renewed:
        raise NotFound
    limits.recovery(at.link_id)
    links.request_renewal(at.actor)
    return page("public/requested.html", **_recovery_context())


def _recovery_context() -> dict[str, Any]:
    at = linked()
    return {
        "org": _org(),
        "link": SimpleNamespace(
            request_access_url=f"{_root()}/request-access" if at.can_be_renewed else None,
            send_again_url=f"{_root()}/send-again" if at.can_be_renewed else None,
        ),
    }


# --- the door ---------------------------------------------------------------------------------


def _door() -> Door:
    """The way by this link: no frame but the letterhead, and addresses below the link itself."""
    at = linked()
    root = _root()
    email = at.actor.contact_email
    return Door(
        shown=at,
        root=root,
        read_again=_read_again,
        render=_render,
        template="public/document.html",
        whole="public/_decision.html",
        count_question=lambda: limits.question(at.link_id),
        link={
            "contact_email_masked": masked_email(email) if email else None,
            "end_url": f"{root}/end",
            "settings_url": f"{root}/settings",
            "account_url": f"{root}/account",
        },
    )


def _render(template: str, **context: Any) -> Response:
    return page(template, org=_org(), accounts_available=_offers_account(), **context)


def _context() -> dict[str, Any]:
    return {
        "org": _org(),
        "accounts_available": _offers_account(),
        **document_pages.context(_door()),
    }


def _offers_account() -> bool:
    """Whether the page speaks of an account: to somebody on file, where the team wants it."""
    at = linked()
    return at.org.self_signup and bool(at.actor.contact_email)


def _read_again() -> LinkedPage:
    at = linked()
    token = (request.view_args or {})["token"]
    fresh = link_pages.open_link(token, at.purpose, at.actor.visitor)
    if fresh is None:
        raise NotFound
    g.linked = fresh
    return fresh


def _org() -> Any:
    return brand_css_url(linked().org)


def _root() -> str:
    """The link's own address, below which all its pages lie; ``/portal/`` leads to ``/i/``."""
    token = (request.view_args or {})["token"]
    return f"{request.script_root}{ROOTS[request.blueprint or '']}/{token}"
