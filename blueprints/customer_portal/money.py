"""Payments and refunds, what they settled, and the statement of a period (spec A9, A12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Response, request, url_for

from blueprints.customer_portal import bp
from blueprints.customer_portal.frame import portal_page
from blueprints.customer_portal.gate import signed_in
from portico import clock
from portico.files.names import content_disposition
from portico.queries import lists, organizations
from portico.queries import payments as queries
from portico.queries.lists import SECTION_OF, Key
from portico.queries.payments import AllocationFace, PaymentsPage
from portico.queries.signed_in import SignedIn
from portico.queries.statement import Span, currencies
from portico.records.activity import Activity
from portico.records.content import DocumentContent
from portico.records.payment import PaymentKind
from portico.refusals import BadInput, NotFound
from portico.services import activity, renditions, statements
from portico.web import limits

_KINDS = (
    ("", "All"),
    (PaymentKind.PAYMENT.value, "Payments"),
    (PaymentKind.REFUND.value, "Refunds"),
)


@dataclass(frozen=True, slots=True)
class PaymentsView:
    """A page of payments, and where its links lead."""

    page: PaymentsPage
    kind: str
    term: str
    url: Callable[..., str]  # of the list, with what is asked of it

    @property
    def filters(self) -> list[tuple[str, str, bool]]:
        """Label, address and whether it is the one chosen, of each kind."""
        return [(label, self._address(kind=kind), kind == self.kind) for kind, label in _KINDS]

    @property
    def older_url(self) -> str | None:
        return self._address(before=str(self.page.older)) if self.page.older else None

    @property
    def newer_url(self) -> str | None:
        return self._address(after=str(self.page.newer)) if self.page.newer else None

    @property
    def cleared_url(self) -> str:
        return self.url(kind=self.kind or None)

    def _address(self, kind: str | None = None, **place: str) -> str:
        kind = self.kind if kind is None else kind
        return self.url(kind=kind or None, q=self.term or None, **place)


@bp.get("/payments")
def payments() -> Response:
    """One page of payments and refunds, and what can still be used."""
    who = signed_in()
    limits.account_page(who.account_id)
    context = payments_context(who, partial(url_for, "customer_portal.payments"))
    return portal_page("portal/payments.html", part="portal/_payments.html", **context)


def payments_context(who: SignedIn, url: Callable[..., str]) -> dict[str, Any]:
    """What the page reads, for the place, kind and search in the address; the list lies at *url*."""
    whose = (who.actor.organization_id, who.actor.customer_id)
    kind = request.args.get("kind", "")
    kind = kind if kind in set(PaymentKind) else ""
    term = lists.search_term(request.args.get("q", ""))
    page = queries.payments_page(
        *whose,
        before=Key.parse(request.args.get("before", "")),
        after=Key.parse(request.args.get("after", "")),
        kind=PaymentKind(kind) if kind else None,
        number=term,
    )
    return {
        "view": PaymentsView(page, kind, term, url),
        "credit": queries.credit_in_hand(*whose),
    }


@bp.get("/payments/<int:payment_id>")
def payment(payment_id: int) -> Response:
    """One payment or refund. Raises NotFound, whatever the reason, for what is not theirs."""
    who = signed_in()
    limits.account_page(who.account_id)
    return portal_page("portal/payment.html", **payment_context(who, payment_id, url_for))


def payment_context(who: SignedIn, payment_id: int, url: Callable[..., str]) -> dict[str, Any]:
    """What the page reads; *url* makes addresses of the portal's pages. Raises NotFound."""
    actor = who.actor
    found = queries.payment_face(actor.organization_id, actor.customer_id, payment_id)
    if found is None:
        raise NotFound(hint="")
    return {"payment": found, "side_url": partial(_side_url, url)}


def _side_url(url: Callable[..., str], side: AllocationFace) -> str:
    if side.kind is None:
        return url("customer_portal.payment", payment_id=side.payment_id)
    section = SECTION_OF[side.kind]
    return url("customer_portal.document", section=section, document_id=side.document_id)


# --- the statement ----------------------------------------------------------------------------


@bp.get("/statement")
def statement() -> Response:
    """The statement of the period in the address; without one, of the last months."""
    who = signed_in()
    limits.account_page(who.account_id)
    context = statement_context(who)
    if context["content"] is not None:
        number = context["content"].number
        activity.note(who.actor.entry(Activity.VIEW_DOCUMENT, statement=number))
    return portal_page(
        "portal/statement.html",
        pdf_url=url_for("customer_portal.statement_pdf", **context["asked"]),
        **context,
    )


def statement_context(who: SignedIn) -> dict[str, Any]:
    """What the page reads, for the period and currency in the address, and its status."""
    known = currencies(who.actor.organization_id, who.actor.customer_id)
    asked = _asked(who, known)
    content, errors = None, {}
    try:
        content = _content(who, asked) if known else None
    except BadInput as refusal:
        errors = refusal.errors
    return {
        "status": 422 if errors else 200,
        "asked": asked,
        "currencies": known,
        "content": content,
        "errors": errors,
    }


@bp.get("/statement/pdf")
def statement_pdf() -> Response:
    """The same as PDF, made for this request."""
    who = signed_in()
    limits.account_page(who.account_id)
    limits.account_statement(who.account_id)
    known = currencies(who.actor.organization_id, who.actor.customer_id)
    if not known:
        raise NotFound(hint="")
    content = _content(who, _asked(who, known))
    # The paper is the organization's, in its own language whoever reads.
    org = organizations.by_id(who.org.id) or who.org
    response = Response(renditions.statement_pdf(org, content), mimetype="application/pdf")
    name = f"statement-{content.currency}-{content.number}.pdf"
    response.headers["Content-Disposition"] = content_disposition(name)
    activity.note(who.actor.entry(Activity.DOWNLOAD_PDF, statement=content.number))
    return response


def _asked(who: SignedIn, known: list[str]) -> dict[str, str]:
    """What the form says; what it leaves out is the present month with the two before it."""
    today = clock.today(who.org.zone)
    start = (today.replace(day=1) - dt.timedelta(days=45)).replace(day=1)
    usual = {"start": start.isoformat(), "end": today.isoformat(), "currency": (*known, "")[0]}
    return {name: request.args.get(name, "")[:100] or value for name, value in usual.items()}


def _content(who: SignedIn, asked: dict[str, str]) -> DocumentContent:
    """Raises BadInput."""
    span = Span(_day(asked["start"], "start"), _day(asked["end"], "end"))
    return statements.for_actor(who.actor, span, asked["currency"])


def _day(text: str, field: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInput({field: "Please choose a day."}) from None
