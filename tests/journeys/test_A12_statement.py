"""A9, A12: a signed-in customer reads what they paid, and a statement of any period."""

from __future__ import annotations

import datetime as dt

import pytest

from portico.records.content import Kind
from portico.records.payment import PaymentKind
from portico.services import payments
from portico.services.payments import Money, Transfer
from tests.cast import BEA, CHIYO, MARIT, OLAF

TODAY = dt.date(2026, 11, 12)


def pay(company, person, number, amount=100_00, kind=PaymentKind.PAYMENT, currency="EUR", on=TODAY):
    customer = company.customer(person).id
    with company.scope():
        money = Money(kind, amount, currency, on, number, method="Card", reference="as agreed")
        return payments.record(customer, money, by="Kari").id


def allocate(company, **sides):
    with company.scope():
        return payments.allocate(Transfer(**sides), by="Kari").id


def numbers(page):
    return [link.text_content() for link in page.tree.findall(".//td[@class='number']/a")]


def test_outsiders_read_no_payment_and_no_statement(stage):
    acme = stage.acme
    mine = pay(acme, MARIT, "PAY-OF-MARIT")
    acme.document(MARIT, Kind.INVOICE, number="INV-OF-MARIT")
    mallory = stage.visitor("198.51.100.66")
    for path in ("payments", f"payments/{mine}", "statement", "statement/pdf"):
        sent_away = mallory.get(f"{acme.portal}/{path}")
        assert (sent_away.status, "OF-MARIT" in sent_away.source) == (303, False)
    for number, (company, person) in enumerate([(acme, OLAF), (acme, CHIYO), (stage.bolt, BEA)]):
        stranger = company.account(person, address=f"203.0.113.{number}")
        assert numbers(stranger.get(f"{company.portal}/payments?q=PAY")) == []
        assert stranger.get(f"{company.portal}/payments/{mine}").status == 404
        page = stranger.get(
            f"{company.portal}/statement?start=2026-01-01&end=2026-12-31&currency=EUR"
        )
        assert "OF-MARIT" not in page.source
        assert stranger.get(f"{company.portal}/statement/pdf").status == 404


def test_payments_with_what_they_settled(both):
    acme = both.acme
    invoice = acme.document(MARIT, Kind.INVOICE)
    acme.document(MARIT, Kind.CREDIT_NOTE, totals={"payable": 5_00}, lines=[], taxes=[])
    paid = pay(acme, MARIT, "PAY-1")
    back = pay(acme, MARIT, "REF-1", 10_00, PaymentKind.REFUND)
    struck = pay(acme, MARIT, "PAY-BY-MISTAKE")
    with acme.scope():
        payments.void(struck, by="Kari")
    allocate(acme, payment_id=paid, invoice_id=invoice, amount=60_00)
    allocate(acme, payment_id=paid, refund_id=back)
    marit = acme.account()
    page = marit.get(f"{acme.portal}/payments")
    assert numbers(page) == ["REF-1", "PAY-1"]
    assert "€30.00 of what you paid does not belong to an invoice yet" in page.text
    assert "€5.00 of your credit notes can still be used" in page.text
    assert numbers(marit.get(f"{acme.portal}/payments?kind=refund")) == ["REF-1"]
    assert numbers(marit.get(f"{acme.portal}/payments?q=pay-", htmx=True)) == ["PAY-1"]
    one = marit.get(f"{acme.portal}/payments/{paid}")
    assert one.heading == "PAY-1"
    assert "as agreed" in one.text
    assert numbers(one) == ["Invoice INV-1007", "Refund REF-1"]
    to_invoice, to_refund = one.tree.xpath(".//td[@class='number']/a/@href")
    assert marit.get(f"https://acme.portal.example{to_invoice}").heading == "INV-1007"
    refund = marit.get(f"https://acme.portal.example{to_refund}")
    assert (refund.heading, numbers(refund)) == ("REF-1", ["Payment PAY-1"])
    for gone in (struck, 999, 2**63, 10**40):
        assert marit.get(f"{acme.portal}/payments/{gone}").status == 404


