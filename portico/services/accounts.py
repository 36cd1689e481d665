"""Portal accounts: invited, set up, entered, disabled (spec A2-A7, L10).

Whatever changes an account, its tokens or its sessions holds the account's row first, then reads
again: a reset and a disabling that come at once happen one after the other, whichever is first.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock
from portico.db import current_tenant, db, unit_of_work
from portico.records.account import PortalAccount, TokenPurpose
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Contact, Customer
from portico.records.document import Document
from portico.records.mail import Mail, MailKind, MailState
from portico.records.organization import Organization
from portico.refusals import BadInput, Conflict, StaffRefusal, Unknown
from portico.services import account_tokens, activity, outbox, passwords, sessions
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
        contact, customer = _people(contact_id)
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
        _let_in(contact, customer)
        _post_setup(account)
        activity.record(_entry(Activity.INVITE, account, by))
    return account


def open_for_contact(contact_id: int, *, by: str) -> bool:
    """Switch a contact's portal access on. Who never set a password is invited by it (A4).

    Returns whether an invitation goes out. Raises Unknown, StaffRefusal, Conflict.
    """
    with unit_of_work():
        account = _invitable(contact_id, by=by)
        contact, customer = _people(contact_id)
        _let_in(contact, customer)
        activity.record(_switch_entry(contact.customer_id, contact, by, on=True))
        if account.set_up_at is None:
            _post_setup(account)
            activity.record(_entry(Activity.INVITE, account, by))
    return account.set_up_at is None


def _invitable(contact_id: int, *, by: str) -> PortalAccount:
    """The account of a contact, made where there is none, held. Raises what inviting raises."""
    contact, customer = _people(contact_id)
    reason = why_not_invited(contact, customer)
    if reason:
        raise StaffRefusal(reason)
    account = _account_of(contact) or _new_account(contact, by=by)
    if account is None:
        raise Conflict(f"Another contact signs in with {contact.email} already.")
    account = _held(account.id)
    if not account.is_active:
        raise Conflict(f"The account of {contact.name} is disabled. Enable it first.")
    return account


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
    contact, customer = _people(contact_id)
    if why_not_invited(contact, customer):
        return None
    account = _account_of(contact)
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
        return _who_enters(organization_id, email)
    contact, customer = _people(account.contact_id)
    by_link = not (contact.portal_access and customer.portal_enabled)
    return account_to_set_up(account.contact_id, by_link=by_link)


def token_for_mail(account: PortalAccount, mail: Mail) -> tuple[TokenPurpose, int] | None:
    """A token for a mail that goes out now, in the running unit of work; its purpose and id.

    None where a newer mail to this account has a live one or will have one, or where others had
    it mailed too often: two live tokens there are never, and the newest mail carries the live one.
    """
    account = _held(account.id)
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


# --- a password by a mailed link ----------------------------------------------------------------


def set_password(purpose: TokenPurpose, token: str, password: str, visitor: Visitor) -> str:
    """Spend a token: the password is set and the customer is signed in. Returns the session's
    secret. Raises BadInput (nothing is spent), TokenSpent."""
    found = account_tokens.find(purpose, token)
    about = (found.name, found.email, found.customer_name)
    kept = passwords.hashed(passwords.check(password, about=about))
    with unit_of_work():
        account = _held(found.account_id)
        account_tokens.spend(purpose, found)
        now = clock.now()
        account.password_hash = kept
        account.password_changed_at = now
        if purpose is TokenPurpose.SETUP:
            _let_in(*_people(account.contact_id))
        if account.set_up_at is None:
            account.set_up_at = now
        _shut(account, "the password was set anew")
        opened = sessions.open_for(account, visitor)
        done = Activity.SET_UP_ACCOUNT if purpose is TokenPurpose.SETUP else Activity.PASSWORD_RESET
        activity.record(_own_entry(done, account, opened.id, visitor))
        activity.record(_own_entry(Activity.LOGIN, account, opened.id, visitor))
        if purpose is TokenPurpose.RESET:
            _tell_owner(account)
    return opened.secret


# --- signing in and out ------------------------------------------------------------------------


def sign_in(organization_id: int, email: str, password: str, visitor: Visitor) -> str | None:
    """Check address and password; the new session's secret, or None. Does the same work for
    unknown, wrong, not set up and disabled, and writes the same line for each (A5)."""
    account = _who_enters(organization_id, normal_email(email))
    kept = account.password_hash if account is not None else None
    failure = Entry(
        Activity.FAILED_LOGIN,
        ActorKind.CUSTOMER,
        organization_id=organization_id,
        customer_id=account.customer_id if account else None,
        contact_id=account.contact_id if account else None,
        visitor=visitor,
    )
    account_id = account.id if account else 0
    db.session.rollback()  # nothing stays open while the hash is computed; nothing is read again
    if not passwords.holds(password, kept):
        activity.note(failure)
        return None
    fresh = passwords.hashed(password) if passwords.is_of_another_cost(kept) else kept
    with unit_of_work():
        current = _held(account_id)
        may = db.session.execute(_entered().where(PortalAccount.id == account_id)).first()
        if may is None or current.password_hash != kept:
            return None  # changed or disabled in this very moment
        current.password_hash = fresh
        opened = sessions.open_for(current, visitor)
        activity.record(_own_entry(Activity.LOGIN, current, opened.id, visitor))
    return opened.secret


def sign_out(actor: Actor) -> None:
    """End this session. Doing it twice is doing it once."""
    with unit_of_work():
        if actor.session_id is not None and sessions.end(actor.session_id, "signed out"):
            activity.record(actor.entry(Activity.LOGOUT))


def sign_out_elsewhere(actor: Actor) -> None:
    """End every other session of the actor's account (A11). Raises NotFound."""
    with unit_of_work():
        account = _held(actor.account_id or 0)
        hold(actor)
        ended = sessions.end_all(account.id, "signed out from elsewhere", but=actor.session_id)
        if ended:
            activity.record(actor.entry(Activity.LOGOUT, elsewhere=ended))


