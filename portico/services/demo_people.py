"""Who can sign in to the demonstration: the owner of both organizations, and a customer."""

from __future__ import annotations

import sqlalchemy as sa

from portico.db import db, unit_of_work
from portico.records.account import PortalAccount, TokenPurpose
from portico.records.customer import Contact
from portico.records.organization import Organization
from portico.records.staff import Role, StaffMember, StaffTokenPurpose
from portico.services import (
    account_tokens,
    accounts,
    colleagues,
    credentials,
    delivery,
    outbox,
    passwords,
    sessions,
    staff,
    team,
)
from portico.services.activity import Visitor

OWNER = ("Kari Nordby", "kari@halden-joinery.example")
CUSTOMER = ("halden", "10021")  # organization, and the customer's id in its books


def let_owner_in(password: str, *, by: str, browser: Visitor) -> str:
    """Put the owner on both teams where they are not yet, and give them this password; returns
    the address that they sign in with."""
    name, email = OWNER
    for organization_id in db.session.scalars(sa.select(Organization.id)).all():
        if organization_id not in _roles(email):
            colleagues.invite(name, email, organization_id, Role.OWNER, by=by)
    for mail_id in outbox.due():
        delivery.deliver(mail_id)
    member = staff.find(email)
    if not passwords.holds(password, member.password_hash):
        _set_password(member, password, by, browser)
    return email


def let_customer_in(password: str, *, by: str, browser: Visitor) -> str:
    """Give the customer's first contact an account with this password, whatever was switched off
    while somebody tried things; returns the address that they sign in with."""
    customer = team.find_customer(*CUSTOMER)
    contact = db.session.scalars(
        sa.select(Contact).where(Contact.customer_id == customer.id).order_by(Contact.id).limit(1)
    ).one()
    account = db.session.scalar(
        sa.select(PortalAccount).where(PortalAccount.contact_id == contact.id)
    )
    if account is None:
        account = accounts.invite(contact.id, by=by)
    accounts.enable(account.id, by=by)
    if not (contact.portal_access and customer.portal_enabled):
        accounts.open_for_contact(contact.id, by=by)
    for mail_id in outbox.due():
        delivery.deliver(mail_id)
    if not passwords.holds(password, account.password_hash):
        _set_customers_password(account, password, by, browser)
    return account.email


def _set_customers_password(
    account: PortalAccount, password: str, by: str, browser: Visitor
) -> None:
    purpose = TokenPurpose.RESET if account.set_up_at else TokenPurpose.SETUP
    with unit_of_work():
        token_id = account_tokens.make(account, purpose, by=by)
    token = account_tokens.url_of(purpose, token_id).rpartition("=")[2]
    credentials.set_password(purpose, token, password, browser)
    with unit_of_work():
        sessions.end_all(account.id, "the demonstration is ready")


def _roles(email: str) -> dict[int, Role]:
    found = db.session.scalar(sa.select(StaffMember.id).where(StaffMember.email == email))
    return staff.roles_of(found) if found else {}


def _set_password(member: StaffMember, password: str, by: str, browser: Visitor) -> None:
    """By a link, as everybody does; the session that it opens is left again."""
    purpose = StaffTokenPurpose.RESET if member.set_up_at else StaffTokenPurpose.INVITATION
    with unit_of_work():
        token_id = staff.new_token(member, purpose, by=by)
    token = staff.token_url(token_id).rpartition("=")[2]
    staff.set_password(purpose, token, password, browser)
    with unit_of_work():
        staff.end_sessions(member.id, "the demonstration is ready")
