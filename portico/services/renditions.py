"""PDFs, made once and kept by what they show (spec L5, L8).

The worker makes them ahead of the first click; a request makes one itself only where it comes
first, in a bounded subprocess.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock, pdf
from portico.db import db, unit_of_work
from portico.formats import money
from portico.queries import organizations
from portico.queries.faces import OrganizationFace, organization_face
from portico.records.content import DocumentContent
from portico.records.decision import Answer, Decision, Via
from portico.records.document import KINDS, DocumentRevision, Rendition, State
from portico.records.organization import Organization
from portico.refusals import Busy

log = logging.getLogger(__name__)
_NO_PDF = "The PDF could not be made just now; the page itself shows all of it."

_STAMPS = {State.CANCELLED: "Cancelled", State.WITHDRAWN: "Withdrawn"}
_VIA = {
    Via.LINK: "the link in a mail",
    Via.QUOTE_LINK: "a shared quote link",
    Via.ACCOUNT: "the customer's account",
}


# Somebody waits for the answer, and a thread with them.
IN_A_REQUEST = pdf.Limits(cpu=20, wall=25)
PICTURE_WIDTH = 480  # pixels


def document(
    org: OrganizationFace,
    content: DocumentContent,
    sha256: str,
    state: State,
    *,
    design: str | None = None,
    limits: pdf.Limits | None = None,
) -> bytes:
    """The PDF of one revision's content, in the organization's design unless another is named.

    Raises Busy where it cannot be made just now.
    """
    letterhead = letterhead_of(org)
    stamp = _STAMPS.get(state)
    design = design or design_of(org)
    key = _key("document", sha256, letterhead, org.logo_sha256, design, stamp)
    kept = _kept(key)
    if kept is not None:
        return kept
    order = pdf.Order(
        content=content, letterhead=_with_logo(letterhead, org), design=design, state_note=stamp
    )
    return _make(key, order, limits)


def picture(
    org: OrganizationFace,
    content: DocumentContent,
    sha256: str,
    *,
    design: str,
    limits: pdf.Limits | None = IN_A_REQUEST,
) -> bytes:
    """The first page in a design as a PNG, :data:`PICTURE_WIDTH` wide, to choose the design by (C7).

    Raises Busy where it cannot be made just now.
    """
    letterhead = letterhead_of(org)
    key = _key("picture", sha256, letterhead, org.logo_sha256, design, PICTURE_WIDTH)
    kept = _kept(key)
    if kept is not None:
        return kept
    letterhead = _with_logo(letterhead, org)
    order = pdf.Order(
        content=content, letterhead=letterhead, design=design, picture_width=PICTURE_WIDTH
    )
    return _make(key, order, limits)


def statement_pdf(
    org: OrganizationFace, content: DocumentContent, *, limits: pdf.Limits | None = IN_A_REQUEST
) -> bytes:
    """The PDF of a statement for a period somebody chose (spec A12). It is not kept: tomorrow it
    says something else. Raises Busy where it cannot be made just now."""
    letterhead = _with_logo(letterhead_of(org), org)
    order = pdf.Order(content=content, letterhead=letterhead, design=design_of(org))
    try:
        return pdf.render_in_subprocess(order, limits)
    except pdf.PdfFailed as problem:
        log.error("a statement's PDF could not be made: %s", problem)
        raise Busy(_NO_PDF) from problem


def receipt(decision_id: int, *, limits: pdf.Limits | None = None) -> bytes:
    """The PDF of a decision's evidence with the content that was agreed to. Raises Busy."""
    decision = db.session.get_one(Decision, decision_id)
    org = organization_face(db.session.get_one(Organization, decision.organization_id))
    letterhead = letterhead_of(org)
    key = _key("receipt", decision.seal, letterhead, org.logo_sha256, decision.reversed_at)
    kept = _kept(key)
    if kept is not None:
        return kept
    revision = db.session.get_one(DocumentRevision, decision.revision_id)
    content = DocumentContent.model_validate_json(revision.content)
    accepted = decision.answer == "accepted"
    evidence = pdf.Receipt(
        action=KINDS[content.kind].says[Answer(decision.answer)],
        document=KINDS[content.kind].label,
        number=content.number,
        revision=decision.revision,
        content_sha256=decision.content_sha256,
        total=money(content.totals.payable, content.currency, org.locale),
        signatory=decision.signatory,
        contact_name=decision.contact_name,
        contact_email=decision.contact_email,
        po_number=decision.po_number,
        note=decision.note if accepted else "",
        reason="" if accepted else decision.note,
        decided_at=decision.decided_at,
        ip=decision.ip,
        user_agent=decision.user_agent,
        via=_VIA.get(Via(decision.via), f"recorded by the team: {decision.recorded_by}"),
        receipt_code=decision.receipt_code,
        recorded_by=decision.recorded_by,
        reversed_note=decision.reversal_note if decision.reversed_at else None,
    )
    letterhead = _with_logo(letterhead, org)
    return _make(key, pdf.Order(content=content, letterhead=letterhead, receipt=evidence), limits)


