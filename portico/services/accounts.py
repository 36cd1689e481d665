"""Portal accounts: invited, set up, entered, disabled (spec A2-A7, L10).

Setup and reset tokens are made by the worker when the mail goes out, derived like links, and
spent by the POST that sets the password, in its own transaction.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portico import clock, tokens
from portico.db import current_tenant, db, unit_of_work
from portico.records.account import (
    PortalAccount,
    ResetToken,
    SetupToken,
    TokenPurpose,
)
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Contact, Customer
from portico.records.mail import MailKind
from portico.records.organization import Organization
from portico.refusals import BadInput, Conflict, NotFound, StaffRefusal, Unknown
from portico.services import activity, outbox, passwords, sessions
from portico.services.activity import Entry, Visitor
from portico.services.actors import Actor, hold, may_enter

TOKEN_LIFE = dt.timedelta(minutes=60)
_TABLES: dict[TokenPurpose, type[SetupToken] | type[ResetToken]] = {
    TokenPurpose.SETUP: SetupToken,
    TokenPurpose.RESET: ResetToken,
}
_PATHS = {
    TokenPurpose.SETUP: "/customer-portal/setup?token=",
    TokenPurpose.RESET: "/customer-portal/reset-password?token=",
}


class TokenSpent(NotFound):
    """A setup or reset link that does not work (any more): used, too old, or never made."""

    status = 410
    title = "This link does not work any more"
    sentence = "It may have been used already, or it is older than 60 minutes."
    hint = "Ask for a new one, and it is in your mailbox in a minute."


# --- ways in --------------------------------------------------------------------------------


def invite(contact_id: int, *, by: str) -> PortalAccount:
    """Open the portal to a contact: sets the flags, makes the account, mails a setup link (A4).

    Possible again until setup is done. Raises Unknown, StaffRefusal, Conflict.
    """
    with unit_of_work():
        contact, customer = _people(contact_id)
        reason = why_not_invited(contact, customer)
        if reason:
            raise StaffRefusal(reason)
        account = _account_for(contact, by=by)
        if account.set_up_at is not None and account.is_active:
            raise Conflict(f"{contact.name} has an account already; a new password is mailed "
                           "to them by the sign-in page.")  # fmt: skip
        _let_in(account, contact, customer)
        _post_setup(account, reference={"account": account.id, "invited": True})
        activity.record(_entry(Activity.INVITE, account, by))
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
    finds out whether the address on file may have one. The link itself lets nobody in."""
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


# --- tokens, made by the worker ----------------------------------------------------------------


def account_to_set_up(contact_id: int, *, by_link: bool) -> PortalAccount | None:
    """The account that a setup mail is about, in the running unit of work; None where there may
    be none. By a link only where nobody switched access off (A3, L10)."""
    contact, customer = _people(contact_id)
    if why_not_invited(contact, customer):
        return None
    account = db.session.execute(
        sa.select(PortalAccount).where(PortalAccount.contact_id == contact.id)
    ).scalar_one_or_none()
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
    """The account that may get a new password by mail; None where there is none."""
    return db.session.execute(
        sa.select(PortalAccount)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .join(Customer, Customer.id == PortalAccount.customer_id)
        .where(
            PortalAccount.organization_id == organization_id,
            PortalAccount.email == email,
            *may_enter(),
        )
    ).scalar_one_or_none()


def new_token(account: PortalAccount, purpose: TokenPurpose, *, by: str) -> int:
    """A token in the running unit of work; older ones of the account are void. Returns its id."""
    db.session.refresh(account, with_for_update={"key_share": True})
    table = _TABLES[purpose]
    void_tokens(account.id)
    nonce = tokens.new_nonce()
    row = table(
        account_id=account.id,
        nonce=nonce,
        token_sha256=nonce,  # until the row has its id, which the token is bound to
        created_at=clock.now(),
        created_by=by,
    )
    db.session.add(row)
    db.session.flush()
    token = tokens.mint(purpose.value, current_tenant().slug, row.id, nonce)
    row.token_sha256 = tokens.digest(token) or b""
    db.session.flush()
    return row.id


def void_tokens(account_id: int) -> None:
    """No way to set a password that was mailed before leads anywhere any more."""
    for table in _TABLES.values():
        db.session.execute(
            sa.update(table)
            .where(
                table.account_id == account_id, table.used_at.is_(None), table.voided_at.is_(None)
            )
            .values(voided_at=clock.now())
            .execution_options(synchronize_session=False)
        )


def token_is_open(purpose: TokenPurpose, token_id: int) -> bool:
    """Whether a token can still be spent: a mail never carries a dead one."""
    row = db.session.get(_TABLES[purpose], token_id, populate_existing=True)
    return row is not None and row.used_at is None and row.voided_at is None


def token_url(purpose: TokenPurpose, token_id: int) -> str:
    """The whole address, derived again; it goes into a mail and nowhere else."""
    row = db.session.get_one(_TABLES[purpose], token_id)
    tenant = current_tenant()
    token = tokens.again(purpose.value, tenant.slug, row.id, row.nonce, row.token_sha256)
    return tenant.public_url + _PATHS[purpose] + token


