"""Payments and refunds in the console: listed, written down, shared out over what is open (C4).

One part of a page, "settle", is the same for a payment, a refund, an invoice and a credit note:
what moved already, what is open on the other side, and the amounts to move.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from flask import Response, flash, request, url_for

from blueprints.console import bp, picking
from blueprints.console.documents import find as find_document
from blueprints.console.frame import console_page
from blueprints.console.gate import me, needs
from blueprints.console.picking import Picked
from portico import clock, formats
from portico.queries import console_payments, statement
from portico.queries.console_document import OpenDocument
from portico.queries.console_payments import OpenSide, PaymentRecord, Which
from portico.queries.lists import Key, search_term
from portico.records.content import Kind, digits_of, from_minor
from portico.records.payment import PaymentKind
from portico.records.staff import Permission
from portico.refusals import BadInput, NotFound, StaffRefusal
from portico.services import payments as books
from portico.services import settlements
from portico.services.payments import Money
from portico.services.settlements import Part, Side
from portico.web.ways import go

_LISTS = ("side", "settle")
_ONE = "/payments/<int:payment_id>"
_OF_DOCUMENT = "/documents/<int:document_id>/money"
_SIDES = {Kind.INVOICE: Side.INVOICE, Kind.CREDIT_NOTE: Side.CREDIT_NOTE}
_KINDS = {kind.value: books.LABELS[kind] for kind in PaymentKind}


# --- the list ---------------------------------------------------------------------------------


@bp.get("/payments")
@needs(Permission.VIEW)
def payments() -> Response:
    """All payments and refunds, newest first; narrowed down, searched, paged by key."""
    args = request.args
    which = Which(args["which"]) if args.get("which", "") in set(Which) else Which.ALL
    term = search_term(args.get("q", ""))
    customer_id = picking.number(args.get("customer", ""))
    page = console_payments.page(
        me().organization_id,
        which,
        term=term,
        customer_id=customer_id,
        beyond=Key.parse(args.get("beyond", "")),
        before=Key.parse(args.get("before", "")),
    )
    return console_page(
        "console/payments.html",
        part="console/_payments.html",
        page=page,
        which=which,
        term=term,
        choices=list(Which),
        query={
            "which": which if which is not Which.ALL else None,
            "customer": customer_id,
            "q": term or None,
        },
    )


# --- a new one --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TypedMoney:
    """The form of a payment or refund, as it was typed."""

    kind: str = PaymentKind.PAYMENT.value
    amount: str = ""
    currency: str = ""
    received_on: str = ""
    number: str = ""
    suggested: str = ""  # the number that was there before anybody typed
    method: str = ""
    reference: str = ""

    @property
    def payment_kind(self) -> PaymentKind:
        return PaymentKind(self.kind) if self.kind in set(PaymentKind) else PaymentKind.PAYMENT

    @property
    def side(self) -> Side:
        return Side.REFUND if self.payment_kind is PaymentKind.REFUND else Side.PAYMENT


@dataclass(slots=True)
class Form:
    """The form as it stands: what was typed, what is open, and what is wrong."""

    typed: TypedMoney
    picked: Picked
    amounts: dict[str, str] = field(default_factory=dict)  # to be moved, by the side's key
    errors: dict[str, str] = field(default_factory=dict)
    status: int = 200
    focus: str = ""

    @property
    def open(self) -> list[OpenSide]:
        customer = self.picked.customer
        if customer is None or not formats.is_currency(self.typed.currency):
            return []
        return console_payments.open_for(
            self.typed.side, me().organization_id, customer.id, self.typed.currency
        )

    @property
    def overpaid(self) -> list[OpenSide]:
        """Where a refund may have to be freed first."""
        customer = self.picked.customer
        if customer is None or self.typed.side is not Side.REFUND:
            return []
        return console_payments.overpaid(me().organization_id, customer.id, self.typed.currency)


@bp.get("/payments/new")
@needs(Permission.PAYMENTS_RECORD)
def new_payment() -> Response:
    """Empty; or for a customer; or filled in for an invoice that is paid."""
    typed = TypedMoney(
        kind=picking.shown(request.args.get("kind", PaymentKind.PAYMENT.value)[:20]),
        received_on=clock.today(me().org.zone).isoformat(),
    )
    form = Form(typed, picking.from_address())
    invoice = _invoice(request.args.get("invoice", ""))
    if invoice is not None:
        form.picked = picking.of(invoice.standing.customer_id)
        amount = _plain(max(invoice.face.balance, 0), invoice.face.currency)
        form.typed = replace(typed, currency=invoice.face.currency, amount=amount)
        form.amounts = {f"{Side.INVOICE}-{invoice.id}": amount}
    return _new_page(_completed(form))


@bp.post("/payments/new")
@needs(Permission.PAYMENTS_RECORD, lists=_LISTS)
def record_payment() -> Response:
    action = request.form.get("do", "")
    fields = {
        name: picking.shown(request.form.get(name, ""))[:2000] for name in TypedMoney.__slots__
    }
    fields["currency"] = fields["currency"].strip().upper()
    picked = picking.from_form(action)
    form = Form(TypedMoney(**fields), picked, _amounts(), focus="who" if action in {"find", "exchange"} else "")  # fmt: skip
    if action == "suggest":
        _suggest(form)
    if action != "record":
        return _new_page(_completed(form))
    try:
        made = _record(form)
    except BadInput as problem:
        form.errors, form.status = problem.errors, problem.status
        return _new_page(form)
    flash(f"{_KINDS[form.typed.kind]} {form.typed.number.strip()} is written down.")
    return go(url_for("console.payment", payment_id=made))


def _record(form: Form) -> int:
    """The id of what was written down, also by the click before this one. Raises BadInput with
    everything that is wrong."""
    customer, errors = form.picked.customer, {}
    if customer is None:
        errors["customer"] = "Please choose the customer."
    money, parts = None, []
    try:
        money = _money(form.typed)
        if customer is not None and (made := _recorded_already(customer.id, money, form)):
            return made
    except BadInput as problem:
        errors |= problem.errors
    if "currency" not in errors:
        try:
            parts = _parts(form.amounts, form.open, form.typed.currency)
        except BadInput as problem:
            errors |= problem.errors
    if errors or customer is None or money is None:
        raise BadInput(errors)
    return settlements.record(customer.id, money, parts, by=me().by)


def _recorded_already(customer_id: int, money: Money, form: Form) -> int | None:
    """What the click before this one wrote down. What it settled is no longer open by now."""
    moved = _moved(form.amounts, money.currency)
    return None if moved is None else settlements.recorded_already(customer_id, money, moved)


def _money(typed: TypedMoney) -> Money:
    """Raises BadInput."""
    amount, day = 0, dt.date.min
    errors: dict[str, str] = {}
    if typed.kind not in _KINDS:
        errors["kind"] = "Please choose a payment or a refund."
    try:
        amount = books.typed_amount(typed.amount, typed.currency)
    except BadInput as problem:
        errors |= problem.errors
    try:
        day = dt.date.fromisoformat(typed.received_on.strip())
    except ValueError:
        errors["received_on"] = "Please give a day, such as 2026-11-30."
    if errors:
        raise BadInput(errors)
    return Money(
        typed.payment_kind,
        amount,
        typed.currency,
        day,
        typed.number,
        method=typed.method,
        reference=typed.reference,
    )


def _completed(form: Form) -> Form:
    """With a number, and the customer's currency, where nobody typed another."""
    typed, customer = form.typed, form.picked.customer
    if typed.number in {"", typed.suggested}:
        number = settlements.next_number(me().organization_id, typed.payment_kind)
        typed = replace(typed, number=number, suggested=number)
    if customer is not None and (form.picked.just_now or not typed.currency) and not form.amounts:
        known = statement.currencies(me().organization_id, customer.id)
        open_ = statement.open_balances(me().organization_id, customer.id)
        usual = [one for one in known if one in open_] or known
        typed = replace(typed, currency=(*usual, typed.currency or "EUR")[0])
    form.typed = typed
    return form


