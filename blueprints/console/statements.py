"""A customer's statement: seen for a period, issued as a document, sent (spec A12, C4)."""

from __future__ import annotations

import datetime as dt

from flask import Response, flash, request, url_for

from blueprints.console import bp
from blueprints.console.customers import find
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from portico import clock
from portico.queries.console_customer import CustomerRecord
from portico.queries.statement import Span, currencies
from portico.records.content import DocumentContent
from portico.records.staff import Permission
from portico.refusals import BadInput, StaffRefusal
from portico.services import statements
from portico.web.ways import go

_ONE = "/customers/<int:customer_id>/statement"


@bp.get(_ONE)
@needs(Permission.VIEW)
def customer_statement(customer_id: int) -> Response:
    """The statement of the period in the address; without one, of the last months."""
    return _page(find(customer_id), _asked(customer_id, dict(request.args)))


@bp.post(_ONE)
@needs(Permission.INVOICES_SEND)
def issue_statement(customer_id: int) -> Response:
    """Make a document of it, with a number of its own, and go on to send it."""
    at = find(customer_id)
    asked = _asked(at.id, request.form.to_dict())
    try:
        made = statements.issue_for(at.id, _span(asked), asked["currency"], by=me().by)
    except BadInput as problem:
        return _page(at, asked, problem.errors, problem.status)
    except StaffRefusal as problem:
        return _page(at, asked, {"form": problem.sentence}, problem.status)
    flash("The statement is issued and can be sent.")
    return go(url_for("console.document_send", document_id=made))


def _page(
    at: CustomerRecord,
    asked: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    content: DocumentContent | None = None
    errors, known = errors or {}, currencies(me().organization_id, at.id)
    if known and not errors:
        try:
            content = statements.for_customer(at.id, _span(asked), asked["currency"])
        except BadInput as problem:
            errors, status = problem.errors, problem.status
        except StaffRefusal as problem:
            errors, status = {"form": problem.sentence}, problem.status
    return console_page(
        "console/statement.html",
        part="console/_statement.html",
        status=status,
        customer=at,
        asked=asked,
        choices=[(code, code) for code in known],
        content=content,
        errors=errors,
    )


def _asked(customer_id: int, given: dict[str, str]) -> dict[str, str]:
    """What was asked for; what is left out is the present month with the two before it."""
    today = clock.today(me().org.zone)
    start = (today.replace(day=1) - dt.timedelta(days=45)).replace(day=1)
    known = currencies(me().organization_id, customer_id)
    usual = {"start": start.isoformat(), "end": today.isoformat(), "currency": (*known, "")[0]}
    return {
        name: given.get(name, "")[:100].encode("utf-8", "ignore").decode() or value
        for name, value in usual.items()
    }


def _span(asked: dict[str, str]) -> Span:
    """Raises BadInput."""
    return Span(_day(asked, "start"), _day(asked, "end"))


def _day(asked: dict[str, str], name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(asked[name])
    except ValueError:
        raise BadInput({name: "Please choose a day."}) from None
