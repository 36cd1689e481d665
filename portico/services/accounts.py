"""Portal accounts: invited, disabled, and whose they are (spec A2-A4, A7, L10).

Whatever changes an account, its tokens or its sessions holds the account's row first, then reads
again: a reset and a disabling that come at once happen one after the other, whichever is first.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock
from portico.db import current_tenant, db, unit_of_work
from portico.records.account import PortalAccount, SetupToken, TokenPurpose
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Contact, Customer
from portico.records.mail import Mail, MailKind, MailState
from portico.records.organization import Organization
from portico.refusals import Conflict, StaffRefusal, Unknown
from portico.services import account_tokens, activity, outbox, sessions
from portico.services.activity import Entry, Visitor
from portico.services.actors import Actor, hold, may_enter

# What strangers can have mailed to one account in an hour; what staff send is not counted.
_ASKED_AN_HOUR = 5
_WITH_TOKEN = (MailKind.ACCOUNT_SETUP.value, MailKind.PASSWORD_RESET.value)


# --- ways in --------------------------------------------------------------------------------


def invite(contact_id: int, *, by: str, seen: int | None = None) -> PortalAccount:
    """Open the portal to a contact: sets the flags, makes the account, mails a setup link (A4).

    Possible again until setup is done. Raises Unknown, StaffRefusal, Conflict; also where another
    invitation went out since the one that was *seen* (0: none), so that a second click mails none.
    """
    with unit_of_work():
        account = _invitable(contact_id, by=by)
        contact, customer = people(contact_id)
        if account.set_up_at is not None:
            raise Conflict(
                f"{contact.name} has an account already. They sign in with their password, and "
                "the sign-in page mails a new one; where access is off, switch it on."
            )
        if seen is not None and seen != (account.invitation_mail_id or 0):
            raise Conflict(
                f"{contact.name} was invited a moment ago, perhaps by a second click. Nothing "
                "more was sent."
            )
        let_in(contact, customer)
        _post_setup(account)
        activity.record(_entry(Activity.INVITE, account, by))
    return account


def open_for_contact(contact_id: int, *, by: str) -> bool:
    """Switch a contact's portal access on. Who never set a password is invited by it (A4), once:
    a second click finds it on.

    Returns whether an invitation goes out. Raises Unknown, StaffRefusal, Conflict.
    """
    with unit_of_work():
        account = _invitable(contact_id, by=by)
        contact, customer = people(contact_id)
        if contact.portal_access and customer.portal_enabled and _has_a_way_in(account):
            return account.set_up_at is None
        let_in(contact, customer)
        activity.record(_switch_entry(contact.customer_id, contact, by, on=True))
        if account.set_up_at is None:
            _post_setup(account)
            activity.record(_entry(Activity.INVITE, account, by))
    return account.set_up_at is None


def _has_a_way_in(account: PortalAccount) -> bool:
    return account.set_up_at is not None or is_invited(account)


def _invitable(contact_id: int, *, by: str) -> PortalAccount:
    """The account of a contact, made where there is none, held. Raises what inviting raises."""
    contact, customer = people(contact_id)
    reason = why_not_invited(contact, customer)
    if reason:
        raise StaffRefusal(reason)
    account = account_of(contact) or _new_account(contact, by=by)
    if account is None:
        raise Conflict(f"Another contact signs in with {contact.email} already.")
    account = held(account.id)
    if not account.is_active:
        raise Conflict(f"The account of {contact.name} is disabled. Enable it first.")
    return account


def invitation_stands() -> sa.ColumnElement[bool]:
    """That the newest invitation is on its way, or brought a way in that nobody took back, over
    account and mail joined. One that ran out stands: its owner asks for another by themselves."""
    kept = sa.exists().where(
        SetupToken.account_id == PortalAccount.id, SetupToken.voided_at.is_(None)
    )
    return sa.or_(
        Mail.state.in_([MailState.QUEUED.value, MailState.SENDING.value]),
        sa.and_(Mail.state == MailState.SENT.value, kept),
    )


def is_invited(account: PortalAccount) -> bool:
    """Whether an invitation of an account stands."""
    asked = (
        sa.select(PortalAccount.id)
        .join(Mail, Mail.id == PortalAccount.invitation_mail_id)
        .where(PortalAccount.id == account.id, invitation_stands())
    )
    return db.session.execute(asked).first() is not None


def why_not_invited(contact: Contact, customer: Customer) -> str | None:
    """Why a contact cannot be invited, in a sentence; None where they can."""
    if not customer.is_active:
        return f"{customer.name} is switched off."
    if not contact.is_active:
        return f"{contact.name} is switched off."
    if not contact.email:
        return f"{contact.name} has no e-mail address."
    return None


def ask_for_account(actor: Actor) -> None:
    """Somebody with a mailed link wants an account (L10). Always writes the same row: the worker
    finds out whether the address on file may have one. The link itself lets nobody in.

    Raises NotFound where the link is no more."""
    with unit_of_work():
        hold(actor)
        outbox.post(
            MailKind.ACCOUNT_SETUP,
            organization_id=actor.organization_id,
            customer_id=actor.customer_id,
            contact_id=actor.contact_id,
            reference={"link": actor.link_id},
        )
        activity.record(actor.entry(Activity.REQUEST_ACCOUNT))


def ask_for_reset(organization_id: int, email: str, visitor: Visitor) -> None:
    """Somebody typed an address on the sign-in page. Always writes the same row, whoever it is."""
    with unit_of_work():
        outbox.post(
            MailKind.PASSWORD_RESET,
            organization_id=organization_id,
            reference={"email": normal_email(email)[:320]},
        )
        activity.record(
            Entry(
                Activity.REQUEST_RESET,
                ActorKind.CUSTOMER,
                organization_id=organization_id,
                visitor=visitor,
            )
        )


def normal_email(email: str) -> str:
    """The form in which addresses are compared; nothing in it that a database refuses."""
    clean = "".join(c for c in email if c.isprintable() and not "\ud800" <= c <= "\udfff")
    return clean.strip().lower()


# --- what the worker asks when a mail goes out --------------------------------------------------


def account_to_set_up(contact_id: int, *, by_link: bool) -> PortalAccount | None:
    """The account that a setup mail is about, in the running unit of work; None where there may
    be none. By a link only where nobody switched access off (A3, L10)."""
    contact, customer = people(contact_id)
    if why_not_invited(contact, customer):
        return None
    account = account_of(contact)
    if account is not None and not account.is_active:
        return None
    if by_link:
        org = db.session.get_one(Organization, contact.organization_id)
        withdrawn = contact.portal_withdrawn_at or customer.portal_withdrawn_at
        if withdrawn or not org.self_signup:
            return None
        return account or _new_account(contact, by="by a mailed link")
    allowed = contact.portal_access and customer.portal_enabled
    return account if allowed else None


def account_to_reset(organization_id: int, email: str) -> PortalAccount | None:
    """The account that may get a password by mail; None where there is none.

    Who asked by a link and came too late for the mail asks again on the sign-in page.
    """
    account = _account_at(organization_id, email)
    if account is None or account.set_up_at is not None:
        return who_enters(organization_id, email)
    contact, customer = people(account.contact_id)
    by_link = not (contact.portal_access and customer.portal_enabled)
    return account_to_set_up(account.contact_id, by_link=by_link)


def token_for_mail(account: PortalAccount, mail: Mail) -> tuple[TokenPurpose, int] | None:
    """A token for a mail that goes out now, in the running unit of work; its purpose and id.

    None where a newer mail to this account has a live one or will have one, or where others had
    it mailed too often: two live tokens there are never, and the newest mail carries the live one.
    """
    account = held(account.id)
    states = [MailState.QUEUED, MailState.SENDING]
    if account_tokens.has_live(account.id):
        states.append(MailState.SENT)
    newer = sa.select(Mail.id).where(
        Mail.contact_id == account.contact_id,
        Mail.kind.in_(_WITH_TOKEN),
        Mail.id > mail.id,
        Mail.state.in_(states),
    )
    if db.session.execute(newer.limit(1)).first() is not None:
        return None
    by_staff = bool(mail.reference.get("invited"))
    hour_ago = clock.now() - dt.timedelta(hours=1)
    if not by_staff and account_tokens.made_since(account.id, hour_ago) >= _ASKED_AN_HOUR:
        return None
    # Who never set a password cannot have forgotten it, and who has one is not set up again.
    purpose = TokenPurpose.SETUP if account.set_up_at is None else TokenPurpose.RESET
    return purpose, account_tokens.make(account, purpose, by="Portico")


def sign_in_url(organization: str) -> str:
    """The sign-in page with an organization (by its short name) chosen; for mails (T5)."""
    return f"{current_tenant().public_url}/customer-portal/login?org={organization}"


# --- by staff ----------------------------------------------------------------------------------


def disable(account_id: int, *, by: str) -> None:
    """Nobody gets in any more; record and references stay (A7)."""
    with unit_of_work():
        account = held(account_id)
        if account.is_active:
            account.is_active = False
            account.disabled_at, account.disabled_by = clock.now(), by
            shut(account, "the account was disabled")
            activity.record(_entry(Activity.DISABLE_ACCOUNT, account, by))


def enable(account_id: int, *, by: str) -> None:
    """Access as before the account was disabled, with the password it had."""
    with unit_of_work():
        account = held(account_id)
        if not account.is_active:
            account.is_active = True
            account.disabled_at = account.disabled_by = None
            activity.record(_entry(Activity.ENABLE_ACCOUNT, account, by))


def withdraw_from_contact(contact_id: int, *, by: str) -> None:
    """Switch a contact's portal access off: signed out at once, and no way back in by a link."""
    with unit_of_work():
        shut_out(PortalAccount.contact_id == contact_id, "access was switched off")
        contact, _customer = people(contact_id)
        contact.portal_access = False
        contact.portal_withdrawn_at = clock.now()
        activity.record(_switch_entry(contact.customer_id, contact, by, on=False))