def change_password(actor: Actor, current: str, new: str) -> None:
    """A new password; every other session of the account ends (A11). Raises BadInput, NotFound."""
    account = db.session.get_one(PortalAccount, actor.account_id)
    customer = db.session.get_one(Customer, account.customer_id)
    about = (actor.contact_name or "", account.email, customer.name)
    kept, account_id = account.password_hash, account.id
    db.session.rollback()  # nothing stays open while the hashes are computed
    if not passwords.holds(current, kept):
        activity.note(actor.entry(Activity.FAILED_LOGIN, at="change_password"))
        raise BadInput({"current": "This is not your present password."})
    hashed = passwords.hashed(passwords.check(new, about=about))
    with unit_of_work():
        account = _held(account_id)
        hold(actor)
        if account.password_hash != kept:
            raise BadInput({"current": "Your password was changed elsewhere a moment ago."})
        account.password_hash = hashed
        account.password_changed_at = clock.now()
        account_tokens.void_all(account.id)
        sessions.end_all(account.id, "the password was changed", but=actor.session_id)
        activity.record(actor.entry(Activity.CHANGE_PASSWORD))
        _tell_owner(account)


# --- by staff ----------------------------------------------------------------------------------


def disable(account_id: int, *, by: str) -> None:
    """Nobody gets in any more; record and references stay (A7)."""
    with unit_of_work():
        account = _held(account_id)
        if account.is_active:
            account.is_active = False
            account.disabled_at, account.disabled_by = clock.now(), by
            _shut(account, "the account was disabled")
            activity.record(_entry(Activity.DISABLE_ACCOUNT, account, by))


def enable(account_id: int, *, by: str) -> None:
    """Access as before the account was disabled, with the password it had."""
    with unit_of_work():
        account = _held(account_id)
        if not account.is_active:
            account.is_active = True
            account.disabled_at = account.disabled_by = None
            activity.record(_entry(Activity.ENABLE_ACCOUNT, account, by))


def withdraw_from_contact(contact_id: int, *, by: str) -> None:
    """Switch a contact's portal access off: signed out at once, and no way back in by a link."""
    with unit_of_work():
        shut_out(PortalAccount.contact_id == contact_id, "access was switched off")
        contact, _customer = _people(contact_id)
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
        _shut(_held(account_id), because)


def move_email(contact: Contact) -> None:
    """The contact's address changed: their account signs in with the new one, and nothing that
    was mailed to the old one leads anywhere. In the running unit of work. Raises Conflict."""
    account = _account_of(contact)
    if account is None:
        return
    account = _held(account.id)
    _shut(account, "the e-mail address was changed")
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


# --- why, or why not ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that access needs (A4), whether it is given, and the sentence that says so."""

    holds: bool
    sentence: str


def why(contact_id: int, document_id: int | None = None) -> list[Condition]:
    """Everything that decides whether a contact can sign in, and see a document if one is named:
    who may is who meets them all. Raises Unknown."""
    contact, customer = _people(contact_id)
    found = [*_why_in(contact, customer), *_why_set_up(contact)]
    if document_id is not None:
        document = db.session.get(Document, document_id, populate_existing=True)
        if document is None:
            raise Unknown("There is no such document.")
        found += _why_seen(contact, customer, document)
    return found


