"""The organization's settings: its face, what its portal shows, how it is paid (spec C7)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, flash, request, url_for

from blueprints.console import bp, meanwhile
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico import clock, pdf
from portico.files import logos
from portico.pdf import sample
from portico.queries import settings as kept
from portico.queries.settings import Lifetime
from portico.records.content import DocumentContent, Kind
from portico.records.document import KINDS, State
from portico.records.organization import COLOUR, Section
from portico.records.staff import Permission
from portico.refusals import BadInput, NotFound
from portico.services import branding, marks, payment_urls, preferences, renditions, team
from portico.services import settings as service
from portico.services.marks import ChangedSince
from portico.services.team import OrganizationFace
from portico.web import colours, forms
from portico.web.ways import go

_TABS = (
    ("Organization", "settings"),
    ("Portal", "settings_portal"),
    ("Payment", "settings_payment"),
    ("Branding", "settings_branding"),
    ("PDF", "settings_pdf"),
)
_FACE = (
    "name", "email", "phone", "website", "tax_id", "address", "locale", "timezone", "sender_name",
)  # fmt: skip
_PAYMENT = ("payment_instructions", "payment_url")
_DAYS = ("remind_quote_days", "remind_invoice_days")
_EXAMPLE = {"number": "INV-2041", "minor": 125_050, "currency": "EUR", "reference": "INV-2041"}
Problem = BadInput | ChangedSince


# --- organization ---------------------------------------------------------------------------


@bp.get("/settings")
@needs(Permission.SETTINGS)
def settings() -> Response:
    return _organization_page()


@bp.post("/settings")
@needs(Permission.SETTINGS)
def settings_submit() -> Response:
    return _save(_organization_page, "settings", *_FACE)


def _organization_page(problem: Problem | None = None) -> Response:
    org = me().org
    zones = [(zone, zone.replace("_", " ")) for zone in preferences.ZONES]
    return _page(
        "settings",
        problem,
        form=_form(*_FACE),
        seen=_seen(problem, _kept(*_FACE)),
        locales=_with_own(preferences.of_locales(), org.locale),
        zones=_with_own(zones, org.zone),
    )


# --- portal ---------------------------------------------------------------------------------


@bp.get("/settings/portal")
@needs(Permission.SETTINGS)
def settings_portal() -> Response:
    return _portal_page()


@bp.post("/settings/portal")
@needs(Permission.SETTINGS, lists=("section",))
def settings_portal_submit() -> Response:
    """Sections without a page yet are not offered, and stay as they are."""
    offered = _sections()
    wanted = {name for name in request.form.getlist("section") if name in offered}
    unseen = [name for name in me().org.sections if name not in offered]
    return _save(
        _portal_page,
        "settings_portal",
        "next_steps",
        sections=[*unseen, *(one.value for one in offered if one in wanted)],
        self_signup="self_signup" in request.form,
        **{name: _whole(name) for name in _DAYS},
    )


@bp.post("/settings/portal/links")
@needs(Permission.SETTINGS)
def settings_links_submit() -> Response:
    """How long links made from now on live; those that are out keep their time."""
    try:
        wanted = {
            kind: Lifetime(_hours(kind), f"until_validity_{kind.value}" in request.form)
            for kind in Kind
        }
        seen = request.form.get("seen_links", "")
        service.set_link_lifetimes(me().organization_id, wanted, by=me().by, seen=seen)
    except (BadInput, ChangedSince) as problem:
        return _portal_page(problem)
    return _saved("settings_portal")


def _portal_page(problem: Problem | None = None) -> Response:
    org, chosen = me().org, kept.of(me().organization_id)
    days = {name: getattr(chosen, name) for name in _DAYS}
    lives = kept.lifetimes(org.id)
    ticked = request.form.getlist("section") if "seen" in request.form else org.sections
    return _page(
        "settings_portal",
        problem,
        form=_form("next_steps") | {name: _shown(name, str(days[name])) for name in _DAYS},
        sections=[(name, meanwhile.SECTIONS[name], name in ticked) for name in _sections()],
        self_signup=_ticked("self_signup", org.self_signup),
        seen=_seen(problem, _kept("next_steps", "sections", "self_signup") | days),
        lifetimes=[
            (kind, KINDS[kind].label, _shown(f"hours_{kind.value}", str(life.hours)),
             _ticked(f"until_validity_{kind.value}", life.until_validity, "seen_links"))
            for kind, life in lives.items()
        ],
        seen_links=_seen(problem, service.lifetime_values(lives), "seen_links"),
    )  # fmt: skip


def _sections() -> list[Section]:
    """The parts of the portal that can be switched on: those that have a page."""
    pages = current_app.view_functions
    return [one for one in Section if f"customer_portal.{one.value}" in pages]


def _hours(kind: Kind) -> int:
    return _whole(f"hours_{kind.value}")


# --- payment --------------------------------------------------------------------------------


@bp.get("/settings/payment")
@needs(Permission.SETTINGS)
def settings_payment() -> Response:
    return _payment_page()


@bp.post("/settings/payment")
@needs(Permission.SETTINGS)
def settings_payment_submit() -> Response:
    """A change is mailed to the address on file, so that nobody leads money elsewhere unseen."""
    return _save(_payment_page, "settings_payment", *_PAYMENT)


def _payment_page(problem: Problem | None = None) -> Response:
    url = me().org.payment_url
    return _page(
        "settings_payment",
        problem,
        form=_form(*_PAYMENT),
        seen=_seen(problem, _kept(*_PAYMENT)),
        example=payment_urls.fill(url, **_EXAMPLE) if url else None,  # type: ignore[arg-type]
        changed_at=kept.of(me().organization_id).payment_instructions_changed_at,
    )


# --- branding -------------------------------------------------------------------------------


@bp.get("/settings/branding")
@needs(Permission.SETTINGS)
def settings_branding() -> Response:
    return _branding_page()


@bp.get("/settings/branding/colour")
@needs(Permission.SETTINGS)
def settings_colour() -> Response:
    """How a colour would look, while it is being chosen. Nothing is kept."""
    return _page("settings_branding", None, part="console/_colour.html", **_branding())


@bp.post("/settings/branding/colour")
@needs(Permission.SETTINGS)
def settings_colour_submit() -> Response:
    if request.form.get("do") == "preview":
        return _branding_page()
    return _save(_branding_page, "settings_branding", "colour")


@bp.post("/settings/branding/logo")
@needs(Permission.SETTINGS, files=1)
def settings_logo_submit() -> Response:
    """The form may weigh what a file may: a photo from a telephone is refused at its field."""
    file = request.files.get("logo")
    try:
        data = file.read(logos.LARGEST_FILE + 1) if file else b""
        branding.set_logo(me().organization_id, data, by=me().by)
    except BadInput as problem:
        return _branding_page(problem)
    return _saved("settings_branding")


@bp.post("/settings/branding/logo/remove")
@needs(Permission.SETTINGS)
def settings_logo_remove() -> Response:
    branding.remove_logo(me().organization_id, by=me().by)
    return _saved("settings_branding")


def _branding_page(problem: Problem | None = None) -> Response:
    return _page("settings_branding", problem, **_branding(problem))


def _branding(problem: Problem | None = None) -> dict[str, Any]:
    typed = request.values.get("colour", me().org.colour).lower()
    colour = typed if COLOUR.match(typed) else me().org.colour
    return {
        "form": {"colour": colour},
        "seen": _seen(problem, _kept("colour")),
        "judgement": colours.judge(colour),
    }


# --- PDF ------------------------------------------------------------------------------------


@bp.get("/settings/pdf")
@needs(Permission.SETTINGS)
def settings_pdf() -> Response:
    return _pdf_page()


@bp.post("/settings/pdf")
@needs(Permission.SETTINGS)
def settings_pdf_submit() -> Response:
    enabled = "pdf_templates_enabled" in request.form
    return _save(_pdf_page, "settings_pdf", "pdf_design", pdf_templates_enabled=enabled)


@bp.get("/settings/pdf/<design>.pdf")
@needs(Permission.SETTINGS)
def settings_pdf_preview(design: str) -> Response:
    """The newest document in a design, or a sample before the first. Raises NotFound, Busy."""
    content, sha256 = _previewed(design)
    data = renditions.document(
        me().org, content, sha256, State.SENT, design=design, limits=renditions.IN_A_REQUEST
    )
    response = Response(data, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{design}.pdf"'
    return response


@bp.get("/settings/pdf/<design>.png")
@needs(Permission.SETTINGS)
def settings_pdf_picture(design: str) -> Response:
    """Its first page as a picture. Raises NotFound, Busy."""
    content, sha256 = _previewed(design)
    data = renditions.picture(me().org, content, sha256, design=design)
    return Response(data, mimetype="image/png")


def _previewed(design: str) -> tuple[DocumentContent, str]:
    if design not in pdf.DESIGNS:
        raise NotFound(hint="")
    return kept.newest_content(me().organization_id) or _sample()


def _sample() -> tuple[DocumentContent, str]:
    content = sample.quote(me().org.name, clock.today(me().org.zone))
    return content, hashlib.sha256(content.canonical().encode()).hexdigest()


def _pdf_page(problem: Problem | None = None) -> Response:
    org = me().org
    return _page(
        "settings_pdf",
        problem,
        form=_form("pdf_design"),
        designs=pdf.DESIGNS,
        enabled=_ticked("pdf_templates_enabled", org.pdf_templates_enabled),
        seen=_seen(problem, _kept("pdf_design", "pdf_templates_enabled")),
        has_document=kept.newest_content(org.id) is not None,
    )


# --- parts ----------------------------------------------------------------------------------


def _save(
    again: Callable[[Problem | None], Response], endpoint: str, *names: str, **values: Any
) -> Response:
    """Set the named fields as they were typed, and *values*; or show the page with what is wrong,
    or with what a colleague changed meanwhile."""
    try:
        typed: dict[str, Any] = {n: forms.typed(n) for n in names if n in request.form}
        face = OrganizationFace(**typed, **values)
        seen = request.form.get("seen", "")
        team.change_organization(me().org.slug, face, by=me().by, seen=seen)
    except (BadInput, ChangedSince) as problem:
        return again(problem)
    return _saved(endpoint)


def _saved(endpoint: str) -> Response:
    flash("The settings are saved.")
    return go(url_for(f"console.{endpoint}"))


def _page(
    section: str, problem: Problem | None, *, part: str | None = None, **context: Any
) -> Response:
    return console_page(
        "console/settings.html",
        part=part or f"console/_{section}.html",
        status=problem.status if problem else 200,
        section=section,
        tabs=[(label, url_for(f"console.{name}"), name == section) for label, name in _TABS],
        errors=problem.errors if isinstance(problem, BadInput) else {},
        changed=meanwhile.said(problem) if isinstance(problem, ChangedSince) else [],
        **context,
    )


def _kept(*names: str) -> dict[str, Any]:
    return {name: getattr(me().org, name) for name in names}


def _seen(problem: Problem | None, values: dict[str, Any], field: str = "seen") -> str:
    """The marks of what a form shows. They stay as they came, until its writer is told what a
    colleague changed: to save again is to have seen it."""
    if isinstance(problem, ChangedSince) and field in request.form:
        return marks.of(values | problem.now)
    return _shown(field, marks.of(values))


def _form(*names: str) -> dict[str, str]:
    """What was typed, else what is kept."""
    return {name: _shown(name, value) for name, value in _kept(*names).items()}


def _ticked(name: str, kept: bool, form: str = "seen") -> bool:
    """As the box was left where its form, told by the field of its marks, was sent; else as kept."""
    return name in request.form if form in request.form else kept


def _shown(name: str, value: str) -> str:
    typed = request.form.get(name)
    return value if typed is None else typed[:4000].encode("utf-8", "ignore").decode()


def _whole(name: str) -> int:
    """A whole number; -1, which no setting takes, where it is none."""
    text = request.form.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1


def _with_own(offered: list[tuple[str, str]], own: str) -> list[tuple[str, str]]:
    """What can be chosen, and what was chosen before it was offered no more."""
    known = {value for value, _ in offered}
    return offered if own in known else [(own, own), *offered]