def sign_in_url(organization: str) -> str:
    """The sign-in page with an organization (by its short name) chosen; for mails (T5)."""
    return f"{current_tenant().public_url}/customer-portal/login?org={organization}"


def token_delivered(purpose: TokenPurpose, token_id: int) -> None:
    """The mail server took the mail just now: the hour begins."""
    row = db.session.get_one(_TABLES[purpose], token_id)
    row.delivered_at = clock.now()
    row.expires_at = row.delivered_at + TOKEN_LIFE


# --- tokens, spent by the customer -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenToken:
    """Whose password a token sets. Found by every GET, spent by none."""

    row_id: int
    account_id: int
    organization_id: int
    name: str
    email: str
    customer_name: str


def open_token(purpose: TokenPurpose, token: str) -> OpenToken:
    """What a setup or reset link leads to. Raises TokenSpent, always the same."""
    sha256 = tokens.digest(token)
    if sha256 is None:
        raise TokenSpent
    table = _TABLES[purpose]
    row = db.session.execute(
        sa.select(
            table.id, table.account_id, PortalAccount.organization_id, PortalAccount.email,
            Contact.name, Customer.name.label("customer_name"),
        )
        .join(PortalAccount, PortalAccount.id == table.account_id)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .join(Customer, Customer.id == PortalAccount.customer_id)
        .where(table.token_sha256 == sha256, *_spendable(table), *_settable(purpose))
    ).first()  # fmt: skip
    if row is None:
        raise TokenSpent
    return OpenToken(
        row.id, row.account_id, row.organization_id, row.name, row.email, row.customer_name
    )


