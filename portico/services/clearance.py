"""What may still go out: the last look at a message before it is sent."""

from __future__ import annotations

import sqlalchemy as sa

from portico.db import db, unit_of_work
from portico.queries import request_items
from portico.queries.request_items import Item
from portico.records.account import PortalAccount, TokenPurpose
from portico.records.customer import Contact, Customer
from portico.records.document import Document
from portico.records.link import PortalLink
from portico.records.mail import Mail, MailKind
from portico.records.notification import Notification, Topic
from portico.records.request import ItemState
from portico.records.staff import StaffMember, StaffTokenPurpose
from portico.services import (
    account_tokens,
    accounts,
    documents,
    links,
    notifications,
    outbox,
    reminders,
    shares,
    staff,
)


class NobodyToMail(Exception):
    """There is nobody who may receive this message any more; the text says why."""


def prepare(mail_id: int) -> int | None:
    """Check that the message may go out still; give a renewal its link. Returns the link's id."""
    with unit_of_work():
        mail = db.session.get_one(Mail, mail_id)
        if mail.contact_id is None and mail.kind == MailKind.LINK_RENEWED:
            raise NobodyToMail("the link belongs to no contact")
        if mail.contact_id is not None:
            _check_contact(mail)
        if mail.kind == MailKind.LINK_RENEWED:
            mail.link_id = _renewed(mail)
        if mail.kind in WITH_LINK:
            _check_link(mail)
        if mail.kind in _WITH_TOKEN:
            _check_token(mail)
        if mail.kind in TO_STAFF:
            _check_staff(mail)
        _check_news(mail)
        return mail.link_id if mail.kind in WITH_LINK else None


def _renewed(mail: Mail) -> int:
    """The fresh link that a mail brings; one that is tried again brings the same."""
    expired = int(mail.reference["expired_link"])
    if mail.link_id is not None and links.can_be_renewed(expired):
        return mail.link_id
    link = links.renew(expired)
    if link is None:
        raise NobodyToMail("the link cannot be renewed")
    return link.id


def _check_news(mail: Mail) -> None:
    """What a mail tells of has to be so still."""
    if mail.kind == MailKind.NOTIFICATION:
        news_line(mail)
    if mail.kind in _OF_ITEMS and not items(mail):
        raise NobodyToMail("the answers were looked at, or given anew, before the mail went out")
    if mail.kind == MailKind.PROJECT_SHARED and not shares.is_open(mail.reference["share"]):
        raise NobodyToMail("the share was revoked or ran out before the mail went out")


def items(mail: Mail) -> list[Item]:
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


def news_line(mail: Mail) -> Notification:
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
    if outbox.is_set_up_since(mail):
        raise NobodyToMail("they have chosen a password already")
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
        **{name: mail.reference[name] for name in mail.reference.keys() & {"link"}},
    }


def _check_staff(mail: Mail) -> None:
    member = _member_for(mail)
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


def _member_for(mail: Mail) -> StaffMember | None:
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
TO_STAFF = {MailKind.STAFF_INVITATION, MailKind.STAFF_RESET, MailKind.STAFF_NOTICE}
WITH_LINK = {
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
