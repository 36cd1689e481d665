"""L13: what is owed, until when, and how to pay."""

from __future__ import annotations

import pytest

from portico.records.activity import Activity
from portico.records.content import Kind
from portico.records.document import COMMERCIAL
from portico.services import documents
from tests.cast import MARIT, OLAF

PAY = "https://pay.example/{reference}?n={number}&a={amount}&m={minor}&c={currency}"


def _page(both, kind=Kind.INVOICE, **changes):
    document = both.acme.document(MARIT, kind, **changes)
    return document, both.acme.copy(document)


def _pay_links(page):
    return [a.get("href") for a in page.tree.iter("a") if a.text_content().strip() == "Pay now"]


def test_the_outsider_learns_no_account(both):
    answer = both.visitor().get(f"{both.acme.public_url}/i/{'A' * 43}")
    assert "NO93" not in answer.source


@pytest.mark.parametrize("kind", [Kind.INVOICE, Kind.STATEMENT])
def test_it_says_what_is_owed_and_how_to_pay(both, kind):
    _document, link = _page(both, kind)
    text = both.visitor().get(link).text
    assert "Amount owed €6,227.85" in text
    assert "To NO93 8601 1117 947." in text
    if kind is Kind.INVOICE:
        assert "26 Nov 2026" in text


def test_it_says_when_the_instructions_last_changed(both, clock):
    clock.advance(days=3)
    both.acme.set_organization("halden", payment_instructions="To NO00 0000 0000 000.")
    clock.advance(days=3)
    both.acme.set_organization("halden", phone="+47 1")
    _document, link = _page(both)
    text = both.visitor().get(link).text
    assert "To NO00 0000 0000 000." in text
    assert "Last changed on 15 Nov 2026" in text


def test_pay_now_is_there_only_where_an_address_was_configured(both):
    _document, link = _page(both)
    assert _pay_links(both.visitor().get(link)) == []
    both.acme.set_organization("halden", payment_url=PAY)
    (target,) = _pay_links(both.visitor().get(link))
    assert target == "https://pay.example/INV-1007?n=INV-1007&a=6227.85&m=622785&c=EUR"


def test_values_in_the_payment_address_are_encoded(both):
    both.acme.set_organization("halden", payment_url=PAY)
    _document, link = _page(both, number="A&a=1#/ ü")
    (target,) = _pay_links(both.visitor().get(link))
    assert "n=A%26a%3D1%23%2F%20%C3%BC&" in target


@pytest.mark.parametrize(
    "template",
    ["http://pay.example/", "javascript:alert(1)", "https://{number}.example/", "https://pay.example/{card}", "pay"],
)  # fmt: skip
def test_a_payment_address_that_leads_astray_is_refused(both, template):
    before = both.acme.dump()
    told = both.command("organization", "set", "halden", "--payment-url", template)
    assert told.exit_code == 1
    assert both.acme.dump() == before


@pytest.mark.parametrize(
    "kind", [kind for kind in COMMERCIAL if kind not in {Kind.INVOICE, Kind.STATEMENT}]
)
def test_nobody_is_asked_to_pay_a_document_of_another_kind(both, kind):
    both.acme.set_organization("halden", payment_url=PAY)
    _document, link = _page(both, kind)
    page = both.visitor().get(link)
    assert _pay_links(page) == []
    assert "Amount owed" not in page.text


def test_a_cancelled_invoice_asks_for_nothing(both):
    both.acme.set_organization("halden", payment_url=PAY)
    document, link = _page(both)
    with both.acme.scope():
        documents.void(document, by="Kari")
    page = both.visitor().get(link)
    assert _pay_links(page) == []
    assert "Cancelled" in page.text


def test_an_invoice_that_was_paid_before_asks_for_nothing(both):
    both.acme.set_organization("halden", payment_url=PAY)
    totals = {"net": 498228, "tax": 124557, "gross": 622785, "prepaid": 622785, "payable": 0}
    _document, link = _page(both, totals=totals)
    page = both.visitor().get(link)
    assert _pay_links(page) == []
    assert "Paid" in page.text


def test_another_organization_has_its_own_way_to_be_paid(both):
    both.acme.set_organization("brightwater", payment_url=PAY)
    link = both.acme.copy(both.acme.document(OLAF, Kind.INVOICE))
    assert _pay_links(both.visitor().get(link)) == []


def test_the_team_is_warned_at_the_address_on_file_before_the_change(both):
    acme, thief = both.acme, "mallory@elsewhere.example"
    both.command("organization", "set", "halden", "--phone", "+47 1", "--as", "Kari")
    assert both.deliver() == 0, "other changes are no alarm"
    said = both.command(
        "organization", "set", "halden", "--email", thief, "--payment-url", PAY,
        "--payment-instructions", "To NO00 0000 0000 000.", "--as", "Kari Nordmann",
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    both.deliver()
    assert both.letters_to(thief) == []
    letter = both.letters_to("office@halden.example")[-1].message
    assert letter["Subject"] == "How customers pay Halden of Acme was changed"
    for kind in ("plain", "html"):
        text = letter.get_body((kind,)).get_content()
        for told in (
            "Kari Nordmann",
            "12 Nov 2026, 10:00 CET",
            "To NO00 0000 0000 000.",
            "To NO93 8601 1117 947.",
            "https://pay.example/{reference}",
            "If you do not",
        ):
            assert told in text.replace("&amp;", "&")  # fmt: skip
    entry = acme.log()[-2]
    assert (entry.type, entry.actor) == (Activity.UPDATE_ORGANIZATION, "Kari Nordmann")
    assert entry.details == {"fields": ["email", "payment_instructions", "payment_url"]}
    assert Activity(entry.type).is_security_event
    # The same again is no change.
    both.command("organization", "set", "halden", "--payment-url", PAY)
    assert both.deliver() == 0
    assert both.bolt.mails() == []
