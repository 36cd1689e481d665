"""Signing in and out, and the password of an account (spec A3, A5, A6, A11)."""

from __future__ import annotations

from portico import clock
from portico.db import db, unit_of_work
from portico.records.account import PortalAccount, TokenPurpose
from portico.records.activity import Activity, ActorKind
from portico.records.customer import Contact, Customer
from portico.records.mail import MailKind
from portico.refusals import BadInput
from portico.services import account_tokens, accounts, activity, outbox, passwords, sessions
from portico.services.activity import Entry, Visitor
from portico.services.actors import Actor, hold


def set_password(purpose: TokenPurpose, token: str, password: str, visitor: Visitor) -> str:
    """Spend a token: the password is set and the customer is signed in. Returns the session's
    secret. Raises BadInput (nothing is spent), TokenSpent."""
    found = account_tokens.find(purpose, token)
    about = (found.name, found.email, found.customer_name)
    kept = passwords.hashed(passwords.check(password, about=about))
    with unit_of_work():
        account = accounts.held(found.account_id)
        account_tokens.spend(purpose, found)
        now = clock.now()
        account.password_hash = kept
        account.password_changed_at = now
        if purpose is TokenPurpose.SETUP:
            accounts.let_in(*accounts.people(account.contact_id))
        if account.set_up_at is None:
            account.set_up_at = now
        accounts.shut(account, "the password was set anew")
        opened = sessions.open_for(account, visitor)
        done = Activity.SET_UP_ACCOUNT if purpose is TokenPurpose.SETUP else Activity.PASSWORD_RESET
        activity.record(_own_entry(done, account, opened.id, visitor))
        activity.record(_own_entry(Activity.LOGIN, account, opened.id, visitor))
        if purpose is TokenPurpose.RESET:
            _tell_owner(account)
    return opened.secret


def sign_in(organization_id: int, email: str, password: str, visitor: Visitor) -> str | None:
    """Check address and password; the new session's secret, or None. Does the same work for
    unknown, wrong, not set up and disabled, and writes the same line for each (A5)."""
    account = accounts.who_enters(organization_id, accounts.normal_email(email))
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
        current = accounts.held(account_id)
        may = db.session.execute(
            accounts.who_may_enter().where(PortalAccount.id == account_id)
        ).first()
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
        account = accounts.held(actor.account_id or 0)
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
        account = accounts.held(account_id)
        hold(actor)
        if account.password_hash != kept:
            raise BadInput({"current": "Your password was changed elsewhere a moment ago."})
        account.password_hash = hashed
        account.password_changed_at = clock.now()
        account_tokens.void_all(account.id)
        sessions.end_all(account.id, "the password was changed", but=actor.session_id)
        activity.record(actor.entry(Activity.CHANGE_PASSWORD))
        _tell_owner(account)


def _tell_owner(account: PortalAccount) -> None:
    """Whoever changed the password, the owner of the mailbox learns of it."""
    outbox.post(
        MailKind.PASSWORD_CHANGED,
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
