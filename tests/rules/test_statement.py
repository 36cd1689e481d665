"""A12, A9: a statement is what the lists show, whatever happened, and its parts make the whole."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from contextlib import suppress
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portico import clock as portico_clock
from portico.db import db, unit_of_work
from portico.queries import payments as paid
from portico.queries.statement import Span, ageing, open_balances, statement
from portico.records.content import DocumentContent, Kind
from portico.records.document import CreditNote, Document, Invoice
from portico.records.payment import Allocation, Payment, PaymentKind
from portico.refusals import BadInput, Refusal
from portico.services import documents, links, payments, statements, team
from portico.services.documents import Draft
from portico.services.payments import Money, Transfer
from tests.cast import MARIT

ZONE = "Europe/Oslo"
LONG_AGO = dt.date(2020, 1, 1)
MOVES = {Kind.INVOICE: 1, Kind.CREDIT_NOTE: -1, PaymentKind.PAYMENT: -1, PaymentKind.REFUND: 1}

_amounts = st.integers(1, 900)
_pick = st.integers(0, 40)
_steps = st.one_of(
    st.tuples(st.just("invoice"), st.integers(-400, 2000), st.integers(-50, 12), st.integers(-5, 70)),
    st.tuples(st.just("invoice"), _amounts, st.integers(-50, 12), st.none()),
    st.tuples(st.just("credit note"), _amounts, st.integers(-50, 12)),
    st.tuples(st.just("payment"), _amounts, st.integers(-20, 0)),
    st.tuples(st.just("refund"), _amounts, st.integers(-20, 0)),
    *[st.tuples(st.just("allocate"), _pick, _pick, _pick, st.none() | _amounts)] * 3,
    st.tuples(st.just("release"), _pick),
    st.tuples(st.just("void document"), _pick),
    st.tuples(st.just("void payment"), _pick),
    st.tuples(st.just("revise"), _pick, _amounts),
    st.tuples(st.just("wait"), st.integers(1, 25)),
)  # fmt: skip

# Enough to settle from the first step on.
_BEGINNING = (
    ("invoice", 1200, -40, 20),
    ("invoice", 800, -10, 30),
    ("payment", 900, -5),
    ("credit note", 300, -3),
    ("refund", 200, -2),
)


class Books:
    """One customer's history, made by the services."""

    def __init__(self, name: str) -> None:
        self.owner = team.find_organization("halden")
        self.customer = team.create_customer("halden", name)
        self.made = 0
        self.ids: dict[str, list[int]] = {}

    def content(self, kind, amount, issued, due=None, number=None, currency="EUR"):
        return DocumentContent.model_validate(
            {
                "kind": kind, "number": number or self.number(), "currency": currency,
                "issued_on": issued, "due_on": due, "seller": {"name": "Us"},
                "buyer": {"name": "Them"}, "totals": {"payable": amount},
            }
        )  # fmt: skip

    def number(self):
        self.made += 1
        return f"{self.customer.id}-{self.made}"

    def document(self, kind, amount, issued, due=None, post=True, **more):
        content = self.content(kind, amount, issued, due, **more)
        with unit_of_work():
            draft = Draft(content, content.number, post=post)
            done = documents.add(draft, self.owner, self.customer, by="Kari")
        self.ids.setdefault(kind, []).append(done.id)
        return done.id

    def money(self, kind, amount, on, currency="EUR"):
        money = Money(kind, amount, currency, on, self.number(), reference="as agreed")
        done = payments.record(self.customer.id, money, by="Kari")
        self.ids.setdefault(kind, []).append(done.id)
        return done.id

    def one(self, kind, pick):
        found = self.ids.get(kind) or [0]
        return found[pick % len(found)]

    def play(self, step):
        today = portico_clock.today(ZONE)
        match step:
            case ("invoice", amount, issued, due):
                issued = today + dt.timedelta(days=issued)
                due = None if due is None else issued + dt.timedelta(days=due)
                self.document(Kind.INVOICE, amount, issued, due, post=amount % 7 != 0)
            case ("credit note", amount, issued):
                self.document(Kind.CREDIT_NOTE, amount, today + dt.timedelta(days=issued))
            case ("payment" | "refund" as kind, amount, on):
                currency = "USD" if amount % 11 == 0 else "EUR"
                self.money(PaymentKind(kind), amount, today + dt.timedelta(days=on), currency)
            case ("allocate", way, source, target, amount):
                sources = (
                    ("payment_id", PaymentKind.PAYMENT),
                    ("credit_note_id", Kind.CREDIT_NOTE),
                )
                targets = (("invoice_id", Kind.INVOICE), ("refund_id", PaymentKind.REFUND))
                (giver, giving), (taker, taking) = sources[way % 2], targets[way % 3 == 0]
                sides = {giver: self.one(giving, source), taker: self.one(taking, target)}
                payments.allocate(Transfer(**sides, amount=amount), by="Kari")
            case ("release", pick):
                found = self.rows(Allocation)
                payments.release(found[pick % len(found)].id if found else 0, by="Kari")
            case ("void document", pick):
                documents.void(
                    self.one((Kind.INVOICE, Kind.CREDIT_NOTE)[pick % 2], pick), by="Kari"
                )
            case ("void payment", pick):
                payments.void(self.one(list(PaymentKind)[pick % 2], pick), by="Kari")
            case ("revise", pick, amount):
                with unit_of_work():
                    document = documents.find(self.one(Kind.INVOICE, pick))
                    content = self.content(
                        Kind.INVOICE, amount, document.issued_on, document.due_on, document.number
                    )
                    documents.revise(
                        document, Draft(content, document.external_id), by="K", reason=""
                    )

    def rows(self, model):
        """Read afresh: the books as anybody else finds them."""
        db.session.expire_all()
        found = sa.select(model).where(model.customer_id == self.customer.id).order_by(model.id)
        return list(db.session.execute(found).scalars())

    def statement(self, start, end, currency="EUR"):
        return statement(self.owner.id, self.customer.id, currency, Span(start, end), ZONE)