def test_payments_are_walked_to_their_end_and_back(stage):
    acme = stage.acme
    for number in range(27):
        pay(acme, MARIT, f"PAY-{number:02}", on=TODAY - dt.timedelta(days=number // 2))
    marit = acme.account()
    first = marit.get(f"{acme.portal}/payments")
    assert len(numbers(first)) == 25
    (older,) = first.tree.xpath(".//a[@rel='next']/@href")
    second = marit.get(f"https://acme.portal.example{older}", htmx=True)
    assert len(set(numbers(first) + numbers(second))) == 27
    assert not second.tree.findall(".//a[@rel='next']")
    (newer,) = second.tree.xpath(".//a[@rel='prev']/@href")
    assert numbers(marit.get(f"https://acme.portal.example{newer}")) == numbers(first)


def test_a_statement_of_the_period_they_choose_on_screen_and_on_paper(both):
    acme = both.acme
    marit = acme.account()
    empty = marit.get(f"{acme.portal}/statement")
    assert "Nothing here yet" in empty.text
    acme.document(MARIT, Kind.INVOICE, issued_on=dt.date(2026, 8, 3), due_on=dt.date(2026, 9, 30))
    acme.document(MARIT, Kind.INVOICE, number="DRAFT-1", post=False)
    pay(acme, MARIT, "PAY-1", on=dt.date(2026, 10, 2))
    pay(acme, MARIT, "PAY-$", currency="USD")
    usual = marit.get(f"{acme.portal}/statement?currency=EUR")
    for expected in ("Opening balance", "6,227.85", "Payment PAY-1", "6,127.85", "31–60 days"):
        assert expected in usual.text
    assert "INV-1007" not in usual.text
    assert "How to pay To NO93 8601 1117 947. Last changed on" in usual.text
    dollars = marit.get(f"{acme.portal}/statement?currency=USD").text
    assert "-US$100.00" in dollars
    assert "How to pay" not in dollars, "nothing is owed"
    marit.fill_in(f"{acme.portal}/settings", {"locale": "ar"}, form="/settings")
    mark = "\N{LEFT-TO-RIGHT MARK}"  # or a reader from the right finds the minus behind the figures
    assert f"{mark}-100.00" in marit.get(f"{acme.portal}/statement?currency=USD").source
    marit.fill_in(f"{acme.portal}/settings", {"locale": "en_GB"}, form="/settings")
    chosen = "start=2026-08-01&end=2026-09-30&currency=EUR"
    page = marit.get(f"{acme.portal}/statement?{chosen}")
    assert "Invoice INV-1007" in page.text
    assert "PAY-1" not in page.text
    assert "DRAFT-1" not in page.text
    (pdf,) = page.tree.xpath(".//a[text()='Download PDF']/@href")
    paper = marit.get(f"https://acme.portal.example{pdf}")
    assert paper.data.startswith(b"%PDF")
    assert "statement-EUR-2026-08-01-to-2026-09-30.pdf" in paper.headers["Content-Disposition"]
    assert both.acme.kept_pdfs() == 0
    assert [row.type for row in acme.log()][-1] == "download_pdf"


@pytest.mark.parametrize(
    "query",
    [
        "start=2026-11-01&end=2026-10-01", "start=soon", "end=%ED%A0%80", "start=" + "9" * 10_000,
        "start=0001-01-01", "end=9999-12-31", "currency=XYZ", "currency=%00",
        "start=2026-01-01&start=x&end=&currency=eur",
    ],
)  # fmt: skip
def test_a_period_that_is_none_is_a_sentence(stage, query):
    acme = stage.acme
    acme.document(MARIT, Kind.INVOICE)
    marit = acme.account()
    for path in ("statement", "statement/pdf"):
        assert marit.get(f"{acme.portal}/{path}?{query}").status == 422
