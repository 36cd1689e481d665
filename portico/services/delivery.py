"""Out of the outbox: one message claimed, rendered, sent, and written down.

What the mail says is found out now, not when it was queued: a link that was revoked or a
contact that was switched off meanwhile gets no mail, and the row says why.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace

import sqlalchemy as sa

from portico import clock
from portico.db import current_tenant, db, unit_of_work
from portico.files.names import safe_name
from portico.mail import letters, transport
from portico.mail.letters import Attached, Letter
from portico.mail.transport import Envelope, NotSent
from portico.queries import news, request_items
from portico.queries.faces import (
    OrganizationFace,
    decision_face,
    document_face,
    organization_face,
)
from portico.queries.request_items import Item
from portico.records.account import PortalAccount, TokenPurpose
from portico.records.activity import Activity, ActorKind
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.decision import Decision
from portico.records.document import KINDS, Document, State
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailKind, MailState
from portico.records.message import Message
from portico.records.notification import Notification, Topic
from portico.records.organization import Organization
from portico.records.project import Comment, Project, ProjectShare
from portico.records.request import ItemState
from portico.records.staff import StaffMember, StaffTokenPurpose
from portico.refusals import Busy
from portico.services import (
    account_tokens,
    accounts,
    activity,
    documents,
    invitations,
    links,
    notifications,
    outbox,
    reminders,
    renditions,
    shares,
    staff,
)
from portico.services.activity import Entry

log = logging.getLogger(__name__)


class NobodyToMail(Exception):
    """There is nobody who may receive this message any more; the text says why."""


def deliver(mail_id: int) -> MailState | None:
    """Send one message if it is due and free. Returns its new state, None where it was not ours."""
    if not outbox.claim(mail_id):
        return None
    try:
        link_id = _prepare(mail_id)
        letter, envelope = _render(mail_id)
        transport.send(letter, envelope)
    except NobodyToMail as reason:
        return _skipped(mail_id, str(reason))
    except NotSent as problem:
        return _not_sent(mail_id, str(problem), final=problem.final)
    except Exception as problem:  # the outermost loop: a broken message must not stop the others
        log.exception("mail %s could not be made", mail_id)
        db.session.rollback()
        return _not_sent(mail_id, f"the mail could not be made ({type(problem).__name__})")
    return _sent(mail_id, link_id, envelope.recipient)


def make_pdfs(mail_id: int) -> None:
    """Make the document's PDF ahead of the customer's first click."""
    mail = db.session.get_one(Mail, mail_id)
    if mail.document_id is None:
        return
    document = documents.find(mail.document_id)
    org = organization_face(db.session.get_one(Organization, mail.organization_id))
    revision = documents.revision_of(document, document.shown_revision)
    face = document_face(document, org.timezone)
    renditions.document(org, documents.content_of(revision), revision.content_sha256, face.state)


# --- before ----------------------------------------------------------------------------------


def _prepare(mail_id: int) -> int | None:
    """Check that the message may go out still; give a renewal its link. Returns the link's id."""
    with unit_of_work():
        mail = db.session.get_one(Mail, mail_id)
        if mail.contact_id is None and mail.kind == MailKind.LINK_RENEWED:
            raise NobodyToMail("the link belongs to no contact")
        if mail.contact_id is not None:
            _check_contact(mail)
        if mail.kind == MailKind.LINK_RENEWED and mail.link_id is None:
            link = links.renew(int(mail.reference["expired_link"]))
            if link is None:
                raise NobodyToMail("the link cannot be renewed")
            mail.link_id = link.id
        if mail.kind in _WITH_LINK:
            _check_link(mail)
        if mail.kind in _WITH_TOKEN:
            _check_token(mail)
        if mail.kind in _TO_STAFF:
            _check_staff(mail)
        _check_news(mail)
        return mail.link_id if mail.kind in _WITH_LINK else None


def _check_news(mail: Mail) -> None:
    """What a mail tells of has to be so still."""
    if mail.kind == MailKind.NOTIFICATION:
        _news(mail)
    if mail.kind in _OF_ITEMS and not _items(mail):
        raise NobodyToMail("the answers were looked at, or given anew, before the mail went out")
    if mail.kind == MailKind.PROJECT_SHARED and not shares.is_open(mail.reference["share"]):
        raise NobodyToMail("the share was revoked or ran out before the mail went out")


def _items(mail: Mail) -> list[Item]:
    """The items of a request that a mail tells of."""
    document = documents.find(mail.document_id or 0)
    state = _OF_ITEMS[MailKind(mail.kind)]
    found = request_items.of(document.id, documents.current_content(document))
    return [item for item in found if item.state is state]