def _day(row):
    """From when something counts: its date, or the day it was there if that was before."""
    there = row.created_at if isinstance(row, Payment) else row.posted_at
    dated = row.received_on if isinstance(row, Payment) else row.issued_on
    return min(dated, there.astimezone(portico_clock.zone(ZONE)).date())


def _counts(row, currency):
    posted = isinstance(row, Payment) or row.is_posted
    return row.currency == currency and posted and not row.is_void


def _settled(allocations, until=dt.date.max):
    sides: Counter[tuple[str, int]] = Counter()
    for one in allocations:
        if one.made_on <= until:
            for side in ("payment_id", "credit_note_id", "invoice_id", "refund_id"):
                table = "payment" if side in {"payment_id", "refund_id"} else "document"
                if getattr(one, side) is not None:
                    sides[table, getattr(one, side)] += one.amount
    return sides


def _check(books, cut):
    today = portico_clock.today(ZONE)
    allocations, money = books.rows(Allocation), books.rows(Payment)
    papers = [one for one in books.rows(Document) if one.kind in {Kind.INVOICE, Kind.CREDIT_NOTE}]
    settled = _settled(allocations)
    for one in papers:
        assert one.balance == one.payable - settled["document", one.id]
        if isinstance(one, Invoice) and not one.is_void and one.is_posted:
            assert (one.state == "paid") == (one.balance == 0 or one.balance < 0 < one.payable)
    for one in money:
        assert one.unallocated == one.amount - settled["payment", one.id] >= 0
    for currency in ("EUR", "USD"):
        _check_statements(books, currency, papers, money, allocations, today, cut)


def _check_statements(books, currency, papers, money, allocations, today, cut):
    papers = [one for one in papers if _counts(one, currency)]
    money = [one for one in money if _counts(one, currency)]
    whole = books.statement(LONG_AGO, today, currency)
    shown = sum(MOVES[one.kind] * one.balance for one in papers)
    shown += sum(MOVES[one.kind] * one.unallocated for one in money)
    assert (whole.opening, whole.closing) == (0, shown)
    assert books.statement(LONG_AGO, today + dt.timedelta(days=90), currency).closing == shown
    assert open_balances(books.owner.id, books.customer.id).get(currency, 0) == shown
    middle = whole.movements[cut % len(whole.movements)].on if whole.movements else today
    days = {
        middle,
        today,
        today - dt.timedelta(days=cut),
        *(one.made_on for one in allocations[:2]),
    }
    for day in days:
        first = books.statement(LONG_AGO, day, currency)
        second = books.statement(
            day + dt.timedelta(days=1), today + dt.timedelta(days=400), currency
        )
        assert first.closing == second.opening
        assert first.movements + second.movements == whole.movements
        before = [one for one in papers if _day(one) <= day]
        payable = sum(MOVES[one.kind] * one.payable for one in before)
        assert first.closing == payable + sum(
            MOVES[one.kind] * one.amount for one in money if _day(one) <= day
        )
        _check_ageing(first, before, _settled(allocations, day), day)
    running = 0
    for one in whole.movements:
        running += one.amount
        assert one.balance == running


