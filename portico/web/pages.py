"""Pages and parts: one template file is both, chosen by who asks."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, make_response, render_template, request
from jinja2 import StrictUndefined, pass_context
from jinja2.runtime import Context

from portico import formats
from portico.queries.faces import OrganizationFace
from portico.records.content import REFERENCE_TYPES

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "strict-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}

_HEADERS = list(SECURITY_HEADERS.items())


def page(template: str, *, part: str | None = None, status: int = 200, **context: Any) -> Response:
    """The whole page, or its *part* where htmx asked (the page's own include, spec-wide rule)."""
    asked_for_part = request.headers.get("HX-Request") == "true"
    chosen = part if part and asked_for_part else template
    response = make_response(render_template(chosen, **context), status)
    response.headers["Vary"] = "HX-Request"
    return response


def brand_css_url(org: OrganizationFace | None) -> OrganizationFace | None:
    """The organization with the addresses of its colour's style sheet and its logo filled in."""
    if org is not None:
        brand = f"{request.script_root}/brand"
        org.brand_css_url = f"{brand}/{org.colour[1:]}.css"
        org.logo_url = f"{brand}/{org.logo_sha256}/logo.png" if org.logo_sha256 else ""
    return org


def harden(response: Response) -> Response:
    """Headers that every answer carries (spec L15); what a view set itself stays."""
    present = {name.lower() for name, _ in response.headers}
    response.headers.extend([pair for pair in _HEADERS if pair[0].lower() not in present])
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def init_pages(app: Flask) -> None:
    """Template filters take the locale and the time zone from the page's ``org``."""
    env = app.jinja_env
    env.undefined = StrictUndefined
    env.trim_blocks = env.lstrip_blocks = True
    env.filters["money"] = _localized(formats.money)
    env.filters["plain_money"] = _localized(formats.plain_money)
    env.filters["amount"] = _localized(formats.amount)
    env.filters["number"] = _localized(formats.number)
    env.filters["percent"] = _localized(formats.percent)
    env.filters["day"] = _localized(formats.day)
    env.filters["country"] = _localized(formats.country)
    env.filters["moment"] = _moment
    env.filters["unit"] = formats.unit
    env.filters["hours"] = formats.hours
    env.globals["reference_types"] = REFERENCE_TYPES
    app.after_request(harden)


def _localized(function: Any) -> Any:
    @pass_context
    def localized(context: Context, value: Any, *args: Any) -> Any:
        return function(value, *args, _org(context).locale)

    return localized


@pass_context
def _moment(context: Context, value: Any) -> str:
    org = _org(context)
    return formats.moment(value, org.locale, org.timezone)


def _org(context: Context) -> Any:
    return context.resolve("org")
