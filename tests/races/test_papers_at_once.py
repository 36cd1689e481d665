"""C4: many write papers and share out money at once; numbers and money are used once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from portico.db import db
from portico.records.content import Kind
from portico.records.document import Document, DocumentRevision
from portico.records.organization import Organization
from portico.records.payment import Allocation, Payment, PaymentKind
from portico.refusals import BadInput, ChangedMeanwhile, Refusal
from portico.services import drafts, settlements
from portico.services.drafts import Seen
from portico.services.payments import Money
from portico.services.settlements import Part, Side
from portico.services.typed_papers import TypedLine, TypedPaper
from tests.cast import MARIT, OLAF

MANY = 8


def at_once(company, work: Callable[[int], object]) -> list[object]:
    """What each of many got who did the same in the same moment: an answer, or a refusal."""
    gate = Barrier(MANY)

    def one(number: int) -> object:
        with company.scope():
            gate.wait()
            try:
                return work(number)
            except Refusal as refusal:
                return refusal

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def paper(number: str, price: str = "10") -> TypedPaper:
    line = TypedLine("Oak", quantity="1", price=price, tax="25")
    return TypedPaper(number, issued_on="2026-11-12", currency="EUR", lines=(line,))


def test_a_number_is_taken_once_and_a_revision_is_replaced_once(both):
    acme = both.acme
    people = [acme.customer(person).id for person in (MARIT, OLAF)]

    def write(number: int) -> object:
        return drafts.create(people[number % 2], Kind.INVOICE, paper("7"), post=True, by="Kari")

    told = at_once(acme, write)
    [invoice] = acme.rows(Document)
    refused = [one for one in told if isinstance(one, BadInput)]
    # Half of them wrote for the same customer, word for word: to them it was one click too many.
    assert (told.count(invoice.id), len(refused)) == (MANY // 2, MANY // 2)
    assert {tuple(one.errors) for one in refused} == {("number",)}
    with acme.scope():
        organization = db.session.get_one(Organization, invoice.organization_id)
        assert drafts.next_number(organization, Kind.INVOICE) == "8"

    def change(number: int) -> object:
        return drafts.change(
            invoice.id, paper("7", str(20 + number)), seen=Seen(1, False), reason="dearer",
            post=False, by="Kari",
        )  # fmt: skip

    told = at_once(acme, change)
    assert (told.count(True), len(acme.rows(DocumentRevision))) == (1, 2)
    assert sum(isinstance(one, ChangedMeanwhile) for one in told) == MANY - 1


def test_money_that_many_share_out_is_used_once_and_all_or_nothing(both):
    acme = both.acme
    customer = acme.customer(MARIT).id
    bills = [acme.document(MARIT, Kind.INVOICE, number=f"INV-{n}") for n in range(2)]
    day = dt.date(2026, 11, 12)

    def pay(number: int) -> object:
        money = Money(PaymentKind.PAYMENT, 700_000, "EUR", day, f"PAY-{number}")
        order = bills if number % 2 else bills[::-1]
        parts = [Part(Side.INVOICE, bill, 350_000) for bill in order]
        return settlements.record(customer, money, parts, by="Kari")

    told = at_once(acme, pay)
    done = [one for one in told if isinstance(one, int)]
    refused = [one for one in told if isinstance(one, BadInput)]
    assert (len(done), len(refused)) == (1, MANY - 1)
    assert all(next(iter(one.errors)).startswith("settle.invoice-") for one in refused)
    assert [one.id for one in acme.rows(Payment)] == done
    assert len(acme.rows(Allocation)) == 2
    assert {acme.read(bill).balance for bill in bills} == {622785 - 350_000}
    assert both.command("activity", "verify").exit_code == 0