def _suggest(form: Form) -> None:
    """The amount over what is open, the oldest first."""
    try:
        amount = books.typed_amount(form.typed.amount, form.typed.currency)
    except BadInput as problem:
        form.errors, form.status = problem.errors, problem.status
        return
    shared = settlements.oldest_first(amount, {one.key: one.open for one in form.open})
    form.amounts = {key: _plain(part, form.typed.currency) for key, part in shared.items()}


def _invoice(text: str) -> OpenDocument | None:
    document_id = picking.number(text)
    if document_id is None:
        return None
    at = find_document(document_id)
    return at if at.kind is Kind.INVOICE else None


def _new_page(form: Form) -> Response:
    return console_page(
        "console/payment_new.html",
        part="console/_payment_new.html",
        status=form.status,
        form=form,
        typed=form.typed,
        errors=form.errors,
        kinds=list(_KINDS.items()),
    )


# --- one payment ------------------------------------------------------------------------------


@bp.get(_ONE)
@needs(Permission.VIEW)
def payment(payment_id: int) -> Response:
    return _payment_page(_find(payment_id))


@bp.post(_ONE)
@needs(Permission.PAYMENTS_RECORD, lists=_LISTS)
def change_payment(payment_id: int) -> Response:
    """Move amounts, or take some back; as the button says."""
    at = _find(payment_id)
    settle = _settle(at.side, at.id, at.customer_id, at.currency, at.unallocated)
    url = url_for("console.payment", payment_id=at.id)
    return _gone_on(settle, url) or _payment_page(_find(at.id), settle)


