"""Where a page leads: on to another page, and back to the one that a guest had wanted."""

from __future__ import annotations

from flask import Response, current_app, redirect, request

# Pages in front of both guards, open to guests. Whoever is signed in is sent on from the first,
# not from the second.
GUESTS_ONLY = {"login", "login_submit", "setup", "setup_submit"}
OPEN = {"forgot_password", "forgot_password_submit", "reset_password", "reset_password_submit"}


def go(url: str) -> Response:
    """To another page: also when htmx asked, which would swap that page into a part."""
    if request.headers.get("HX-Request") == "true":
        response = Response(status=200)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)  # type: ignore[return-value]


def wanted_page(text: str) -> str | None:
    """Where a guest wanted to go, if that is a page behind the same guard; nothing leads
    elsewhere, and to signing out nobody who has just signed in."""
    guarded = f"{request.script_root}{current_app.blueprints[request.blueprint or ''].url_prefix}/"
    leaves = text.partition("?")[0] == f"{guarded}logout"
    own = text.startswith(guarded) and "\\" not in text and not leaves
    return text if own and text.isprintable() and len(text) < 500 else None


def this_page() -> str | None:
    """The page asked for, or the one that htmx asked from, for the way back after signing in; None
    for forms that a browser sent by itself."""
    if request.headers.get("HX-Request") == "true":
        at = request.headers.get("HX-Current-URL", "").partition("://")[2].partition("#")[0]
        return wanted_page(f"/{at.partition('/')[2]}")
    if request.method != "GET":
        return None
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    return wanted_page(f"{request.script_root}{request.path}{query}")
