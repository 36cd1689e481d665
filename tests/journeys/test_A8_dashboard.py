"""A8: what a customer sees first: what waits, what is owed, what happened; and nothing of others."""

from __future__ import annotations

import datetime as dt

from portico.db import unit_of_work
from portico.records.activity import Activity, ActorKind
from portico.records.content import Kind
from portico.records.decision import Answer
from portico.services import activity, conversations, decisions, documents
from portico.services.activity import Entry, Visitor
from portico.services.decisions import Signatory
from tests.cast import BEA, CHIYO, MARIT, OLAF, content_for, token_of

TODAY = dt.date(2026, 11, 12)


def part(page, name):
    """What is said in one part of the dashboard."""
    (found,) = page.tree.xpath(f".//section[@aria-labelledby='{name}']")
    return " ".join(found.text_content().split())


def cards(page):
    return " ".join(page.tree.find(".//section[@class='cards']").text_content().split())


def test_the_outsider_sees_no_dashboard_and_nobody_sees_anothers(stage):
    stage.acme.quote(MARIT)
    stage.acme.send(stage.acme.document(MARIT, Kind.INVOICE), MARIT)
    stage.deliver()
    sent_away = stage.visitor("198.51.100.66").get(f"{stage.acme.portal}/dashboard")
    assert sent_away.status == 303
    assert "/login" in sent_away.location
    for number, (company, person) in enumerate(
        [(stage.acme, OLAF), (stage.acme, CHIYO), (stage.bolt, BEA)]
    ):
        visitor = company.account(person, address=f"203.0.113.{number}")
        page = visitor.get(f"{company.portal}/dashboard")
        assert "Pending invoices 0 Shared documents 0 Outstanding balance 0" in cards(page)
        for foreign in ("Q-2041", "INV-1007", "Marit", "6,227.85"):
            assert foreign not in page.text


def test_an_empty_dashboard_says_so_everywhere_and_greets_by_name(stage, clock):
    marit = stage.acme.account()
    page = marit.get(f"{stage.acme.portal}/dashboard")
    assert page.heading == "Good morning, Marit Solberg"
    assert "Fjordhus AS" in page.text
    for name, words in (
        ("recent-invoices", "No invoices yet"),
        ("to-do", "Nothing waits for you"),
        ("ageing", "Nothing is open"),
        ("happened", "Nothing has happened yet"),
    ):
        assert words in part(page, name)
    (current,) = page.tree.xpath(".//nav[@aria-label='Portal']/a[@aria-current='page']")
    assert current.text_content() == "Dashboard"
    stage.acme.execute("UPDATE customer_portal_accounts SET salutation = 'Ms Solberg'")
    clock.advance(hours=6)  # four in the afternoon in Oslo
    assert marit.get(f"{stage.acme.portal}/dashboard").heading == "Good afternoon, Ms Solberg"


def test_what_waits_is_owed_and_happened_stands_on_the_dashboard(both, clock):
    acme = both.acme
    quote, _link = acme.quote(MARIT)
    late = acme.document(MARIT, Kind.INVOICE, number="INV-LATE", due_on=TODAY - dt.timedelta(40))
    soon = acme.document(MARIT, Kind.INVOICE, number="INV-SOON", due_on=TODAY + dt.timedelta(3))
    yen = content_for(MARIT, Kind.INVOICE, number="INV-YEN", currency="JPY")
    for document in (late, soon, acme.document(MARIT, content=yen)):
        acme.send(document, MARIT)
    expired = acme.document(MARIT, number="Q-OLD", valid_until=TODAY - dt.timedelta(1))
    acme.document(MARIT, Kind.INVOICE, number="INV-DRAFT", post=False)
    acme.send(expired, MARIT)
    both.deliver()
    page = acme.account().get(f"{acme.portal}/dashboard")
    assert "Quote Q-2041 awaits your approval" in page.text
    assert "€6,227.85 · valid until 26 Nov 2026 · 14 days left" in page.text
    assert "Q-OLD awaits" not in page.text
    assert "Pending invoices 3 Shared documents 5" in cards(page)
    assert "€12,455.70" in cards(page)
    assert "JP¥622,785" in cards(page)
    assert "INV-DRAFT" not in page.text
    invoices = part(page, "recent-invoices")
    assert "INV-LATE Overdue" in invoices
    assert "INV-SOON Sent" in invoices
    to_do = part(page, "to-do")
    order = [to_do.index(one) for one in ("INV-LATE", "INV-SOON", "Q-2041")]
    assert order == sorted(order)
    assert "40 days overdue" in to_do
    assert "31–60 days €6,227.85" in part(page, "ageing")
    assert "Halden of Acme sent quote Q-2041" in part(page, "happened")
    assert acme.read(quote).state == "sent"