def withdraw_from_customer(customer_id: int, *, by: str) -> None:
    """Switch the portal off for a whole customer; accounts and references stay."""
    with unit_of_work():
        shut_out(PortalAccount.customer_id == customer_id, "access was switched off")
        customer = _customer_of(customer_id)
        customer.portal_enabled = False
        customer.portal_withdrawn_at = clock.now()
        activity.record(_switch_entry(customer_id, None, by, on=False))


def shut_out(which: sa.ColumnElement[bool], because: str) -> None:
    """End every session and void every token of some accounts, in the running unit of work,
    before what lets them in is taken away."""
    ids = db.session.execute(sa.select(PortalAccount.id).where(which).order_by(PortalAccount.id))
    for account_id in ids.scalars().all():
        shut(held(account_id), because)


def hold_account_of(contact: Contact) -> None:
    """Hold the contact's account, if there is one, for the running unit of work."""
    account = account_of(contact)
    if account is not None:
        held(account.id)


def move_email(contact: Contact) -> None:
    """The contact's address changed: their account signs in with the new one, and no way to set a
    password that was mailed to the old one works. In the running unit of work. Raises Conflict."""
    account = account_of(contact)
    if account is None:
        return
    account = held(account.id)
    shut(account, "the e-mail address was changed")
    if contact.email is None:
        return  # it cannot be entered without; the address comes back with the contact's
    try:
        with db.session.begin_nested():
            account.email = normal_email(contact.email)
    except IntegrityError:
        raise Conflict(f"Another contact signs in with {contact.email} already.") from None


