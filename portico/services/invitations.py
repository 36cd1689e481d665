"""Many invitations at once: made in one transaction, mailed by the worker (spec C3).

A batch is a row for the run and one for each person. Each item that goes out refers to its mail,
and says how that ended from the transaction that ends it; so a batch is as far as its items say,
however often a worker died meanwhile. Batches of one organization are made one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from portico import clock
from portico.db import db, unit_of_work
from portico.records.account import PortalAccount
from portico.records.activity import Activity, ActorKind
from portico.records.batch import BatchItem, InvitationBatch, ItemState
from portico.records.customer import Contact, Customer
from portico.records.mail import Mail, MailKind, MailState
from portico.records.organization import Organization
from portico.refusals import BadInput, Conflict
from portico.services import accounts, activity, outbox
from portico.services.activity import Entry

MOST = 20_000  # people in one batch
_AT_ONCE = 500  # values in one statement
_ITEM_STATES = {
    MailState.SENT.value: ItemState.SENT,
    MailState.FAILED.value: ItemState.FAILED,
    MailState.SKIPPED.value: ItemState.SKIPPED,
}


T = TypeVar("T")


# --- who can be invited -------------------------------------------------------------------------


def eligible(
    organization_id: int, among: sa.CompoundSelect[Any] | None = None
) -> sa.Select[int, int, str, str | None]:
    """The people who can be invited together, with account and customer; nobody whose access the
    team took away, and nobody whose invitation stands. *among*: of few contacts, by their ids."""
    other = aliased(PortalAccount)
    own = Contact.organization_id == organization_id
    if among is not None:  # "+ 0" keeps SQLite at their ids
        own = sa.and_(Contact.organization_id + 0 == organization_id, Contact.id.in_(among))
    taken = sa.exists().where(
        other.organization_id == organization_id,
        other.email == sa.func.lower(Contact.email),
        other.contact_id != Contact.id,
    )
    return (
        sa.select(Contact.id, Contact.customer_id, Contact.name, Contact.email)
        .join(Customer, Customer.id == Contact.customer_id)
        .outerjoin(PortalAccount, PortalAccount.contact_id == Contact.id)
        .outerjoin(Mail, Mail.id == PortalAccount.invitation_mail_id)
        .where(
            own,
            Customer.organization_id + 0 == organization_id,  # "+ 0": contacts lead, in their order
            Customer.is_active.is_(True),
            Customer.portal_withdrawn_at.is_(None),
            Contact.is_active.is_(True),
            Contact.email > "",
            Contact.portal_withdrawn_at.is_(None),
            sa.or_(
                PortalAccount.id.is_(None),
                sa.and_(
                    PortalAccount.is_active.is_(True),
                    PortalAccount.set_up_at.is_(None),
                    sa.or_(Mail.id.is_(None), ~accounts.invitation_stands()),
                ),
            ),
            ~taken,
        )
    )


def _why_not(contact: Contact, customer: Customer, account: PortalAccount | None) -> str:
    """Why somebody who was chosen is passed over, in a sentence."""
    reason = accounts.why_not_invited(contact, customer)
    if reason:
        return reason
    if account is not None and account.set_up_at is not None:
        return "They have an account already."
    if account is not None and not account.is_active:
        return "Their account is disabled."
    if contact.portal_withdrawn_at or customer.portal_withdrawn_at:
        return "The team took their access away."
    if account is not None and accounts.is_invited(account):
        return "They were invited before."
    return f"Another contact signs in with {contact.email}."


# --- a batch is made ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Invited:
    """Somebody who gets a mail by this batch."""

    contact_id: int
    customer_id: int
    account_id: int


def start(
    organization_id: int, chosen: Sequence[int] | None = None, *, by: str, seen: int | None = None
) -> InvitationBatch:
    """Invite everybody who is eligible, or those of *chosen* contacts who are; the others are
    items too, with the reason. Raises BadInput (nobody chosen), Conflict (nobody eligible, or a
    run was begun since the one that was *seen*, 0: none)."""
    with unit_of_work():
        _hold(organization_id)
        if seen is not None and seen != _newest(organization_id):
            raise Conflict(
                "A run was begun a moment ago, perhaps by a second click; it stands below. Nothing "
                "more was sent."
            )
        wanted = None if chosen is None else _own(organization_id, chosen)
        people = _eligible(organization_id, wanted)
        if wanted is None and not people:
            raise Conflict("There is nobody to invite just now.")
        passed_over = _passed_over(wanted or [], people)
        invited = _with_accounts(organization_id, people, passed_over, by)
        batch = _batch(organization_id, len(invited) + len(passed_over), by)
        _let_in(invited)
        mails = _mail(organization_id, invited)
        _items(batch, mails, invited, passed_over)
        if not invited:
            batch.finished_at = batch.created_at
        activity.record_all([_entry(organization_id, batch, one, by) for one in invited])
    return batch


def _hold(organization_id: int) -> None:
    """Nobody else makes a batch of this organization until the unit of work ends."""
    db.session.get_one(
        Organization, organization_id, with_for_update={"key_share": True}, populate_existing=True
    )


def _newest(organization_id: int) -> int:
    """The last batch of an organization; 0 where there is none."""
    newest = sa.select(sa.func.max(InvitationBatch.id)).where(
        InvitationBatch.organization_id == organization_id
    )
    return db.session.execute(newest).scalar() or 0


def _own(organization_id: int, chosen: Sequence[int]) -> list[int]:
    """Those of *chosen* who are the organization's. Raises BadInput where nobody is left."""
    ids = sorted(set(chosen))
    if len(ids) > MOST:
        raise BadInput({"contact": f"At most {MOST} people at once, please."})
    own: list[int] = []
    for some in _portions(ids):
        known = sa.select(Contact.id).where(
            Contact.id.in_(some), Contact.organization_id == organization_id
        )
        own += db.session.execute(known.order_by(Contact.id)).scalars()
    if not own:
        raise BadInput({"contact": "Nobody was chosen."})
    return own