def _check_contact(mail: Mail) -> None:
    contact = db.session.get_one(Contact, mail.contact_id)
    customer = db.session.get_one(Customer, contact.customer_id)
    if not contact.can_receive_mail or not customer.is_active:
        raise NobodyToMail("the contact was switched off or has no e-mail address")


def _check_link(mail: Mail) -> None:
    """A mail never carries a dead link; one that ran out while the mail waited lives anew."""
    link = db.session.get_one(PortalLink, mail.link_id)
    if not link.is_active or link.revoked_at or link.ended_at:
        raise NobodyToMail("the link was revoked or ended before the mail went out")
    document = db.session.get_one(Document, link.document_id)
    if document.is_void or not document.is_posted:
        raise NobodyToMail("the document was withdrawn or cancelled before the mail went out")
    if mail.kind == MailKind.REMINDER and not reminders.is_waiting(document):
        raise NobodyToMail("it was answered, paid or changed before the reminder went out")


def _news(mail: Mail) -> Notification:
    """The line of the bell that a mail is about, if it is wanted and still true."""
    line = notifications.to_mail(mail.reference["account"], mail.reference["once"])
    if line is None:
        raise NobodyToMail("it was read, or is not wanted by mail, or access was lost meanwhile")
    late = line.topic == Topic.REMINDER and mail.document_id is not None
    if late and not reminders.is_waiting(documents.find(mail.document_id or 0)):
        raise NobodyToMail("it was answered, paid or changed before the reminder went out")
    return line


def _check_token(mail: Mail) -> None:
    """The way to set a password, made now: whoever asked, it is for the address on file (A3)."""
    if "token" in mail.reference:
        purpose = TokenPurpose(mail.reference["purpose"])
        if not account_tokens.is_open(purpose, mail.reference["token"]):
            raise NobodyToMail("a newer link was made, or this one was used")
        return
    account = _account_of(mail)
    if account is None:
        raise NobodyToMail("there is no account that may be mailed")
    made = accounts.token_for_mail(account, mail)
    if made is None:
        raise NobodyToMail("a newer mail is on its way, or there were too many in an hour")
    purpose, token_id = made
    mail.contact_id, mail.customer_id = account.contact_id, account.customer_id
    mail.reference = {
        "account": account.id,
        "token": token_id,
        "purpose": purpose.value,
        "invited": mail.reference.get("invited", False),
    }


def _check_staff(mail: Mail) -> None:
    member = staff_mail_goes_to(mail)
    places = staff.roles_of(member.id) if member is not None and member.is_active else {}
    if member is None or not places:
        raise NobodyToMail("there is nobody of the team who may be mailed")
    if mail.organization_id not in places:
        mail.organization_id = min(places)  # who forgets a password does not say where they work
    if mail.kind == MailKind.STAFF_NOTICE:
        return
    if "staff_token" in mail.reference:
        if not staff.token_is_open(mail.reference["staff_token"]):
            raise NobodyToMail("a newer link was made, or this one was used")
        return
    # Who never set a password cannot have forgotten it.
    first = member.set_up_at is None
    if mail.kind == MailKind.STAFF_INVITATION and not first:
        raise NobodyToMail("they have chosen a password already")
    purpose = StaffTokenPurpose.INVITATION if first else StaffTokenPurpose.RESET
    token_id = staff.new_token(member, purpose, by="Portico")
    mail.reference = {"staff": member.id, "staff_token": token_id, "purpose": purpose.value}


def staff_mail_goes_to(mail: Mail) -> StaffMember | None:
    """The member of staff a mail is for, by id or by the address that was typed."""
    if "staff" in mail.reference:
        return db.session.get(StaffMember, mail.reference["staff"])
    return db.session.execute(
        sa.select(StaffMember).where(StaffMember.email == mail.reference.get("email", ""))
    ).scalar_one_or_none()


def _account_of(mail: Mail) -> PortalAccount | None:
    if mail.kind == MailKind.PASSWORD_RESET:
        address = mail.reference.get("email", "")
        return accounts.account_to_reset(mail.organization_id, address)
    if mail.contact_id is None:
        return None
    by_link = "link" in mail.reference
    return accounts.account_to_set_up(mail.contact_id, by_link=by_link)