def open_for_customer(customer_id: int, *, by: str) -> None:
    """Switch the portal on for a customer; contacts whose own access is on get in again."""
    with unit_of_work():
        customer = _customer_of(customer_id)
        customer.portal_enabled, customer.portal_withdrawn_at = True, None
        activity.record(_switch_entry(customer_id, None, by, on=True))


def find_account(contact_id: int) -> PortalAccount:
    """Raises Unknown."""
    account = db.session.execute(
        sa.select(PortalAccount).where(PortalAccount.contact_id == contact_id)
    ).scalar_one_or_none()
    if account is None:
        raise Unknown("This contact has no portal account.")
    return account


# --- parts -------------------------------------------------------------------------------------


def people(contact_id: int) -> tuple[Contact, Customer]:
    """A contact and their customer, as they are now. Raises Unknown."""
    contact = db.session.get(Contact, contact_id, populate_existing=True)
    if contact is None:
        raise Unknown("There is no such contact.")
    return contact, db.session.get_one(Customer, contact.customer_id, populate_existing=True)


def _customer_of(customer_id: int) -> Customer:
    customer = db.session.get(Customer, customer_id, populate_existing=True)
    if customer is None:
        raise Unknown("There is no such customer.")
    return customer


def account_of(contact: Contact) -> PortalAccount | None:
    """The one account of a contact."""
    return db.session.execute(
        sa.select(PortalAccount).where(PortalAccount.contact_id == contact.id)
    ).scalar_one_or_none()


