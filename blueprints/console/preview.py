"""What a customer sees, shown to the team (spec C2): the portal's own pages, to be read only.

The team's session shows them. The customer is nobody here who could act: there is no account and
no session, no form and no answer, and the log says preview (L17).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Response, request, url_for

from blueprints.console import bp
from blueprints.console.customers import find
from blueprints.console.gate import me, needs
from blueprints.customer_portal import files, money, projects
from blueprints.customer_portal.frame import navigation
from blueprints.customer_portal.lists import ListView
from portico.files.names import content_disposition
from portico.queries import console_customer, dashboard, lists, organizations, own_documents, shown
from portico.queries.console_customer import CustomerRecord
from portico.queries.lists import SECTIONS, Key, Section
from portico.queries.shown import Shown
from portico.queries.signed_in import SignedIn
from portico.records.activity import Activity, ActorKind
from portico.records.organization import Section as OrganizationSection
from portico.records.staff import Permission
from portico.refusals import NotFound
from portico.services import activity, renditions
from portico.services.activity import Entry
from portico.web import document_pages
from portico.web.pages import brand_css_url, page
from portico.web.ways import go

_ROOT = "/customers/<int:customer_id>/preview"
_DOCUMENT = f"{_ROOT}/<section>/<int:document_id>"
# Pages of the portal beside the lists of documents, and what shows them here.
_PAGES = {
    "dashboard": "customer_preview",
    "document": "customer_preview_document",
    "payments": "customer_preview_payments",
    "payment": "customer_preview_payment",
    "statement": "customer_preview_statement",
    "projects": "customer_preview_projects",
    "project": "customer_preview_project",
    "documents": "customer_preview_files",
}


@bp.get(_ROOT)
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview(customer_id: int) -> Response:
    at = find(customer_id)
    who = console_customer.as_signed_in(me().org, at)
    board = dashboard.read(who.actor, who.org.zone, who.org.sections)
    return _page("portal/dashboard.html", at, who, board=board, greeting="Good day")


@bp.get(f"{_ROOT}/<section>")
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview_list(customer_id: int, section: str) -> Response:
    at, of = find(customer_id), _section(section)
    who = console_customer.as_signed_in(me().org, at)
    chosen = of.filter(request.args.get("state", ""))
    term = lists.search_term(request.args.get("q", ""))
    found = lists.page(
        who.actor,
        chosen,
        who.org.zone,
        term=term,
        before=Key.parse(request.args.get("before", "")),
        after=Key.parse(request.args.get("after", "")),
    )
    view = PreviewedList(of, chosen, term, found, at.id)
    return _page("portal/list.html", at, who, part="portal/_list.html", view=view)


@bp.get(f"{_ROOT}/payments")
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview_payments(customer_id: int) -> Response:
    at = find(customer_id)
    who = console_customer.as_signed_in(me().org, at)
    context = money.payments_context(who, partial(_within(at), "customer_portal.payments"))
    return _page("portal/payments.html", at, who, part="portal/_payments.html", **context)


@bp.get(f"{_ROOT}/payments/<int:payment_id>")
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview_payment(customer_id: int, payment_id: int) -> Response:
    at = find(customer_id)
    who = console_customer.as_signed_in(me().org, at)
    context = money.payment_context(who, payment_id, _within(at))
    return _page("portal/payment.html", at, who, **context)


@bp.get(f"{_ROOT}/statement")
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview_statement(customer_id: int) -> Response:
    """Of any period; the team makes its PDF where it issues one."""
    at = find(customer_id)
    who = console_customer.as_signed_in(me().org, at)
    return _page("portal/statement.html", at, who, pdf_url=None, **money.statement_context(who))


@bp.get(f"{_ROOT}/projects")
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview_projects(customer_id: int) -> Response:
    at = _with_projects(customer_id)
    who = console_customer.as_signed_in(me().org, at)
    return _page("portal/projects.html", at, who, page=projects.card_page(who.actor))


@bp.get(f"{_ROOT}/projects/<int:project_id>")
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview_project(customer_id: int, project_id: int) -> Response:
    at = _with_projects(customer_id)
    who = console_customer.as_signed_in(me().org, at)
    found = projects.find(who.actor, project_id)
    context = projects.project_context(found, projects.wanted_tab(), who.org.timezone)
    said: dict[str, Any] = {"typed": "", "errors": {}, "said": False}
    return _page(
        "portal/project.html", at, who, part="portal/_project.html", **said, **context
    )  # fmt: skip


@bp.get(f"{_ROOT}/documents")
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview_files(customer_id: int) -> Response:
    at = find(customer_id)
    who = console_customer.as_signed_in(me().org, at)
    context = files.documents_context(who)
    return _page("portal/files.html", at, who, part="portal/_files.html", **context)


@bp.get(_DOCUMENT)
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview_document(customer_id: int, section: str, document_id: int) -> Response:
    at, of = find(customer_id), _section(section)
    who = console_customer.as_signed_in(me().org, at)
    document = _find(who, of, document_id)
    _note(document, document_pages.viewed(document))
    return _page(
        "console/customer_preview.html",
        at,
        who,
        section=of,
        doc=document.document,
        content=document.content,
        decision=document.decision,
        messages=shown.conversation(document_id) if document.talks else [],
        pdf_url=url_for(
            "console.customer_preview_pdf",
            customer_id=at.id,
            section=section,
            document_id=document_id,
        ),
    )


@bp.get(f"{_DOCUMENT}/pdf")
@needs(Permission.VIEW, Permission.MANAGE_PORTAL_ACCESS)
def customer_preview_pdf(customer_id: int, section: str, document_id: int) -> Response:
    """The PDF that the customer would download."""
    at = find(customer_id)
    document = _find(console_customer.as_signed_in(me().org, at), _section(section), document_id)
    data = renditions.document(
        organizations.by_id(me().organization_id) or me().org,
        document.content,
        document.content_sha256,
        document.document.state,
        limits=renditions.IN_A_REQUEST,
    )
    _note(document, Activity.DOWNLOAD_PDF)
    response = Response(data, mimetype="application/pdf")
    name = f"{document.document.kind}-{document.document.number}.pdf"
    response.headers["Content-Disposition"] = content_disposition(name)
    return response


@dataclass(frozen=True, slots=True)
class PreviewedList(ListView):
    """A list of the portal whose links stay within the preview."""

    customer_id: int

    @property
    def url(self) -> str:
        return self._with()

    def document_url(self, document_id: int) -> str:
        return url_for(
            "console.customer_preview_document",
            customer_id=self.customer_id,
            section=self.section.name,
            document_id=document_id,
        )

    def _with(self, **query: str | None) -> str:
        return url_for(
            "console.customer_preview_list",
            customer_id=self.customer_id,
            section=self.section.name,
            **query,  # type: ignore[arg-type]
        )


def _section(name: str) -> Section:
    """A list that the customer has. Raises NotFound."""
    if name not in _sections():
        raise NotFound(hint="")
    return SECTIONS[name]


def _with_projects(customer_id: int) -> CustomerRecord:
    """The customer, where the organization shows projects. Raises NotFound."""
    if OrganizationSection.PROJECTS not in me().org.sections:
        raise NotFound(hint="")
    return find(customer_id)


def _sections() -> list[str]:
    """The sections that the organization has switched on."""
    on = me().org.sections
    return [name for name, one in SECTIONS.items() if one.switch is None or one.switch in on]


def _find(who: SignedIn, of: Section, document_id: int) -> Shown:
    found = own_documents.find(who, of.kinds, document_id)
    if found is None:
        raise NotFound(hint="")
    return found


def _note(document: Shown, type_: Activity) -> None:
    """Somebody of the team looked: never a view of the customer's."""
    activity.note(
        Entry(
            type_,
            ActorKind.STAFF,
            actor=me().by,
            organization_id=document.actor.organization_id,
            customer_id=document.actor.customer_id,
            document_id=document.document.id,
            details={"revision": document.document.revision},
            preview=True,
        )
    )