def _eligible(organization_id: int, wanted: list[int] | None) -> dict[int, Any]:
    """Rows of those who can be invited, by contact."""
    query = eligible(organization_id)
    if wanted is None:
        rows: Iterator[Any] = iter(db.session.execute(query.order_by(Contact.id).limit(MOST)))
        return {row.id: row for row in rows}
    found: dict[int, Any] = {}
    for some in _portions(wanted):
        found |= {row.id: row for row in db.session.execute(query.where(Contact.id.in_(some)))}
    return found


def _passed_over(wanted: list[int], people: dict[int, Any]) -> dict[int, str]:
    """Why some of those who were chosen get no mail, by contact."""
    reasons = {}
    for some in _portions([one for one in wanted if one not in people]):
        rows = db.session.execute(
            sa.select(Contact, Customer, PortalAccount)
            .join(Customer, Customer.id == Contact.customer_id)
            .outerjoin(PortalAccount, PortalAccount.contact_id == Contact.id)
            .where(Contact.id.in_(some))
            .execution_options(populate_existing=True)
        )
        for contact, customer, account in rows:
            reasons[contact.id] = _why_not(contact, customer, account)
    return reasons


def _with_accounts(
    organization_id: int, people: dict[int, Any], passed_over: dict[int, str], by: str
) -> list[_Invited]:
    """Each with their account, made where there is none and held; who has the address of somebody
    before them, or was invited alone in this very moment, is passed over."""
    dialect = db.session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    now = clock.now()
    invited = []
    for some in _portions(people.values()):
        new = [
            {
                "organization_id": organization_id,
                "customer_id": row.customer_id,
                "contact_id": row.id,
                "email": accounts.normal_email(row.email),
                "is_active": True,
                "created_at": now,
                "created_by": by,
                "salutation": "",
                "mail_documents": True,
                "mail_decisions": True,
                "mail_messages": True,
                "mail_reminders": True,
            }
            for row in some
        ]
        db.session.execute(insert(PortalAccount).on_conflict_do_nothing(), new)
        ids = [row.id for row in some]
        held = sa.select(PortalAccount.id).where(PortalAccount.contact_id.in_(ids))
        db.session.execute(held.order_by(PortalAccount.id).with_for_update(key_share=True)).all()
        still = eligible(organization_id).add_columns(PortalAccount.id.label("account_id"))
        kept = db.session.execute(
            still.where(Contact.id.in_(ids), PortalAccount.id.is_not(None)).order_by(Contact.id)
        ).all()
        invited += [_Invited(row.id, row.customer_id, row.account_id) for row in kept]
        lost = people.keys() & set(ids) - {row.id for row in kept}
        passed_over |= {one: f"Another contact signs in with {people[one].email}." for one in lost}
    return invited