def _why_in(contact: Contact, customer: Customer) -> list[Condition]:
    off = "by the team" if contact.portal_withdrawn_at else "so far"
    all_off = "by the team" if customer.portal_withdrawn_at else "so far"
    return [
        _either(customer.is_active, f"{customer.name} is active.",
                f"{customer.name} is switched off."),
        _either(customer.portal_enabled, f"The portal is on for {customer.name}.",
                f"The portal is off for {customer.name} ({all_off})."),
        _either(contact.is_active, f"{contact.name} is active.",
                f"{contact.name} is switched off."),
        _either(bool(contact.email), f"{contact.name} has the address {contact.email}.",
                f"{contact.name} has no e-mail address."),
        _either(contact.portal_access, f"{contact.name} has portal access.",
                f"Portal access is off for {contact.name} ({off})."),
    ]  # fmt: skip


def _why_set_up(contact: Contact) -> list[Condition]:
    account = _account_of(contact)
    if account is None:
        return [Condition(False, f"{contact.name} has no account yet: invite them.")]
    return [
        _either(account.is_active, "The account is not disabled.",
                f"The account was disabled by {account.disabled_by}."),
        _either(account.set_up_at is not None, "A password was set.",
                "No password was set yet: the invitation can be mailed again."),
    ]  # fmt: skip


def _why_seen(contact: Contact, customer: Customer, document: Document) -> list[Condition]:
    owned = (document.organization_id, document.customer_id) == (
        contact.organization_id, contact.customer_id,
    )  # fmt: skip
    what = f"{type(document).label} {document.number}"
    org = db.session.get_one(Organization, contact.organization_id)
    section = document.section
    found = [
        _either(owned, f"{what} belongs to {customer.name}.",
                f"{what} does not belong to {customer.name}."),
        _either(document.is_posted, f"{what} is posted.", f"{what} is a draft."),
    ]  # fmt: skip
    if section is not None:
        found.append(
            _either(section in org.sections, f"{org.name} shows {section} in its portal.",
                    f"{org.name} does not show {section} in its portal.")
        )  # fmt: skip
    return found


def _either(holds: bool, given: str, missing: str) -> Condition:
    return Condition(holds, given if holds else missing)


# --- parts -------------------------------------------------------------------------------------


def _people(contact_id: int) -> tuple[Contact, Customer]:
    contact = db.session.get(Contact, contact_id, populate_existing=True)
    if contact is None:
        raise Unknown("There is no such contact.")
    return contact, db.session.get_one(Customer, contact.customer_id, populate_existing=True)


def _customer_of(customer_id: int) -> Customer:
    customer = db.session.get(Customer, customer_id, populate_existing=True)
    if customer is None:
        raise Unknown("There is no such customer.")
    return customer


def _account_of(contact: Contact) -> PortalAccount | None:
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
        return _account_of(contact)  # somebody made it in this very moment
    return account


def _account_at(organization_id: int, email: str) -> PortalAccount | None:
    return db.session.execute(
        sa.select(PortalAccount).where(
            PortalAccount.organization_id == organization_id, PortalAccount.email == email
        )
    ).scalar_one_or_none()


def _who_enters(organization_id: int, email: str) -> PortalAccount | None:
    return db.session.execute(
        _entered().where(
            PortalAccount.organization_id == organization_id, PortalAccount.email == email
        )
    ).scalar_one_or_none()


def _entered() -> sa.Select[PortalAccount]:
    """The accounts of those who may enter."""
    return (
        sa.select(PortalAccount)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .join(Customer, Customer.id == PortalAccount.customer_id)
        .where(*may_enter())
    )


def _let_in(contact: Contact, customer: Customer) -> None:
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


def _tell_owner(account: PortalAccount) -> None:
    """Whoever changed the password, the owner of the mailbox learns of it."""
    outbox.post(
        MailKind.PASSWORD_CHANGED,
        organization_id=account.organization_id,
        customer_id=account.customer_id,
        contact_id=account.contact_id,
    )


def _shut(account: PortalAccount, because: str) -> None:
    sessions.end_all(account.id, because)
    account_tokens.void_all(account.id)


def _held(account_id: int) -> PortalAccount:
    """The account as it is now, and nobody else's to change until the unit of work is done."""
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


def _own_entry(type_: Activity, account: PortalAccount, session_id: int, visitor: Visitor) -> Entry:
    contact = db.session.get_one(Contact, account.contact_id)
    return Entry(
        type_,
        ActorKind.CUSTOMER,
        actor=contact.name,
        organization_id=account.organization_id,
        customer_id=account.customer_id,
        contact_id=account.contact_id,
        session_id=str(session_id),
        visitor=visitor,
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