def _check_ageing(found, papers, settled, day):
    owed = [0, 0, 0, 0]
    for one in papers:
        left = one.payable - settled["document", one.id]
        if isinstance(one, Invoice) and left > 0:
            days = (day - one.due_on).days if one.due_on else 0
            owed[0 if days <= 0 else 1 if days <= 30 else 2 if days <= 60 else 3] += left
    credit = found.closing - sum(owed)
    owed[0] += max(credit, 0)
    assert [one.amount for one in found.ageing] == owed + [credit] * (credit < 0)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=st.lists(_steps, min_size=5, max_size=25), cut=st.integers(0, 60))
def test_whatever_happened_the_statement_says_what_the_lists_say(acme, clock, history, cut):
    with acme.scope():
        books = Books(f"Customer {len(acme.rows(Document))} {len(history)}")
        for step in (*_BEGINNING, *history):
            if step[0] == "wait":
                clock.advance(days=step[1])
                continue
            with suppress(Refusal):  # nothing to settle, or too little; that changes nothing
                books.play(step)
        _check(books, cut)


def test_a_statement_reads_as_a_customer_expects(both):
    day = dt.date
    with both.acme.scope():
        books = Books("Reader AS")
        first = books.document(Kind.INVOICE, 100_00, day(2026, 9, 1), day(2026, 9, 15))
        books.document(Kind.INVOICE, 50_00, day(2026, 10, 5), day(2026, 10, 31))
        books.document(Kind.INVOICE, 20_00, day(2026, 12, 1), day(2026, 12, 31))  # dated ahead
        note = books.document(Kind.CREDIT_NOTE, 30_00, day(2026, 10, 7))
        paid_in = books.money(PaymentKind.PAYMENT, 45_00, day(2026, 10, 9))
        payments.allocate(Transfer(payment_id=paid_in, invoice_id=first, amount=40_00), by="K")
        payments.allocate(Transfer(credit_note_id=note, invoice_id=first, amount=10_00), by="K")
        found = books.statement(day(2026, 10, 1), day(2026, 11, 30))
        assert [(str(one.on), one.label, one.amount, one.balance) for one in found.movements] == [
            ("2026-10-05", "Invoice", 50_00, 150_00),
            ("2026-10-07", "Credit note", -30_00, 120_00),
            ("2026-10-09", "Payment", -45_00, 75_00),
            ("2026-11-12", "Invoice", 20_00, 95_00),
        ]
        assert (found.opening, found.closing) == (100_00, 95_00)
        assert {one.label: one.amount for one in found.ageing} == {
            "Not due": 20_00, "1–30 days": 50_00, "31–60 days": 50_00, "Over 60 days": 0,
            "Credit": -25_00,
        }  # fmt: skip
        (now,) = ageing(books.owner.id, books.customer.id, day(2026, 11, 12))
        assert (now.currency, now.balance, now.buckets) == ("EUR", 95_00, found.ageing)
        (credit,) = paid.credit_in_hand(books.owner.id, books.customer.id)
        assert (credit.payments, credit.credit_notes) == (5_00, 20_00)
        content = statements.content_for(books.owner, books.customer, found.span)
        assert content.currency == "EUR"
        assert content.statement
        assert content.totals.payable == content.statement.closing == 95_00
        nobody = team.create_customer("halden", "New AS")
        with pytest.raises(Refusal, match="no invoices"):
            statements.content_for(books.owner, nobody, found.span)
        assert open_balances(books.owner.id, nobody.id) == {}
        assert ageing(books.owner.id, nobody.id, day(2026, 11, 12)) == []


def test_a_refund_that_comes_out_of_nothing_yet_is_no_credit(acme):
    with acme.scope():
        books = Books("Refunded AS")
        books.money(PaymentKind.REFUND, 100, dt.date(2026, 11, 1))
        assert open_balances(books.owner.id, books.customer.id) == {"EUR": 100}
        assert paid.credit_in_hand(books.owner.id, books.customer.id) == []


def test_a_span_that_is_none_is_refused(acme):
    for start, end in (
        ((2026, 2, 1), (2026, 1, 1)),
        ((1, 1, 1), (2026, 1, 1)),
        ((2026, 1, 1), (9999, 12, 31)),
    ):
        with pytest.raises(BadInput):
            Span(dt.date(*start), dt.date(*end))


