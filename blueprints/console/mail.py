"""The mail: every message with how it went, and once more what did not arrive (spec C8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, flash, request, url_for

from blueprints.console import bp
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs, require
from portico.queries import console_mail
from portico.queries.console_mail import Filter, Message, Page
from portico.queries.lists import LARGEST_ID, search_term
from portico.records.content import Kind
from portico.records.mail import MailKind, MailState
from portico.records.staff import Permission
from portico.refusals import Conflict, NotFound
from portico.services import outbox
from portico.web.ways import go

_TO_COLLEAGUES = {MailKind.STAFF_INVITATION, MailKind.STAFF_RESET, MailKind.STAFF_NOTICE}
_ANY_SENDER = (
    Permission.QUOTES_SEND,
    Permission.INVOICES_SEND,
    Permission.MANAGE_PORTAL_ACCESS,
    Permission.TEAM,
)


@bp.get("/mail")
@needs(Permission.VIEW)
def mail() -> Response:
    return console_page(
        "console/mail.html",
        part="console/_mail.html",
        view=MailView.asked_for(),
        may_resend=_may_resend,
        may_send_anew=_may_send_anew,
        kinds=sorted(console_mail.WORDS.items(), key=lambda one: one[1]),
        states=console_mail.STATES,
        counts=console_mail.counts(me().organization_id),
        problem=None,
        done=None,
    )


@bp.get("/mail/<int:mail_id>")
@needs(Permission.VIEW)
def mail_message(mail_id: int) -> Response:
    return _one(mail_id)


@bp.post("/mail/<int:mail_id>/resend")
@needs(*_ANY_SENDER)
def mail_resend(mail_id: int) -> Response:
    """Try a message again; who may send its like may do this."""
    message = _found(mail_id)
    require(*_senders(message))
    try:
        outbox.resend(message.id, by=me().by)
    except Conflict as problem:
        return _one(mail_id, problem.status, problem.sentence)
    sentence = "It is tried again."
    if request.headers.get("HX-Request") == "true":
        return _one(mail_id, done=sentence)
    flash(sentence)
    return go(url_for("console.mail_message", mail_id=mail_id))


def _one(
    mail_id: int, status: int = 200, problem: str | None = None, done: str | None = None
) -> Response:
    return console_page(
        "console/mail_message.html",
        part="console/_mail_row.html",
        status=status,
        message=_found(mail_id),
        may_resend=_may_resend,
        may_send_anew=_may_send_anew,
        problem=problem,
        done=done,
    )


def _found(mail_id: int) -> Message:
    """A message of this organization. Raises NotFound."""
    found = console_mail.one(mail_id, me().organization_id) if mail_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(hint="")
    return found


def _senders(message: Message) -> tuple[Permission, ...]:
    """The permissions of which one is needed to send a message like this."""
    if message.kind in _TO_COLLEAGUES:
        return (Permission.TEAM,)
    if message.document_kind is None:
        return (Permission.MANAGE_PORTAL_ACCESS,)
    is_quote = message.document_kind is Kind.QUOTE
    sending = Permission.QUOTES_SEND if is_quote else Permission.INVOICES_SEND
    return (sending, Permission.MANAGE_PORTAL_ACCESS)


def _may_resend(message: Message) -> bool:
    return message.can_be_resent and me().may(*_senders(message))


def _may_send_anew(message: Message) -> bool:
    """Whether a fresh link, which the document's own page makes, is the way to its reader."""
    if message.document_kind is None or not message.needs_a_fresh_link:
        return False
    return me().may(_senders(message)[0])


@dataclass(frozen=True, slots=True)
class MailView:
    """The outbox as its page needs it: what is shown, and where its links lead."""

    query: dict[str, Any]  # what narrows the list down, as it stands in the address
    page: Page
    is_first: bool

    @classmethod
    def asked_for(cls) -> MailView:
        """From the address. What it names and there is not narrows nothing down."""
        asked = {name: search_term(request.args.get(name, "")) for name in ("state", "kind", "q")}
        wanted = Filter(
            me().organization_id,
            state=MailState(asked["state"]) if asked["state"] in set(MailState) else None,
            kind=MailKind(asked["kind"]) if asked["kind"] in set(MailKind) else None,
            term=asked["q"],
        )
        before = console_mail.key_of(request.args.get("before", ""))
        query = {name: text for name, text in asked.items() if text}
        return cls(query, console_mail.page(wanted, before), before is None)

    def chosen(self, name: str) -> str:
        text: str = self.query.get(name, "")
        return text

    def state_url(self, state: str) -> str:
        """The same list in one state, or in all."""
        others = {name: text for name, text in self.query.items() if name != "state"}
        return url_for("console.mail", **others, state=state or None)

    @property
    def older_url(self) -> str | None:
        older = self.page.older
        return url_for("console.mail", **self.query, before=older) if older else None

    @property
    def newest_url(self) -> str | None:
        return None if self.is_first else url_for("console.mail", **self.query)