def test_the_activity_tells_no_more_than_a_customer_may_know(both):
    """Nothing of drafts, staff's names, addresses, previews, other customers or other kinds."""
    acme = both.acme
    quote, link = acme.quote(MARIT)
    customer, contact = acme.customer(MARIT), acme.contact(MARIT)
    draft = acme.document(MARIT, number="Q-SECRET", post=False)
    acme.quote(OLAF, number="Q-OLAF", external_id="olaf")

    def entry(type_, who, document_id, **more):
        return Entry(
            type_, who, actor="Kari Nordmann", organization_id=customer.organization_id,
            customer_id=customer.id, document_id=document_id,
            visitor=Visitor("192.0.2.99", "Spy/1.0"), **more,
        )  # fmt: skip

    with acme.scope(), unit_of_work():
        activity.record(entry(Activity.IMPORT_DOCUMENT, ActorKind.STAFF, quote))
        activity.record(entry(Activity.SEND_DOCUMENT, ActorKind.STAFF, draft))
        activity.record(entry(Activity.APPROVE_QUOTE, ActorKind.CUSTOMER, quote, preview=True))
        activity.record(entry(Activity.ISSUE_LINK, ActorKind.STAFF, quote))
    other = both.visitor("198.51.100.9")
    other.post(f"{link}/ask", {"question": "Is it oiled?"})
    with acme.scope():
        conversations.answer(quote, "It is.", by="Kari Nordmann")
        documents.extend(quote, TODAY + dt.timedelta(30), by="Kari Nordmann")
    marit = acme.account()
    marit.fill_in(f"{acme.portal}/quotes/{quote}", {"name": "Marit Solberg"}, form="/accept")
    with acme.scope():
        decisions.reverse(quote, by="Kari Nordmann", note="typed wrong")
        decisions.record_offline(
            quote, Answer.DECLINED, Signatory("Marit"), by="Kari Nordmann", note="phone"
        )
    happened = part(marit.get(f"{acme.portal}/dashboard"), "happened")
    told = ["wrote down the refusal of", "reopened", "You accepted", "gave more time on",
            "answered about", "You asked about", "sent"]  # fmt: skip
    places = [happened.index(f"{one} quote Q-2041") for one in told]
    assert places == sorted(places), happened
    page = marit.get(f"{acme.portal}/dashboard").source
    for hidden in ("Kari", "192.0.2.99", "Spy", "198.51.100.9", "Q-SECRET", "Q-OLAF",
                   "typed wrong", contact.email, token_of(link)):  # fmt: skip
        assert hidden not in page


def test_approve_opens_the_decision_in_place_with_the_name_filled_in(stage):
    quote, _link = stage.acme.quote(MARIT)
    marit = stage.acme.account()
    page = marit.get(f"{stage.acme.portal}/dashboard")
    (approve,) = page.tree.xpath(".//a[text()='Approve']")
    assert approve.get("href") == f"{approve.get('hx-get')}#accept"
    url = f"https://acme.portal.example{approve.get('hx-get')}"
    before = stage.acme.dump()
    in_place = marit.get(url, htmx=True)
    assert in_place.form("/accept")[1]["name"] == "Marit Solberg"
    assert "Oak floor, brushed" in in_place.text, "nobody agrees to what they cannot see"
    plain = marit.get(url)
    assert plain.form("/accept")[1]["name"] == "Marit Solberg"
    assert stage.acme.dump() == before
    done = marit.fill_in(in_place, form="/accept", htmx=True)
    assert "Thank you. Your acceptance is recorded." in done.text
    assert stage.acme.read(quote).state == "accepted"
    assert "awaits" not in marit.get(f"{stage.acme.portal}/dashboard").text


def test_counts_stop_at_a_thousand(stage):
    """A card never counts a million rows; it says that there are many."""
    first = stage.acme.document(MARIT, Kind.INVOICE)
    stage.acme.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) "
        "INSERT INTO documents (organization_id, customer_id, kind, external_id, number, state, "
        "currency, total, payable, balance, issued_on, due_on, current_revision, posted_at, "
        "created_at) SELECT organization_id, customer_id, kind, 'n' || i, 'N' || i, state, "
        "currency, total, payable, balance, issued_on, due_on, 1, posted_at, created_at "
        "FROM documents, n WHERE id = :first",
        first=first,
    )
    page = stage.acme.account().get(f"{stage.acme.portal}/dashboard")
    assert "Pending invoices 999+ Shared documents 999+" in cards(page)
    assert part(page, "to-do").count("Pay invoice") == 10
    assert "More waits for you in your lists." in part(page, "to-do")
    assert len(page.data) < 40_000