@bp.post(f"{_ONE}/void")
@needs(Permission.PAYMENTS_RECORD)
def void_payment(payment_id: int) -> Response:
    """It was written down by mistake: it counts no more, and what it settled is open again."""
    at = _find(payment_id)
    settle = Settling(at.side, at.customer_id, at.currency)
    if request.form.get("sure") != "yes":
        settle.errors, settle.status = {"sure": "Please tick this to go on."}, 422
        return _payment_page(at, settle)
    try:
        books.void(at.id, by=me().by, once=True)
    except StaffRefusal as problem:
        settle.errors, settle.status = {"form": problem.sentence}, problem.status
    else:
        settle.done = f"{at.label} {at.number} counts no more; what it settled is open again."
    url = url_for("console.payment", payment_id=at.id)
    return _gone_on(settle, url) or _payment_page(_find(at.id), settle)


def _find(payment_id: int) -> PaymentRecord:
    found = console_payments.find(me().organization_id, payment_id)
    if found is None:
        raise NotFound(hint="")
    return found


def _payment_page(at: PaymentRecord, settle: Settling | None = None) -> Response:
    settle = settle or Settling(at.side, at.customer_id, at.currency)
    return console_page(
        "console/payment.html",
        part="console/_payment.html",
        status=settle.status,
        at=at,
        settle=settle,
        seen=settlements.last_moved(at.side, at.id),  # first: what comes in between is not seen
        settled=console_payments.settled(at.side, at.id),
        open=settle.open if at.unallocated and not at.is_void else [],
        left=at.unallocated,
        settle_url=url_for("console.change_payment", payment_id=at.id),
    )


# --- an invoice or a credit note --------------------------------------------------------------


@bp.get(_OF_DOCUMENT)
@needs(Permission.VIEW)
def document_money(document_id: int) -> Response:
    """What settles an invoice, or what a credit note was used for; other kinds have no such page."""
    at = find_document(document_id)
    if at.kind not in _SIDES:
        return go(url_for("console.document", document_id=at.id))
    return _document_page(at)


@bp.post(_OF_DOCUMENT)
@needs(Permission.PAYMENTS_RECORD, lists=_LISTS)
def change_document_money(document_id: int) -> Response:
    at = find_document(document_id)
    if at.kind not in _SIDES:
        raise NotFound(hint="")
    face = at.face
    settle = _settle(_SIDES[at.kind], at.id, at.standing.customer_id, face.currency, face.balance)
    url = url_for("console.document_money", document_id=at.id)
    return _gone_on(settle, url) or _document_page(find_document(at.id), settle)


def _document_page(at: OpenDocument, settle: Settling | None = None) -> Response:
    side, face = _SIDES[at.kind], at.face
    settle = settle or Settling(side, at.standing.customer_id, face.currency)
    usable = face.balance > 0 and at.posted_at is not None and not at.standing.is_void
    return console_page(
        "console/payment_document.html",
        part="console/_payment_document.html",
        status=settle.status,
        at=at,
        settle=settle,
        seen=settlements.last_moved(side, at.id),
        settled=console_payments.settled(side, at.id),
        open=settle.open if usable else [],
        usable=usable,
        left=face.balance,
        settle_url=url_for("console.change_document_money", document_id=at.id),
    )


