"""Setup and reset tokens: made by the worker when the mail goes out, spent by a POST (spec A3).

They are derived like links, so that a mail that is tried again carries the same one. Whoever
makes, voids or spends one holds the account's row first, so that all of them wait in one line.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from portico import clock, tokens
from portico.db import current_tenant, db
from portico.records.account import (
    PortalAccount,
    PortalSession,
    ResetToken,
    SetupToken,
    TokenPurpose,
)
from portico.records.customer import Contact, Customer
from portico.refusals import NotFound
from portico.services.activity import Visitor
from portico.services.actors import may_enter
from portico.services.sessions import browser_of

LIFE = dt.timedelta(minutes=60)
_Table = type[SetupToken] | type[ResetToken]
_TABLES: dict[TokenPurpose, _Table] = {
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
    sentence = "It may have been used already, it is older than 60 minutes, or a newer mail came."
    hint = "Ask for a new one, and it is in your mailbox in a minute."


# --- made by the worker -------------------------------------------------------------------------


def make(account: PortalAccount, purpose: TokenPurpose, *, by: str) -> int:
    """A token, in the running unit of work; older ones of the account are void. Returns its id."""
    void_all(account.id)
    nonce = tokens.new_nonce()
    row = _TABLES[purpose](
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


def made_since(account_id: int, moment: dt.datetime) -> int:
    """How many were made for an account since a moment, used or not."""
    return sum(
        db.session.scalar(
            sa.select(sa.func.count(table.id)).where(
                table.account_id == account_id, table.created_at >= moment
            )
        )
        or 0
        for table in _TABLES.values()
    )


def has_live(account_id: int) -> bool:
    """Whether some mail that went out still leads to a password."""
    return any(
        db.session.execute(
            sa.select(table.id).where(table.account_id == account_id, *_spendable(table)).limit(1)
        ).first()
        for table in _TABLES.values()
    )


def void_all(account_id: int) -> None:
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


def is_open(purpose: TokenPurpose, token_id: int) -> bool:
    """Whether a token can still be spent: a mail never carries a dead one."""
    row = db.session.get(_TABLES[purpose], token_id, populate_existing=True)
    return row is not None and row.used_at is None and row.voided_at is None


def url_of(purpose: TokenPurpose, token_id: int) -> str:
    """The whole address, derived again; it goes into a mail and nowhere else."""
    row = db.session.get_one(_TABLES[purpose], token_id)
    tenant = current_tenant()
    token = tokens.again(purpose.value, tenant.slug, row.id, row.nonce, row.token_sha256)
    return tenant.public_url + _PATHS[purpose] + token


def delivered(purpose: TokenPurpose, token_id: int) -> None:
    """The mail server took the mail just now: the hour begins."""
    row = db.session.get_one(_TABLES[purpose], token_id)
    row.delivered_at = clock.now()
    row.expires_at = row.delivered_at + LIFE


# --- spent by the customer ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenToken:
    """Whose password a token sets. Found by every GET, spent by none."""

    row_id: int
    account_id: int
    organization_id: int
    name: str
    email: str
    customer_name: str


def find(purpose: TokenPurpose, token: str) -> OpenToken:
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


def set_just_now(purpose: TokenPurpose, token: str, visitor: Visitor) -> PortalAccount | None:
    """The account that got a password by this link within the last minute, from the same browser:
    a second click sends the form again. Lets nobody in by itself."""
    table = _TABLES[purpose]
    return db.session.execute(
        sa.select(PortalAccount)
        .join(table, table.account_id == PortalAccount.id)
        .join(PortalSession, PortalSession.account_id == PortalAccount.id)
        .where(
            table.token_sha256 == (tokens.digest(token) or b""),
            table.used_at > clock.a_moment_ago(),
            PortalSession.created_at >= table.used_at,
            PortalSession.ended_at.is_(None),
            PortalSession.ip == visitor.ip,
            PortalSession.user_agent == browser_of(visitor),
        )
        .limit(1)
    ).scalar_one_or_none()


def spend(purpose: TokenPurpose, found: OpenToken) -> None:
    """Use a token up, in the running unit of work that holds its account. Raises TokenSpent."""
    table = _TABLES[purpose]
    spent = db.session.execute(
        sa.update(table)
        .where(table.id == found.row_id, *_spendable(table))
        .values(used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    may_set = db.session.execute(
        sa.select(PortalAccount.id)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .join(Customer, Customer.id == PortalAccount.customer_id)
        .where(PortalAccount.id == found.account_id, *_settable(purpose))
    ).first()
    if int(getattr(spent, "rowcount", 0)) != 1 or may_set is None:
        raise TokenSpent


def _spendable(table: _Table) -> tuple[sa.ColumnElement[bool], ...]:
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