def test_more_movements_than_fit_are_refused(acme, monkeypatch):
    monkeypatch.setattr("portico.queries.statement.MOST_MOVEMENTS", 2)
    with acme.scope():
        books = Books("Busy AS")
        for _ in range(3):
            books.money(PaymentKind.PAYMENT, 100, dt.date(2026, 11, 1))
        with pytest.raises(BadInput, match="less time"):
            books.statement(LONG_AGO, dt.date(2026, 11, 12))
        assert books.statement(dt.date(2026, 11, 2), dt.date(2026, 11, 12)).opening == -300


def test_what_is_open_is_found_by_its_index_however_much_was_paid(acme):
    """The plans are those of an installation whose statistics were never gathered."""
    with acme.scope():
        books = Books("Long-standing AS")
        asked = []
        engine = db.session.get_bind()

        def keep(_connection, _cursor, statement, parameters, _context, _many):
            asked.append((statement, parameters))

        sa.event.listen(engine, "before_cursor_execute", keep)
        try:
            open_balances(books.owner.id, books.customer.id)
            ageing(books.owner.id, books.customer.id, dt.date(2026, 11, 12))
            paid.credit_in_hand(books.owner.id, books.customer.id)
        finally:
            sa.event.remove(engine, "before_cursor_execute", keep)
        plans = ""
        for text, parameters in list(asked):
            if text.startswith("SELECT"):
                rows = db.session.connection().exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {text}", parameters
                )
                plans += "\n".join(row[3] for row in rows) + "\n"
        searched = [
            line for line in plans.splitlines() if " documents" in line or " payments" in line
        ]
        assert len(searched) == 7
        assert all(
            "ix_documents_open" in line or "ix_payments_unallocated" in line for line in searched
        )


@pytest.mark.parametrize("size", [1, 2, 7])
def test_payments_are_paged_by_key_in_both_directions(acme, size):
    with acme.scope():
        books = Books("Pages AS")
        days = [dt.date(2026, 11, 1 + number // 2) for number in range(7)]
        made = [books.money(PaymentKind.PAYMENT, 100, on) for on in days]
        voided = books.money(PaymentKind.REFUND, 100, dt.date(2026, 11, 2))
        payments.void(voided, by="Kari")
        owner, customer = books.owner.id, books.customer.id
        seen, page = [], paid.payments_page(owner, customer, size=size)
        assert page.newer is None
        pages = [page]
        while page.older:
            page = paid.payments_page(owner, customer, before=page.older, size=size)
            pages.append(page)
        seen = [one.id for page in pages for one in page.payments]
        assert seen == made[::-1]
        for earlier, later in pairwise(pages):
            back = paid.payments_page(owner, customer, after=later.newer, size=size)
            assert back.payments == earlier.payments
            assert (back.newer is None) == (earlier is pages[0])
        (found,) = paid.payments_page(owner, customer, number=f"{customer}-3").payments
        assert found.id == made[2]
        assert paid.payments_page(owner, customer, kind=PaymentKind.REFUND).payments == ()
        assert paid.payment_face(owner, customer, voided) is None
        stranger = acme.customer(MARIT).id
        assert paid.payment_face(owner, stranger, made[0]) is None
        assert paid.payments_page(owner, stranger).payments == ()


def test_what_is_settled_keeps_its_currency_and_is_open_again_after_a_void(both):
    with both.acme.scope():
        books = Books("Change AS")
        today = dt.date(2026, 11, 12)
        invoice = books.document(Kind.INVOICE, 100, today)
        note = books.document(Kind.CREDIT_NOTE, 30, today)
        refund = books.money(PaymentKind.REFUND, 20, today)
        payments.allocate(Transfer(credit_note_id=note, invoice_id=invoice, amount=10), by="K")
        payments.allocate(Transfer(credit_note_id=note, refund_id=refund), by="K")
        assert documents.find(note).state == "applied"
        dollars = Draft(books.content(Kind.INVOICE, 100, today, currency="USD"), "x")
        with pytest.raises(Refusal, match="release that"), unit_of_work():
            documents.revise(links.held(invoice), dollars, by="K", reason="")
        documents.void(note, by="K")
        rows = {one.id: one for one in books.rows(Document)}
        assert isinstance(rows[note], CreditNote)
        assert (rows[note].state, rows[note].balance) == ("cancelled", 30)
        assert (rows[invoice].state, rows[invoice].balance) == ("posted", 100)
        assert books.rows(Payment)[0].unallocated == 20
        assert books.rows(Allocation) == []