# --- the portal's pages, within the preview -----------------------------------------------------


def _page(
    template: str, at: CustomerRecord, who: SignedIn, *, part: str | None = None, **context: Any
) -> Response:
    if part is None and request.headers.get("HX-Request") == "true":
        # The portal's page would swap this into a part of itself.
        return go(f"{request.script_root}{request.full_path}".rstrip("?"))
    url = _within(at)
    return page(
        template,
        part=part,
        org=brand_css_url(who.org),
        me=who,
        preview=at,
        navigation=navigation(who.org.sections, lambda name: url(name) if _is_here(name) else ""),
        has_page=lambda _name: False,
        url_for=url,
        **context,
    )


def _within(at: CustomerRecord) -> Callable[..., str]:
    """Makes addresses: where a link of the portal leads here. What a preview has no page for leads
    to its start."""

    def url(endpoint: str, **values: Any) -> str:
        name = endpoint.removeprefix("customer_portal.")
        if name == endpoint:
            return url_for(endpoint, **values)
        if not _is_here(endpoint):
            return url_for("console.customer_preview", customer_id=at.id)
        section = name.replace("_", "-")
        if section in SECTIONS:
            values["section"] = section
        return url_for(
            f"console.{_PAGES.get(name, 'customer_preview_list')}", customer_id=at.id, **values
        )

    return url


def _is_here(endpoint: str) -> bool:
    """Whether a preview has this page of the portal."""
    name = endpoint.removeprefix("customer_portal.")
    return name in _PAGES or name.replace("_", "-") in SECTIONS