def set_password(purpose: TokenPurpose, token: str, password: str, visitor: Visitor) -> str:
    """Spend a token: the password is set and the customer is signed in. Returns the session's
    secret. Raises BadInput (nothing is spent), TokenSpent."""
    found = open_token(purpose, token)
    about = (found.name, found.email, found.customer_name)
    kept = passwords.hashed(passwords.check(password, about=about))
    table = _TABLES[purpose]
    with unit_of_work():
        spent = db.session.execute(
            sa.update(table)
            .where(table.id == found.row_id, *_spendable(table))
            .values(used_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        if int(getattr(spent, "rowcount", 0)) != 1:
            raise TokenSpent
        still_open = db.session.execute(
            sa.select(PortalAccount.id)
            .join(Contact, Contact.id == PortalAccount.contact_id)
            .join(Customer, Customer.id == PortalAccount.customer_id)
            .where(PortalAccount.id == found.account_id, *_settable(purpose))
        ).first()
        if still_open is None:
            raise TokenSpent
        account = db.session.get_one(
            PortalAccount, found.account_id, with_for_update={"key_share": True}
        )
        now = clock.now()
        account.password_hash = kept
        account.password_changed_at = now
        void_tokens(account.id)
        if purpose is TokenPurpose.SETUP:
            contact, customer = _people(account.contact_id)
            _let_in(account, contact, customer)
        if account.set_up_at is None:
            account.set_up_at = now
        sessions.end_all(account.id, "the password was set anew")
        opened = sessions.open_for(account, visitor)
        done = Activity.SET_UP_ACCOUNT if purpose is TokenPurpose.SETUP else Activity.PASSWORD_RESET
        activity.record(_own_entry(done, account, opened.id, visitor))
        activity.record(_own_entry(Activity.LOGIN, account, opened.id, visitor))
        if purpose is TokenPurpose.RESET:
            _tell_owner(account)
    return opened.secret


# --- signing in and out ------------------------------------------------------------------------


def sign_in(organization_id: int, email: str, password: str, visitor: Visitor) -> str | None:
    """Check address and password; the new session's secret, or None. Takes the same time for
    unknown, wrong and disabled, and writes the same line for each (A5)."""
    account = db.session.execute(
        sa.select(PortalAccount)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .join(Customer, Customer.id == PortalAccount.customer_id)
        .where(
            PortalAccount.organization_id == organization_id,
            PortalAccount.email == normal_email(email),
            *may_enter(),
        )
    ).scalar_one_or_none()
    kept = account.password_hash if account is not None else None
    db.session.rollback()  # nothing stays open while the hash is computed
    if not passwords.holds(password[: passwords.LONGEST + 1], kept) or account is None:
        _note_failure(organization_id, account, visitor)
        return None
    with unit_of_work():
        current = db.session.get_one(
            PortalAccount, account.id, with_for_update={"key_share": True}, populate_existing=True
        )
        if current.password_hash != kept or not current.is_active:
            return None  # changed or disabled in this very moment
        opened = sessions.open_for(current, visitor)
        activity.record(_own_entry(Activity.LOGIN, current, opened.id, visitor))
    return opened.secret


def _note_failure(organization_id: int, account: PortalAccount | None, visitor: Visitor) -> None:
    activity.note(
        Entry(
            Activity.FAILED_LOGIN,
            ActorKind.CUSTOMER,
            organization_id=organization_id,
            customer_id=account.customer_id if account else None,
            contact_id=account.contact_id if account else None,
            visitor=visitor,
        )
    )


def sign_out(actor: Actor) -> None:
    """End this session. Doing it twice is doing it once."""
    with unit_of_work():
        if actor.session_id is not None and sessions.end(actor.session_id, "signed out"):
            activity.record(actor.entry(Activity.LOGOUT))


def change_password(actor: Actor, current: str, new: str) -> None:
    """A new password; every other session of the account ends (A11). Raises BadInput, NotFound."""
    account = db.session.get_one(PortalAccount, actor.account_id)
    customer = db.session.get_one(Customer, account.customer_id)
    about = (actor.contact_name or "", account.email, customer.name)
    kept = account.password_hash
    if not passwords.holds(current[: passwords.LONGEST + 1], kept):
        raise BadInput({"current": "This is not your present password."})
    hashed = passwords.hashed(passwords.check(new, about=about))
    with unit_of_work():
        hold(actor)
        account = db.session.get_one(
            PortalAccount,
            actor.account_id,
            with_for_update={"key_share": True},
            populate_existing=True,
        )
        if account.password_hash != kept:
            raise BadInput({"current": "Your password was changed elsewhere a moment ago."})
        account.password_hash = hashed
        account.password_changed_at = clock.now()
        void_tokens(account.id)
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
        contact, _customer = _people(contact_id)
        contact.portal_access = False
        contact.portal_withdrawn_at = clock.now()
        for account in _accounts(PortalAccount.contact_id == contact_id):
            _shut(account, "access was switched off")
        activity.record(_switch_entry(contact.customer_id, contact, by, on=False))


def withdraw_from_customer(customer_id: int, *, by: str) -> None:
    """Switch the portal off for a whole customer; accounts and references stay."""
    with unit_of_work():
        customer = db.session.get(Customer, customer_id)
        if customer is None:
            raise Unknown("There is no such customer.")
        customer.portal_enabled = False
        customer.portal_withdrawn_at = clock.now()
        for account in _accounts(PortalAccount.customer_id == customer_id):
            _shut(account, "access was switched off")
        activity.record(_switch_entry(customer_id, None, by, on=False))


def open_for_customer(customer_id: int, *, by: str) -> None:
    """Switch the portal on for a customer; contacts whose own access is on get in again."""
    with unit_of_work():
        customer = db.session.get(Customer, customer_id)
        if customer is None:
            raise Unknown("There is no such customer.")
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


def _people(contact_id: int) -> tuple[Contact, Customer]:
    contact = db.session.get(Contact, contact_id, populate_existing=True)
    if contact is None:
        raise Unknown("There is no such contact.")
    return contact, db.session.get_one(Customer, contact.customer_id, populate_existing=True)


def _account_for(contact: Contact, *, by: str) -> PortalAccount:
    account = db.session.execute(
        sa.select(PortalAccount).where(PortalAccount.contact_id == contact.id)
    ).scalar_one_or_none()
    account = account or _new_account(contact, by=by)
    if account is None:
        raise Conflict(f"Another contact signs in with {contact.email} already.")
    return account


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
        return None
    return account


def _let_in(account: PortalAccount, contact: Contact, customer: Customer) -> None:
    contact.portal_access, contact.portal_withdrawn_at = True, None
    customer.portal_enabled, customer.portal_withdrawn_at = True, None
    account.is_active = True
    account.disabled_at = account.disabled_by = None


def _post_setup(account: PortalAccount, reference: dict[str, object]) -> None:
    outbox.post(
        MailKind.ACCOUNT_SETUP,
        organization_id=account.organization_id,
        customer_id=account.customer_id,
        contact_id=account.contact_id,
        reference=reference,
    )


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
    void_tokens(account.id)


def _accounts(which: sa.ColumnElement[bool]) -> list[PortalAccount]:
    return list(db.session.execute(sa.select(PortalAccount).where(which)).scalars())


def _held(account_id: int) -> PortalAccount:
    account = db.session.get(
        PortalAccount, account_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if account is None:
        raise Unknown("There is no such account.")
    return account


def _spendable(table: type[SetupToken] | type[ResetToken]) -> tuple[sa.ColumnElement[bool], ...]:
    """Not used, not void, not too old. Before we have written down that the mail server took the
    mail there is no end yet, because the customer may be quicker."""
    return (
        table.used_at.is_(None),
        table.voided_at.is_(None),
        sa.or_(table.expires_at.is_(None), table.expires_at > clock.now()),
    )


def _settable(purpose: TokenPurpose) -> tuple[sa.ColumnElement[bool], ...]:
    """Who may set a password: whoever may enter; for a setup by link that is decided by it."""
    if purpose is TokenPurpose.RESET:
        return may_enter()
    return (
        PortalAccount.is_active.is_(True),
        Contact.customer_id == PortalAccount.customer_id,
        Contact.is_active.is_(True),
        Contact.email.is_not(None),
        Contact.portal_withdrawn_at.is_(None),
        Customer.organization_id == PortalAccount.organization_id,
        Customer.is_active.is_(True),
        Customer.portal_withdrawn_at.is_(None),
    )


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
