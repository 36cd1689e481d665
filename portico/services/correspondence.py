"""What each message says: the row of the outbox turned into a letter, when it is sent."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import sqlalchemy as sa

from portico.db import current_tenant, db
from portico.files.names import safe_name
from portico.mail import letters
from portico.mail.letters import Attached, Letter
from portico.mail.transport import Envelope
from portico.queries import news
from portico.queries.faces import (
    OrganizationFace,
    decision_face,
    document_face,
    organization_face,
)
from portico.records.account import PortalAccount, TokenPurpose
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.decision import Decision
from portico.records.document import KINDS, Document, State
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailKind
from portico.records.message import Message
from portico.records.organization import Organization
from portico.records.project import Comment, Project, ProjectShare
from portico.records.staff import StaffMember, StaffTokenPurpose
from portico.refusals import Busy
from portico.services import (
    account_tokens,
    accounts,
    clearance,
    documents,
    links,
    notifications,
    renditions,
    shares,
    staff,
)

_OF_PROJECTS = {MailKind.COMMENT_STAFF, MailKind.PROJECT_SHARED}


def render(mail_id: int) -> tuple[Letter, Envelope]:
    """The letter and whom it goes to. Raises NobodyToMail."""
    mail = db.session.get_one(Mail, mail_id)
    org = organization_face(db.session.get_one(Organization, mail.organization_id))
    if mail.contact_id is None:
        name, address = org.name, org.email
        if mail.kind in clearance.TO_STAFF:
            member = db.session.get_one(StaffMember, mail.reference["staff"])
            name, address = member.name, member.email
        if mail.kind == MailKind.PAYMENT_INSTRUCTIONS_CHANGED:
            address = mail.reference["to"]  # where the team was before the change (L13)
        letter = _letter(mail, org, name)
    else:
        contact = db.session.get_one(Contact, mail.contact_id)
        name, address = contact.name, contact.email or ""
        letter = _letter(mail, *_as_they_like_it(org, contact))
    customer = db.session.get(Customer, mail.customer_id) if mail.customer_id else None
    envelope = Envelope(
        sender_name=(org.sender_name or org.name)
        if mail.contact_id or customer is None
        else f"Portico · {customer.name}",
        reply_to=org.email,
        recipient_name=name,
        recipient=address,
        message_id=mail.message_id,
    )
    db.session.rollback()  # nothing stays locked while the mail server takes its time
    return letter, envelope


def preview(document_id: int, contact_id: int, message: str = "") -> Letter:
    """The mail about a document as a contact would get it now (spec C4). Its link opens nothing:
    theirs is made when it is sent. Raises Unknown."""
    document = documents.find(document_id)
    contact = db.session.get_one(Contact, contact_id)
    face = organization_face(db.session.get_one(Organization, document.organization_id))
    org, name = _as_they_like_it(face, contact)
    hours, until_validity = links.lifetime(document)
    return letters.document_sent(
        org,
        document_face(_as_if_sent(document), org.zone),
        contact_name=name,
        link_url=f"{current_tenant().public_url}/i/…",
        lifetime_text=_lifetime(
            PortalLink(life_hours=hours, until_validity=until_validity), document
        ),
        message=message,
    )


def _as_if_sent(document: Document) -> Document:
    """What the head will say once its newest revision was put before the customer; not kept."""
    copy = KINDS[Kind(document.kind)](
        **{column.key: getattr(document, column.key) for column in Document.__table__.columns}
    )
    copy.take_head(documents.current_content(document))
    copy.sent_revision = copy.current_revision
    if copy.state == State.POSTED:
        copy.state = State.SENT.value
    return copy


def _as_they_like_it(org: OrganizationFace, contact: Contact) -> tuple[OrganizationFace, str]:
    """The form of dates and amounts, and the form of address, that a person chose (A11)."""
    account = db.session.execute(
        sa.select(PortalAccount).where(PortalAccount.contact_id == contact.id)
    ).scalar_one_or_none()
    if account is None:
        return org, contact.name
    locale, zone = account.locale or org.locale, account.timezone or org.timezone
    return replace(org, locale=locale, timezone=zone), account.salutation or contact.name


def _letter(mail: Mail, org: OrganizationFace, name: str) -> Letter:
    kind = MailKind(mail.kind)
    if kind in clearance.TO_STAFF:
        return _staff_letter(mail, org, name)
    if kind is MailKind.NOTIFICATION:
        return _news_letter(mail, org, name)
    if kind is MailKind.PAYMENT_INSTRUCTIONS_CHANGED:
        return _payment_warning(mail, org)
    if kind in _OF_PROJECTS:
        return _project_letter(mail, org, name)
    if mail.document_id is None:
        return _account_letter(mail, org, name)
    document = documents.find(mail.document_id)
    doc = document_face(document, org.zone)
    if kind in {MailKind.RECEIPT_CUSTOMER, MailKind.RECEIPT_STAFF}:
        return _receipt(mail, org, doc, name)
    if kind in {MailKind.QUESTION_STAFF, MailKind.MORE_TIME_STAFF}:
        message = db.session.get_one(Message, mail.reference["message"])
        customer = db.session.get_one(Customer, document.customer_id)
        write = letters.question if kind is MailKind.QUESTION_STAFF else letters.more_time
        return write(
            org, doc, author=message.author, customer_name=customer.name, message=message.body
        )
    if kind is MailKind.REQUEST_ANSWERED_STAFF:
        customer = db.session.get_one(Customer, document.customer_id)
        return letters.request_answered(
            org, doc, customer_name=customer.name, items=clearance.items(mail)
        )
    return _letter_with_link(mail, org, document, name)


def _letter_with_link(mail: Mail, org: OrganizationFace, document: Document, name: str) -> Letter:
    doc = document_face(document, org.zone)
    link = db.session.get_one(PortalLink, mail.link_id)
    common = {
        "contact_name": name,
        "link_url": links.url_of(link),
        "lifetime_text": _lifetime(link, document),
    }
    kind = MailKind(mail.kind)
    if kind is MailKind.LINK_RENEWED:
        return letters.link_renewed(org, doc, **common)
    if kind is MailKind.REMINDER:
        return letters.reminder(org, doc, **common)
    if kind is MailKind.ANSWER_RETURNED:
        return letters.answer_returned(org, doc, items=clearance.items(mail), **common)
    if kind is MailKind.ANSWER_CUSTOMER:
        message = db.session.get_one(Message, mail.reference["message"])
        return letters.answer(org, doc, message=message.body, **common)
    if kind is MailKind.QUOTE_EXTENDED:
        return letters.quote_extended(org, doc, message=mail.reference.get("note", ""), **common)
    if kind is MailKind.DECISION_REVERSED:
        decision = db.session.get_one(Decision, mail.reference["decision"])
        return letters.decision_reversed(
            org, doc, decision_face(decision), message=decision.reversal_note or "", **common
        )
    letter = letters.document_sent(org, doc, message=mail.reference.get("message", ""), **common)
    if mail.reference.get("attach_pdf"):
        return _with_pdf(letter, document)
    return letter


def _staff_letter(mail: Mail, org: OrganizationFace, name: str) -> Letter:
    if mail.kind == MailKind.STAFF_NOTICE:
        notice = mail.reference["notice"]
        return letters.staff_notice(org, name=name, notice=notice, sign_in_url=staff.sign_in_url())
    first = mail.reference["purpose"] == StaffTokenPurpose.INVITATION
    url = staff.token_url(mail.reference["staff_token"])
    write = letters.staff_invitation if first else letters.staff_reset
    return write(org, name=name, token_url=url)


def _news_letter(mail: Mail, org: OrganizationFace, name: str) -> Letter:
    line = clearance.news_line(mail)
    return letters.notification(
        org,
        contact_name=name,
        sentence=news.sentence(line, org.locale),
        page_url=notifications.page_url(news.path_of(line), org.slug),
        settings_url=notifications.page_url("settings", org.slug),
    )


def _project_letter(mail: Mail, org: OrganizationFace, name: str) -> Letter:
    if mail.kind == MailKind.COMMENT_STAFF:
        said = db.session.get_one(Comment, mail.reference["comment"])
        project = db.session.get_one(Project, said.project_id)
        customer = db.session.get_one(Customer, project.customer_id)
        return letters.comment(
            org,
            project_name=project.name,
            author=said.author,
            customer_name=customer.name,
            message=said.body,
        )
    share = db.session.get_one(ProjectShare, mail.reference["share"])
    return letters.project_shared(
        org,
        contact_name=name,
        project_name=db.session.get_one(Project, share.project_id).name,
        share_url=shares.url_of(share),
        expires_at=share.expires_at,
    )


def _payment_warning(mail: Mail, org: OrganizationFace) -> Letter:
    return letters.payment_instructions_changed(
        org,
        by=mail.reference["by"],
        at=dt.datetime.fromisoformat(mail.reference["at"]),
        changes=mail.reference["changes"],
    )


def _account_letter(mail: Mail, org: OrganizationFace, name: str) -> Letter:
    sign_in_url = accounts.sign_in_url(org.slug)
    if mail.kind == MailKind.PASSWORD_CHANGED:
        return letters.password_changed(org, contact_name=name, sign_in_url=sign_in_url)
    purpose = TokenPurpose(mail.reference["purpose"])
    if not account_tokens.is_open(purpose, mail.reference["token"]):
        raise clearance.NobodyToMail("a newer mail went out in this very moment")
    url = account_tokens.url_of(purpose, mail.reference["token"])
    customer = db.session.get_one(Customer, mail.customer_id)
    write = letters.account_setup if purpose is TokenPurpose.SETUP else letters.password_reset
    return write(org, contact_name=name, customer_name=customer.name, token_url=url)


def _receipt(mail: Mail, org: OrganizationFace, doc: object, name: str) -> Letter:
    decision = db.session.get_one(Decision, mail.reference["decision"])
    face = decision_face(decision)
    number = getattr(doc, "number", "")
    try:
        pdf = Attached(safe_name(f"receipt-{number}.pdf"), renditions.receipt(decision.id))
    except Busy:  # a document of thousands of lines: the mail says where the receipt is
        pdf = None
    if mail.kind == MailKind.RECEIPT_CUSTOMER:
        return letters.receipt_for_customer(org, doc, face, contact_name=name, pdf=pdf)
    customer = db.session.get_one(Customer, decision.customer_id)
    return letters.receipt_for_staff(org, doc, face, customer_name=customer.name, pdf=pdf)


def _with_pdf(letter: Letter, document: Document) -> Letter:
    """With the document as the organization makes it, whatever its reader chose for pages."""
    org = organization_face(db.session.get_one(Organization, document.organization_id))
    revision = documents.revision_of(document, document.shown_revision)
    face = document_face(document, org.zone)
    try:
        data = renditions.document(
            org, documents.content_of(revision), revision.content_sha256, face.state
        )
    except Busy:
        return letter  # the link leads to the document; a mail without its copy is better than none
    name = safe_name(f"{face.kind}-{face.number}.pdf")
    return Letter(letter.subject, letter.text, letter.html, (Attached(name, data),))


def _lifetime(link: PortalLink, document: Document) -> str:
    if link.until_validity and (document.valid_until or document.expires_at):
        return f"This link works for as long as the {document.label.lower()} is open."
    if link.life_hours % 24 == 0 and link.life_hours > 24:
        return f"This link works for {link.life_hours // 24} days."
    hours = "1 hour" if link.life_hours == 1 else f"{link.life_hours} hours"
    return f"This link works for {hours}."