_WITH_TOKEN = {MailKind.ACCOUNT_SETUP, MailKind.PASSWORD_RESET}
_TO_STAFF = {MailKind.STAFF_INVITATION, MailKind.STAFF_RESET, MailKind.STAFF_NOTICE}
_OF_PROJECTS = {MailKind.COMMENT_STAFF, MailKind.PROJECT_SHARED}
_WITH_LINK = {
    MailKind.DOCUMENT_SENT,
    MailKind.LINK_RENEWED,
    MailKind.ANSWER_CUSTOMER,
    MailKind.QUOTE_EXTENDED,
    MailKind.DECISION_REVERSED,
    MailKind.REMINDER,
    MailKind.ANSWER_RETURNED,
}
# What each tells of a request's items, if there are any by the time it goes out.
_OF_ITEMS = {
    MailKind.REQUEST_ANSWERED_STAFF: ItemState.ANSWERED,
    MailKind.ANSWER_RETURNED: ItemState.RETURNED,
}


# --- rendering -------------------------------------------------------------------------------


def _render(mail_id: int) -> tuple[Letter, Envelope]:
    mail = db.session.get_one(Mail, mail_id)
    org = organization_face(db.session.get_one(Organization, mail.organization_id))
    if mail.contact_id is None:
        name, address = org.name, org.email
        if mail.kind in _TO_STAFF:
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
    if kind in _TO_STAFF:
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
        return letters.request_answered(org, doc, customer_name=customer.name, items=_items(mail))
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
        return letters.answer_returned(org, doc, items=_items(mail), **common)
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
    line = _news(mail)
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
        raise NobodyToMail("a newer mail went out in this very moment")
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


# --- afterwards ------------------------------------------------------------------------------


def _sent(mail_id: int, link_id: int | None, recipient: str) -> MailState:
    with unit_of_work():
        mail = db.session.get_one(Mail, mail_id)
        mail.state = MailState.SENT.value
        mail.sent_at = clock.now()
        mail.recipient = recipient
        mail.error = mail.claimed_by = None
        if link_id is not None:
            links.delivered(db.session.get_one(PortalLink, link_id))
        if "token" in mail.reference:
            purpose = TokenPurpose(mail.reference["purpose"])
            account_tokens.delivered(purpose, mail.reference["token"])
        if "staff_token" in mail.reference:
            staff.token_delivered(mail.reference["staff_token"])
        invitations.mail_ended(mail)
        activity.record(_entry(mail, Activity.MAIL_SENT))
    return MailState.SENT


def _not_sent(mail_id: int, reason: str, *, final: bool = False) -> MailState:
    with unit_of_work():
        mail = db.session.get_one(Mail, mail_id, populate_existing=True)
        if mail.state == MailState.SENT:
            return MailState.SENT  # another worker took it over meanwhile, and it went out
        mail.error = reason[:1000]
        mail.claimed_by = None
        tries = len(outbox.BACKOFF_MINUTES)
        if not final and mail.attempts <= tries:
            wait = outbox.BACKOFF_MINUTES[max(mail.attempts, 1) - 1]
            mail.state = MailState.QUEUED.value
            mail.next_attempt_at = clock.now() + dt.timedelta(minutes=wait)
            return MailState.QUEUED
        mail.state = MailState.FAILED.value
        if mail.kind in _WITH_LINK and mail.link_id is not None:
            # A server that broke off may have taken the mail all the same: the link lives its
            # time from now on, and not for ever.
            links.delivered(db.session.get_one(PortalLink, mail.link_id))
        if "token" in mail.reference:
            purpose = TokenPurpose(mail.reference["purpose"])
            account_tokens.delivered(purpose, mail.reference["token"])
        if "staff_token" in mail.reference:
            staff.token_delivered(mail.reference["staff_token"])
        invitations.mail_ended(mail)
        activity.record(_entry(mail, Activity.MAIL_FAILED))  # why stands in the mail's own row
    return MailState.FAILED


def _skipped(mail_id: int, reason: str) -> MailState:
    with unit_of_work():
        mail = db.session.get_one(Mail, mail_id)
        mail.state = MailState.SKIPPED.value
        mail.error = reason
        mail.claimed_by = None
        invitations.mail_ended(mail)
    return MailState.SKIPPED


def _entry(mail: Mail, type_: Activity, **details: object) -> Entry:
    return Entry(
        type_,
        ActorKind.SYSTEM,
        organization_id=mail.organization_id,
        customer_id=mail.customer_id,
        contact_id=mail.contact_id,
        document_id=mail.document_id,
        link_id=mail.link_id,
        details={"mail": mail.kind, **details},
    )