def design_of(org: OrganizationFace) -> str:
    """The design that the organization prints in; the plain one while designs are off (C7)."""
    if not org.pdf_templates_enabled:
        return pdf.PLAIN_DESIGN
    return org.pdf_design if org.pdf_design in pdf.DESIGNS else pdf.DEFAULT_DESIGN


def letterhead_of(org: OrganizationFace) -> pdf.Letterhead:
    """The organization's details as they stand at the top of its papers."""
    return pdf.Letterhead(
        name=org.name,
        address=tuple(line for line in org.address.splitlines() if line),
        email=org.email,
        phone=org.phone,
        website=org.website,
        tax_id=org.tax_id,
        colour=org.colour,
        locale=org.locale,
        timezone=org.timezone,
        payment_instructions=org.payment_instructions or None,
        logo=None,  # its digest stands in the key; the picture is read where it is drawn
    )


def _with_logo(letterhead: pdf.Letterhead, org: OrganizationFace) -> pdf.Letterhead:
    logo = organizations.logo(org.logo_sha256) if org.logo_sha256 else None
    return replace(letterhead, logo=logo)


def _key(*parts: object) -> str:
    text = repr((pdf.DESIGN_VERSION, *parts)).encode()
    return f"{parts[0]}:{hashlib.sha256(text).hexdigest()}"


def _kept(key: str) -> bytes | None:
    """What was made before; None also where only a failure is remembered."""
    return (
        db.session.execute(
            sa.select(Rendition.data).where(Rendition.key == key)
        ).scalar_one_or_none()
        or None
    )


def _make(key: str, order: pdf.Order, limits: pdf.Limits | None) -> bytes:
    """Render and keep. A request does not try again what failed within the hour: each try takes
    a processor for half a minute, and the next click would take another."""
    if limits is not None and _failed_lately(key):
        raise Busy(_NO_PDF)
    try:
        data = pdf.render_in_subprocess(order, limits)
    except pdf.PdfFailed as problem:
        log.error("a PDF could not be made: %s", problem)
        if not isinstance(problem, pdf.NoPress):  # the next try may find one
            _keep(key, b"")
        raise Busy(_NO_PDF) from problem
    _keep(key, data)
    return data


def _failed_lately(key: str) -> bool:
    since = clock.now() - dt.timedelta(hours=1)
    return (
        db.session.execute(
            sa.select(Rendition.key).where(
                Rendition.key == key,
                sa.func.length(Rendition.data) == 0,
                Rendition.created_at > since,
            )
        ).first()
        is not None
    )


def _keep(key: str, data: bytes) -> None:
    try:
        with unit_of_work():
            db.session.merge(Rendition(key=key, data=data, created_at=clock.now()))
    except IntegrityError:
        log.info("somebody else kept the same PDF first")
