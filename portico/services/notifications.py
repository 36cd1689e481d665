"""What is new, told to every account of a customer that may enter: in the bell and by mail (W9).

Told in the transaction of the change, in one statement however many accounts there are, and once:
the same news under the same key is passed over, by whichever process it comes again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from portico import clock
from portico.db import current_tenant, db, unit_of_work
from portico.records.account import PortalAccount
from portico.records.customer import Contact, Customer
from portico.records.decision import Decision
from portico.records.document import Document
from portico.records.file import StoredFile
from portico.records.mail import MailKind
from portico.records.notification import Notification, Topic
from portico.records.organization import Organization, Section
from portico.records.payment import Payment
from portico.records.project import Comment, Project
from portico.refusals import NotFound
from portico.services import outbox
from portico.services.actors import Actor, hold, may_enter

LARGEST_ID = 2**63 - 1

# The choice in an account's settings that each topic belongs to.
CHOICES = {
    Topic.NEW_DOCUMENT: PortalAccount.mail_documents,
    Topic.REVISED: PortalAccount.mail_documents,
    Topic.EXTENDED: PortalAccount.mail_documents,
    Topic.PAYMENT: PortalAccount.mail_documents,
    Topic.DECIDED: PortalAccount.mail_decisions,
    Topic.REVERSED: PortalAccount.mail_decisions,
    Topic.ANSWERED: PortalAccount.mail_messages,
    Topic.RETURNED: PortalAccount.mail_messages,
    Topic.REMINDER: PortalAccount.mail_reminders,
    Topic.COMMENTED: PortalAccount.mail_messages,
    Topic.FILE_SHARED: PortalAccount.mail_documents,
}


Subject = Document | Payment | Project | StoredFile


@dataclass(frozen=True, slots=True)
class News:
    """What is told. ``details`` keep how things stood; ``once`` names the news for good."""

    topic: Topic
    once: str
    details: dict[str, Any] = field(default_factory=dict)
    done_by: int | None = None  # the contact who did it, and need not be told
    mailed: Collection[int] = ()  # contacts who get another mail about the very same thing


# --- what happens to a document -------------------------------------------------------------------


def tell_shown(document: Document, *, before: int | None, mailed: Collection[int] = ()) -> None:
    """A revision was put before the customer; *before* is the one they had been shown, if any."""
    again = before in {None, document.current_revision}  # to whoever has come since
    topic = Topic.NEW_DOCUMENT if again else Topic.REVISED
    tell(document, News(topic, _shown(document), mailed=mailed))


def tell_extended(document: Document, *, mailed: Collection[int]) -> None:
    """A quote is open for longer."""
    tell(document, News(Topic.EXTENDED, _shown(document), mailed=mailed))


def tell_decided(document: Document, decision: Decision, *, mailed: Collection[int]) -> None:
    """Somebody at the customer answered, or the team wrote an answer down."""
    details = {"answer": decision.answer, "by": decision.signatory}
    once = f"decided:{decision.id}"
    tell(document, News(Topic.DECIDED, once, details, decision.contact_id, mailed))


def tell_reversed(document: Document, decision: Decision, *, mailed: Collection[int]) -> None:
    """The team took an answer back."""
    tell(document, News(Topic.REVERSED, f"reversed:{decision.id}", mailed=mailed))


def tell_answered(document: Document, message_id: int, *, mailed: Collection[int]) -> None:
    """The team answered a question."""
    tell(document, News(Topic.ANSWERED, f"answered:{message_id}", mailed=mailed))


def tell_returned(document: Document, answer_id: int, *, mailed: Collection[int]) -> None:
    """The team needs more for an item of a request."""
    tell(document, News(Topic.RETURNED, f"returned:{answer_id}", mailed=mailed))


def tell_paid(payment: Payment) -> None:
    """Money came in from the customer, or went back to them."""
    tell(payment, News(Topic.PAYMENT, f"payment:{payment.id}"))


def tell_commented(project: Project, said: Comment) -> None:
    """The team said something about a project."""
    tell(project, News(Topic.COMMENTED, f"commented:{said.id}"))


def tell_file_shared(file: StoredFile) -> None:
    """The team shared a file, of a project or by itself."""
    tell(file, News(Topic.FILE_SHARED, _file(file)))


def untell_file_shared(file: StoredFile) -> None:
    """It is shared no more: no bell names it, nor a mail that still waits. Shared again it is new."""
    accounts = sa.select(PortalAccount.id).where(_of(file))
    db.session.execute(
        sa.delete(Notification)
        .where(Notification.account_id.in_(accounts), Notification.once == _file(file))
        .execution_options(synchronize_session=False)
    )


def tell(about: Subject, news: News) -> None:
    """Tell every account of the customer that may enter, in the running unit of work."""
    told = _write(about, news) if _is_shown(about) else []
    if told:
        _mail(about, news, told)


def _is_shown(about: Subject) -> bool:
    """Whether the portal has a page for it: some sections show only where they are switched on,
    and a project or file only while it is shared."""
    if isinstance(about, Project | StoredFile) and not about.is_shared_with_client:
        return False
    if isinstance(about, StoredFile) and about.project_id is not None:
        return _is_shown(db.session.get_one(Project, about.project_id))
    section = _section(about)
    if section is None:
        return True
    organization = db.session.get_one(Organization, about.organization_id)
    return section in organization.sections


def _section(about: Subject) -> Section | None:
    if isinstance(about, Document):
        return about.section
    if isinstance(about, Project):
        return Section.PROJECTS
    return Section.DOCUMENTS if isinstance(about, StoredFile) else None


def _write(about: Subject, news: News) -> list[int]:
    """One line for each account that has not got it yet; returns the accounts."""
    columns = {
        "account_id": PortalAccount.id,
        "topic": sa.literal(news.topic.value),
        "document_id": sa.literal(_id(about, Document), Notification.id.type),
        "payment_id": sa.literal(_id(about, Payment), Notification.id.type),
        "project_id": sa.literal(_project_id(about), Notification.id.type),
        "details": sa.literal(_facts(about) | news.details, sa.JSON()),
        "once": sa.literal(news.once),
        "created_at": sa.literal(clock.now(), Notification.created_at.type),
    }
    accounts = _open_accounts(*columns.values()).where(_of(about))
    if news.done_by is not None:
        accounts = accounts.where(Contact.id != news.done_by)
    dialect = db.session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = (
        insert(Notification)
        .from_select(list(columns), accounts, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["account_id", "once"])
        .returning(Notification.account_id)
    )
    return list(db.session.execute(statement).scalars())


def _mail(about: Subject, news: News, told: list[int]) -> None:
    """A mail to those who chose so, have set up their account, and get no other about this."""
    who = (
        _open_accounts(PortalAccount.id, PortalAccount.contact_id)
        .where(_of(about), CHOICES[news.topic].is_(True), PortalAccount.set_up_at.is_not(None))
        .order_by(PortalAccount.id)
    )
    first_time, mailed = set(told), set(news.mailed)
    outbox.post_to_many(
        MailKind.NOTIFICATION,
        [
            {
                "organization_id": about.organization_id,
                "customer_id": about.customer_id,
                "document_id": _id(about, Document),
                "contact_id": row.contact_id,
                "reference": {"account": row.id, "once": news.once},
            }
            for row in db.session.execute(who)
            if row.id in first_time and row.contact_id not in mailed
        ],
    )


def _open_accounts(*columns: Any) -> sa.Select[Any]:
    """Accounts that may enter, whatever is asked of them."""
    return (
        sa.select(*columns)
        .select_from(PortalAccount)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .join(Customer, Customer.id == PortalAccount.customer_id)
        .where(*may_enter())
    )


def _of(about: Subject) -> sa.ColumnElement[bool]:
    return PortalAccount.customer_id == about.customer_id


def _shown(document: Document) -> str:
    """The key of everything that puts a revision before the customer: it is told once."""
    return f"shown:{document.id}:{document.current_revision}"


def _file(file: StoredFile) -> str:
    """The key of a file that is shared."""
    return f"file:{file.id}"


def _project_id(about: Subject) -> int | None:
    if isinstance(about, StoredFile):
        return about.project_id
    return _id(about, Project)


def _id(about: Subject, type_: type[Document] | type[Payment] | type[Project]) -> int | None:
    return about.id if isinstance(about, type_) else None


def _facts(about: Subject) -> dict[str, Any]:
    """What the line says of its subject, as it stands now; amounts in minor units."""
    if isinstance(about, Project):
        return {"project": about.name}
    if isinstance(about, StoredFile):
        project = db.session.get(Project, about.project_id) if about.project_id else None
        return {"file": about.name, "project": project.name if project else None}
    facts = {"kind": about.kind, "number": about.number, "currency": about.currency}
    if isinstance(about, Payment):
        return facts | {"amount": about.amount}
    last_day = about.valid_until or about.due_on
    if about.expires_at is not None:
        zone = db.session.get_one(Organization, about.organization_id).timezone
        last_day = about.expires_at.astimezone(clock.zone(zone)).date()
    return facts | {
        "amount": about.total,
        "open": about.balance,
        "until": last_day.isoformat() if last_day else None,
    }


def page_url(path: str, organization: str) -> str:
    """A page of the portal for a mail (T5); *path* is below the portal's root. Whoever has to sign
    in first need not say in which organization, which is given by its short name (A2)."""
    more = "&" if "?" in path else "?"
    return f"{current_tenant().public_url}/customer-portal/{path}{more}org={organization}"


# --- to mail it -----------------------------------------------------------------------------------


def to_mail(account_id: int, once: str) -> Notification | None:
    """The line that a mail is about; None where it must not (or need not) be mailed any more:
    access was lost, the choice was changed, or it was read meanwhile."""
    found = db.session.execute(
        _open_accounts(Notification, PortalAccount)
        .join(Notification, Notification.account_id == PortalAccount.id)
        .where(
            PortalAccount.id == account_id,
            Notification.once == once,
            Notification.read_at.is_(None),
        )
    ).first()
    if found is None:
        return None
    line, account = found
    if line.project_id is not None and not _is_shown(db.session.get_one(Project, line.project_id)):
        return None
    chosen: bool = getattr(account, CHOICES[Topic(line.topic)].key)
    return line if chosen else None


# --- read -----------------------------------------------------------------------------------------


def read(actor: Actor, notification_id: int) -> Notification:
    """Mark one line of the actor's bell as read. Raises NotFound."""
    with unit_of_work():
        hold(actor)
        found = db.session.execute(
            sa.select(Notification).where(
                Notification.id == _in_bounds(notification_id),
                Notification.account_id == actor.account_id,
            )
        ).scalar_one_or_none()
        if found is None:
            raise NotFound
        if found.read_at is None:
            found.read_at = clock.now()
    return found


def read_all(actor: Actor, *, through: int) -> None:
    """Mark everything up to the line *through* as read; what came after it stays new."""
    with unit_of_work():
        hold(actor)
        db.session.execute(
            sa.update(Notification)
            .where(
                Notification.account_id == actor.account_id,
                Notification.read_at.is_(None),
                Notification.id <= _in_bounds(through),
            )
            .values(read_at=clock.now())
            .execution_options(synchronize_session=False)
        )


def _in_bounds(number: int) -> int:
    """An id as a database can compare it; a larger one is nobody's. Raises NotFound."""
    if number > LARGEST_ID:
        raise NotFound
    return number