# --- settling ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Settling:
    """The part of a page that moves amounts, and how it went."""

    side: Side
    customer_id: int
    currency: str
    amounts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    status: int = 200
    done: str = ""

    @property
    def open(self) -> list[OpenSide]:
        who = me().organization_id
        return console_payments.open_for(self.side, who, self.customer_id, self.currency)


def _gone_on(settle: Settling, url: str) -> Response | None:
    """Without htmx, after something was done: on to the page, so that no reload does it again."""
    if not settle.done or request.headers.get("HX-Request") == "true":
        return None
    flash(settle.done)
    return go(url)


def _settle(side: Side, record_id: int, customer_id: int, currency: str, left: int) -> Settling:
    """Do what the button says. The record was found in this organization."""
    settle = Settling(side, customer_id, currency, _amounts())
    action, _, place = request.form.get("do", "").partition("-")
    try:
        if action == "suggest":
            open_ = {one.key: one.open for one in settle.open}
            shared = settlements.oldest_first(left, open_)
            settle.amounts = {key: _plain(part, currency) for key, part in shared.items()}
        elif action == "release":
            _release(side, record_id, picking.number(place))
            settle.done = "It is open again on both sides."
        elif action == "surplus" and side is Side.INVOICE:
            books.release_surplus(record_id, by=me().by)
            settle.done = (
                "The surplus is credit of the customer now. It can be used, or given back."
            )
        elif action == "settle":
            _move(settle, record_id)
            settle.done, settle.amounts = "It is settled.", {}
    except BadInput as problem:
        settle.errors, settle.status = problem.errors, problem.status
    except StaffRefusal as problem:
        settle.errors, settle.status = {"form": problem.sentence}, problem.status
    return settle


def _move(settle: Settling, record_id: int) -> None:
    """What was typed, unless the click before this one moved it. Raises BadInput, StaffRefusal."""
    side, by = settle.side, me().by
    seen = picking.number(request.form.get("seen", "")) or 0
    moved = _moved(settle.amounts, settle.currency)
    if moved and settlements.moved_just_now(side, record_id, moved, seen, by=by):
        return
    parts = _parts(settle.amounts, settle.open, settle.currency)
    settlements.settle(side, record_id, parts, by=by, seen=seen)


def _release(side: Side, record_id: int, allocation_id: int | None) -> None:
    """Only what belongs to this record is released. Raises StaffRefusal."""
    known = {one.allocation_id for one in console_payments.settled(side, record_id)}
    if allocation_id not in known:
        raise StaffRefusal("That was released already.")
    books.release(allocation_id, by=me().by)


def _amounts() -> dict[str, str]:
    """The amounts that were typed, by the key of the side."""
    keys, texts = request.form.getlist("side"), request.form.getlist("settle")
    return {
        picking.shown(key[:40]): picking.shown(text[:100])
        for key, text in zip(keys, texts, strict=False)
        if text.strip()
    }


def _moved(amounts: dict[str, str], currency: str) -> dict[str, int] | None:
    """The amounts in minor units, by the key of the side; None where one cannot be read."""
    try:
        return {key: books.typed_amount(text, currency) for key, text in amounts.items()}
    except BadInput:
        return None


def _parts(amounts: dict[str, str], open_: Sequence[OpenSide], currency: str) -> list[Part]:
    """What was typed beside what is open. Raises BadInput by ``settle.<key>``."""
    known = {one.key: one for one in open_}
    errors: dict[str, str] = {}
    parts = []
    for key, text in amounts.items():
        one = known.get(key)
        if one is None:
            errors["form"] = "One of these is no longer open. Please look again."
            continue
        try:
            parts.append(Part(one.side, one.id, books.typed_amount(text, currency)))
        except BadInput as problem:
            errors[f"settle.{key}"] = problem.sentence
    if errors:
        raise BadInput(errors)
    return parts


def _plain(amount: int, currency: str) -> str:
    """Minor units as somebody types them."""
    return f"{from_minor(amount, currency):.{digits_of(currency)}f}"