def _new_account(contact: Contact, *, by: str) -> PortalAccount | None:
    """None where another contact of the organization has the same address (A2)."""
    account = PortalAccount(
        organization_id=contact.organization_id,
        customer_id=contact.customer_id,
        contact_id=contact.id,
        email=normal_email(contact.email or ""),
        is_active=True,
        created_at=clock.now(),
        created_by=by,
    )
    try:
        with db.session.begin_nested():
            db.session.add(account)
    except IntegrityError:
        return account_of(contact)  # somebody made it in this very moment
    return account


def _account_at(organization_id: int, email: str) -> PortalAccount | None:
    return db.session.execute(
        sa.select(PortalAccount).where(
            PortalAccount.organization_id == organization_id, PortalAccount.email == email
        )
    ).scalar_one_or_none()


def who_enters(organization_id: int, email: str) -> PortalAccount | None:
    """The account with this address (in its normal form), if its owner may enter."""
    return db.session.execute(
        who_may_enter().where(
            PortalAccount.organization_id == organization_id, PortalAccount.email == email
        )
    ).scalar_one_or_none()


def who_may_enter() -> sa.Select[PortalAccount]:
    """The accounts of those who may enter."""
    return (
        sa.select(PortalAccount)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .join(Customer, Customer.id == PortalAccount.customer_id)
        .where(*may_enter())
    )


def let_in(contact: Contact, customer: Customer) -> None:
    """Both switches on, in the running unit of work (A4)."""
    contact.portal_access, contact.portal_withdrawn_at = True, None
    customer.portal_enabled, customer.portal_withdrawn_at = True, None


def _post_setup(account: PortalAccount) -> None:
    mail = outbox.post(
        MailKind.ACCOUNT_SETUP,
        organization_id=account.organization_id,
        customer_id=account.customer_id,
        contact_id=account.contact_id,
        reference={"account": account.id, "invited": True},
    )
    account.invitation_mail_id = mail.id


def shut(account: PortalAccount, because: str) -> None:
    """No session and no token of it works any more, in the running unit of work."""
    sessions.end_all(account.id, because)
    account_tokens.void_all(account.id)


def held(account_id: int) -> PortalAccount:
    """The account as it is now, and nobody else's to change until the unit of work is done. Raises
    Unknown."""
    account = db.session.get(
        PortalAccount, account_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if account is None:
        raise Unknown("There is no such account.")
    return account


def _entry(type_: Activity, account: PortalAccount, by: str) -> Entry:
    return Entry(
        type_,
        ActorKind.STAFF,
        actor=by,
        organization_id=account.organization_id,
        customer_id=account.customer_id,
        contact_id=account.contact_id,
    )


def _switch_entry(customer_id: int, contact: Contact | None, by: str, *, on: bool) -> Entry:
    customer = db.session.get_one(Customer, customer_id)
    return Entry(
        Activity.SWITCH_ACCESS,
        ActorKind.STAFF,
        actor=by,
        organization_id=customer.organization_id,
        customer_id=customer_id,
        contact_id=contact.id if contact else None,
        details={"on": on},
    )
