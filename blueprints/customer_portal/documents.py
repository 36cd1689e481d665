"""One document of the signed-in customer: the same page as behind a link, inside the portal."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_wtf.csrf import generate_csrf

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page
from blueprints.customer_portal.gate import signed_in
from blueprints.customer_portal.sections import section as find_section
from portico.queries import own_documents
from portico.queries.shown import Shown
from portico.refusals import NotFound
from portico.web import document_pages, limits
from portico.web.document_pages import Door

_ROOT = "/<section:section>/<int:document_id>"


@bp.get(_ROOT)
def document(section: str, document_id: int) -> Response:
    """The document's page."""
    return document_pages.show(_door(section, document_id))


@bp.get(f"{_ROOT}/pdf")
def document_pdf(section: str, document_id: int) -> Response:
    return document_pages.pdf(_door(section, document_id))


@bp.get(f"{_ROOT}/receipt")
def document_receipt(section: str, document_id: int) -> Response:
    return document_pages.receipt(_door(section, document_id))


@bp.get(f"{_ROOT}/files/<int:position>")
def document_file(section: str, document_id: int, position: int) -> Response:
    return document_pages.attachment(_door(section, document_id), position)


@bp.post(f"{_ROOT}/accept")
def accept(section: str, document_id: int) -> Response:
    return document_pages.accept(_door(section, document_id))


@bp.post(f"{_ROOT}/decline")
def decline(section: str, document_id: int) -> Response:
    return document_pages.decline(_door(section, document_id))


@bp.post(f"{_ROOT}/ask")
def ask(section: str, document_id: int) -> Response:
    return document_pages.ask(_door(section, document_id))


@bp.post(f"{_ROOT}/more-time")
def more_time(section: str, document_id: int) -> Response:
    return document_pages.more_time(_door(section, document_id))


@bp.post(f"{_ROOT}/items/<int:position>")
def answer_item(section: str, document_id: int, position: int) -> Response:
    return document_pages.answer_item(_door(section, document_id), position)


@bp.get(f"{_ROOT}/items/<int:position>")
@bp.get(f"{_ROOT}/accept")
@bp.get(f"{_ROOT}/decline")
@bp.get(f"{_ROOT}/ask")
@bp.get(f"{_ROOT}/more-time")
def document_back(section: str, document_id: int, position: int = 0) -> Response:
    return document_pages.back(_door(section, document_id))


def _door(section: str, document_id: int) -> Door:
    """The way by the account. Raises NotFound, whatever the reason, for what is not theirs."""
    who = signed_in()
    limits.account_page(who.account_id)
    kinds = find_section(section).kinds

    def read() -> Shown:
        found = own_documents.find(who, kinds, document_id)
        if found is None:
            raise NotFound(hint="")
        return found

    def render(template: str, **context: object) -> Response:
        return portal_page(template, section=find_section(section), **context)  # type: ignore[arg-type]

    posted = request.method == "POST"
    return Door(
        shown=read(),
        root=url_for("customer_portal.document", section=section, document_id=document_id),
        read_again=read,
        render=render,
        template="portal/document.html",
        whole="public/_decision.html" if posted else "portal/_document.html",
        count_question=lambda: limits.account_question(who.account_id),
        link={"form_token": generate_csrf()},
    )