def _batch(organization_id: int, total: int, by: str) -> InvitationBatch:
    batch = InvitationBatch(
        organization_id=organization_id, total=total, created_at=clock.now(), created_by=by
    )
    db.session.add(batch)
    db.session.flush()
    return batch


def _let_in(invited: list[_Invited]) -> None:
    """Inviting sets the flags (A4)."""
    on = {"portal_withdrawn_at": None}
    for some in _portions([one.contact_id for one in invited]):
        _update(Contact, Contact.id.in_(some), portal_access=True, **on)
    for some in _portions(sorted({one.customer_id for one in invited})):
        _update(Customer, Customer.id.in_(some), portal_enabled=True, **on)


def _update(table: type[Contact | Customer], which: sa.ColumnElement[bool], **values: Any) -> None:
    statement = sa.update(table).where(which).values(**values)
    db.session.execute(statement.execution_options(synchronize_session=False))


def _mail(organization_id: int, invited: list[_Invited]) -> list[int]:
    """A mail for each, which its account knows as the newest; their ids, in order."""
    mails = outbox.post_to_many(
        MailKind.ACCOUNT_SETUP,
        [
            {
                "organization_id": organization_id,
                "customer_id": one.customer_id,
                "contact_id": one.contact_id,
                "reference": {"account": one.account_id, "invited": True},
            }
            for one in invited
        ],
    )
    if invited:
        newest = [
            {"id": one.account_id, "invitation_mail_id": mail_id}
            for one, mail_id in zip(invited, mails, strict=True)
        ]
        db.session.execute(sa.update(PortalAccount), newest)
    return mails


def _items(
    batch: InvitationBatch, mails: list[int], invited: list[_Invited], passed_over: dict[int, str]
) -> None:
    rows = [
        _item(batch, one.contact_id, ItemState.WAITING, mail_id=mail_id)
        for one, mail_id in zip(invited, mails, strict=True)
    ]
    rows += [
        _item(batch, contact_id, ItemState.SKIPPED, reason=reason)
        for contact_id, reason in passed_over.items()
    ]
    db.session.execute(sa.insert(BatchItem), rows)


def _item(
    batch: InvitationBatch,
    contact_id: int,
    state: ItemState,
    *,
    mail_id: int | None = None,
    reason: str = "",
) -> dict[str, Any]:
    return {
        "batch_id": batch.id,
        "contact_id": contact_id,
        "mail_id": mail_id,
        "state": state.value,
        "reason": reason[:300],
    }


def _entry(organization_id: int, batch: InvitationBatch, one: _Invited, by: str) -> Entry:
    return Entry(
        Activity.INVITE,
        ActorKind.STAFF,
        actor=by,
        organization_id=organization_id,
        customer_id=one.customer_id,
        contact_id=one.contact_id,
        details={"batch": batch.id},
    )


def _portions(values: Collection[T]) -> Iterator[list[T]]:
    """As many at once as a statement takes."""
    every = list(values)
    for start in range(0, len(every), _AT_ONCE):
        yield every[start : start + _AT_ONCE]


# --- and worked off -----------------------------------------------------------------------------


def mail_ended(mail: Mail) -> None:
    """Write down how an invitation's mail ended, in the unit of work that ends it."""
    if mail.kind != MailKind.ACCOUNT_SETUP:
        return
    item = db.session.execute(
        sa.select(BatchItem.id, BatchItem.batch_id).where(BatchItem.mail_id == mail.id)
    ).first()
    if item is None:
        return
    # Whoever ends the last two holds the batch one after the other, and the second sees both.
    batch = db.session.get_one(
        InvitationBatch,
        item.batch_id,
        with_for_update={"key_share": True},
        populate_existing=True,
    )
    db.session.execute(
        sa.update(BatchItem)
        .where(BatchItem.id == item.id)
        .values(state=_ITEM_STATES[mail.state].value, reason=_reason(mail))
    )
    waiting = sa.select(BatchItem.id).where(
        BatchItem.batch_id == batch.id, BatchItem.state == ItemState.WAITING.value
    )
    if batch.finished_at is None and db.session.execute(waiting.limit(1)).first() is None:
        batch.finished_at = clock.now()


def _reason(mail: Mail) -> str:
    """Why it did not go out, as a sentence."""
    text = (mail.error or "").strip()
    return f"{text[:1].upper()}{text[1:]}"[:299] if mail.state != MailState.SENT else ""
