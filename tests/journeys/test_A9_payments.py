"""A9, A12, C4: payments, refunds and what they settle, and statements, from the shell."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from portico.queries.statement import Span
from portico.records.content import Kind
from portico.records.document import Document
from portico.records.payment import Allocation, Payment, PaymentKind
from portico.refusals import Refusal
from portico.services import documents, payments, statements, team
from portico.services.payments import Money, Transfer
from tests.cast import CHIYO, MARIT, OLAF, bodies

TODAY = dt.date(2026, 11, 12)
RECORD = (
    "payment",
    "record",
    "halden",
    MARIT.customer,
    "100",
    "--currency",
    "EUR",
    "--number",
    "P-1",
)
SPAN = ("--from", "2026-10-01", "--to", "2026-11-12")


def run(stage, *words, **options):
    told = stage.command(*words, **options)
    assert told.exit_code == 0, told.output
    return told.output


def refused(stage, *words, **options):
    """A sentence, and nothing changed."""
    before = stage.acme.dump()
    told = stage.command(*words, **options)
    assert told.exit_code != 0
    assert "Traceback" not in told.output
    assert stage.acme.dump() == before
    return told.output


def test_outsiders_get_nowhere_near_the_books(both):
    invoice = both.acme.document(MARIT, Kind.INVOICE)
    theirs = both.acme.document(OLAF, Kind.INVOICE, number="OLAF-1")
    run(both, *RECORD)
    assert "no tenant" in refused(both, *RECORD, tenant="mallory")
    for words, said in (
        (("payment", "record", "mallory", *RECORD[3:]), "no organization"),
        (("payment", "record", "brightwater", *RECORD[3:]), "no customer"),
        (("payment", "list", "halden", CHIYO.customer), "no customer"),
        (("payment", "void", "brightwater", "P-1"), "no payment"),
        (
            ("payment", "allocate", "brightwater", "--payment", "P-1", "--invoice", "INV-1007"),
            "no pay",
        ),
        (
            ("payment", "allocate", "halden", "--payment", "P-1", "--invoice", "OLAF-1"),
            "different cust",
        ),
        (
            ("payment", "release", "halden", "--payment", "P-1", "--invoice", "INV-1007"),
            "no allocation",
        ),
        (("statement", "show", "halden", CHIYO.customer, *SPAN), "no customer"),
        (("statement", "issue", "brightwater", MARIT.customer, *SPAN), "no customer"),
    ):
        assert said in refused(both, *words)
    assert refused(both, "payment", "void", "halden", "P-1", tenant="bolt")
    assert [both.acme.read(one).balance for one in (invoice, theirs)] == [622785, 622785]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("payment", "record", "halden", MARIT.customer, "12,50", *RECORD[5:]), "such as 1250.50"),
        (("payment", "record", "halden", MARIT.customer, "0", *RECORD[5:]), "above zero"),
        (("payment", "record", "halden", MARIT.customer, "1.005", *RECORD[5:]), "more decimals"),
        (("payment", "record", "halden", MARIT.customer, "9" * 30, *RECORD[5:]), "such as 1250.50"),
        (("payment", "record", "halden", MARIT.customer, "1", "--currency", "XXY", "--number", "x"), "ISO"),
        ((*RECORD[:-1], " "), "fill this in"),
        ((*RECORD[:-1], "x" * 10_000), "characters"),
        ((*RECORD[:-1], "P-9", "--on", "2026-11-13"), "future"),
        ((*RECORD[:-1], "P-9", "--on", "0001-01-01"), "future"),
        ((*RECORD[:-1], "P-0"), "already has the id"),
        (("payment", "allocate", "halden", "--payment", "P-0"), "invoice or one refund"),
        (("payment", "allocate", "halden", "--invoice", "INV-1007"), "payment or one credit note"),
        (("payment", "allocate", "halden", "--payment", "P-0", "--refund", "P-0"), "not a refund"),
        (("payment", "allocate", "halden", "--payment", "R-0", "--invoice", "INV-1007"), "given back"),
        (("payment", "allocate", "halden", "--payment", "P-0", "--invoice", "INV-1007", "--amount", "100.01"),
         "Only 100.00 EUR is open on Payment P-0"),
        (("payment", "allocate", "halden", "--payment", "P-0", "--invoice", "INV-2"), "Nothing is open"),
        (("payment", "allocate", "halden", "--payment", "P-0", "--invoice", "DRAFT-1"), "is a draft"),
        (("payment", "allocate", "halden", "--payment", "P-0", "--invoice", "GONE-1"), "voided or cancelled"),
        (("payment", "allocate", "halden", "--payment", "P-$", "--invoice", "INV-1007"), "is in USD"),
        (("payment", "void", "halden", "P-x"), "no payment"),
        (("statement", "show", "halden", MARIT.customer, "--from", "2026-11-12", "--to", "2026-10-01"), "before"),
        (("statement", "show", "halden", MARIT.customer, *SPAN), "choose one of EUR, USD"),
        (("statement", "issue", "halden", MARIT.customer, *SPAN, "--currency", "XYZ"), "ISO 4217"),
        (("statement", "issue", "halden", OLAF.customer, *SPAN), "no invoices"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_by_a_sentence_and_changes_nothing(stage, words, said):
    acme = stage.acme
    acme.document(MARIT, Kind.INVOICE)
    acme.document(MARIT, Kind.INVOICE, number="DRAFT-1", post=False)
    zero = {"net": 0, "tax": 0, "gross": 0, "payable": 0}
    acme.document(MARIT, Kind.INVOICE, number="INV-2", totals=zero, lines=[], taxes=[])
    gone = acme.document(MARIT, Kind.INVOICE, number="GONE-1")
    customer = acme.customer(MARIT).id
    with acme.scope():
        documents.void(gone, by="Kari")
        for kind, number, currency in (
            (PaymentKind.PAYMENT, "P-0", "EUR"),
            (PaymentKind.REFUND, "R-0", "EUR"),
            (PaymentKind.PAYMENT, "P-$", "USD"),
        ):
            payments.record(customer, Money(kind, 100_00, currency, TODAY, number), by="Kari")
    assert said in refused(stage, *words)


def test_money_comes_in_settles_is_taken_back_and_struck(both):
    acme = both.acme
    invoice, link = acme.document(MARIT, Kind.INVOICE), None
    link = acme.mailed(invoice, MARIT)
    acme.document(MARIT, Kind.CREDIT_NOTE, totals={"payable": 50_00}, lines=[], taxes=[])
    run(both, *RECORD, "--method", "Bank transfer", "--reference", "INV-1007", "--as", "Kari")
    run(both, "payment", "refund", "halden", MARIT.customer, "30", *RECORD[5:7], "--number", "R-1")
    assert "€30.00" in run(
        both, "payment", "allocate", "halden", "--payment", "P-1", "--refund", "R-1"
    )
    to_invoice = ("halden", "--payment", "P-1", "--invoice", "INV-1007")
    assert "€20.00" in run(both, "payment", "allocate", *to_invoice, "--amount", "20.00")
    assert "€50.00" in run(both, "payment", "allocate", *to_invoice)
    note = ("--credit-note", "CRE-1", "--invoice", "INV-1007")
    run(both, "payment", "allocate", "halden", *note)
    assert (acme.read(invoice).balance, acme.read(invoice).state) == (
        622785 - 120_00,
        "partially_paid",
    )
    assert "6,107.85" in both.visitor().get(link).source
    listed = run(both, "payment", "list", "halden", MARIT.customer)
    assert "Payment P-1\t€100.00\tnot allocated: €0.00" in listed
    assert "Invoice INV-1007\t€20.00" in listed
    shown = run(both, "statement", "show", "halden", MARIT.customer, *SPAN)
    assert shown.split("Closing balance")[1].split()[0] == "6,107.85"
    assert "€70.00" in run(both, "payment", "release", *to_invoice)
    run(both, "payment", "void", "halden", "P-1")
    assert "voided before" in refused(both, "payment", "void", "halden", "P-1")
    run(both, "document", "void", "halden", "credit_note", "CRE-1")
    assert (acme.read(invoice).balance, acme.read(invoice).state) == (622785, "sent")
    assert [one.unallocated for one in acme.rows(Payment)] == [100_00, 30_00]
    assert acme.rows(Allocation) == []
    kinds = [row.type for row in acme.log() if "pay" in row.type or "refund" in row.type]
    assert kinds.count("record_payment") == kinds.count("record_refund") == 1
    assert kinds.count("void_payment") == 1
    assert run(both, "activity", "verify")


def test_a_statement_is_issued_sent_read_and_printed(both):
    acme = both.acme
    acme.document(MARIT, Kind.INVOICE)
    run(both, *RECORD)
    words = ("statement", "issue", "halden", MARIT.customer, *SPAN, "--as", "Kari")
    assert "ST-2026-0001" in run(both, *words, "--send")
    assert "ST-2026-0002" in run(both, *words, "--currency", "EUR")
    both.deliver()
    page = both.visitor().get(both.link_to(MARIT))
    for expected in ("ST-2026-0001", "Opening balance", "Invoice INV-1007", "Payment P-1",
                     "6,127.85", "What is open, by age", "Credit"):  # fmt: skip
        assert expected in page.text
    assert "ST-2026-0001" in "".join(bodies(both.letters_to(MARIT)[-1]))
    assert both.visitor().get(both.link_to(MARIT) + "/pdf").data.startswith(b"%PDF")


def test_parallel_changes_spend_no_amount_twice_and_number_no_statement_twice(both):
    acme = both.acme
    customer = acme.customer(MARIT).id
    invoices = [acme.document(MARIT, Kind.INVOICE, number=f"INV-{n}") for n in range(2)]
    with acme.scope():
        money = Money(PaymentKind.PAYMENT, 700_00, "EUR", TODAY, "P-1")
        payment = payments.record(customer, money, by="Kari").id
    ready = Barrier(6)

    def at_once(job):
        with acme.scope():
            ready.wait(10)
            try:
                job()
            except Refusal as refusal:
                return refusal.sentence
        return None

    def allocate(invoice):
        payments.allocate(Transfer(payment, invoice_id=invoice, amount=400_00), by="Kari")

    def issue():
        owner = team.find_organization("halden")
        marit = team.find_customer("halden", MARIT.customer)
        statements.issue(owner, marit, Span(TODAY, TODAY), by="Kari")

    jobs = [lambda one=one: allocate(one) for one in invoices * 2] + [issue] * 2
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(at_once, jobs))
    assert told[4:] == [None, None]
    assert [one is None for one in told[:4]].count(True) == 1
    assert {one for one in told[:4] if one} == {"Only 300.00 EUR is open on Payment P-1."}
    (left,) = acme.rows(Payment)
    assert left.unallocated == 300_00
    assert sum(acme.read(one).balance for one in invoices) == 2 * 622785 - 400_00
    numbers = sorted(one.number for one in acme.rows(Document) if one.kind == "statement")
    assert numbers == ["ST-2026-0001", "ST-2026-0002"]
