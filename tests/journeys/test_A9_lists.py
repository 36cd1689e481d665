"""A9: lists of documents, newest first, by filter, number and page; the same on both databases."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from portico.db import db
from portico.queries import lists
from portico.queries.lists import SECTIONS, Key
from portico.records.content import Kind
from portico.records.decision import Via
from portico.records.document import Document
from portico.records.payment import PaymentKind
from portico.services import payments
from portico.services.actors import Actor
from portico.services.payments import Money
from tests.cast import BEA, CHIYO, MARIT, OLAF

LISTS = ("invoices", "quotes", "credit-notes", "receipts", "statements")
TODAY = dt.date(2026, 11, 12)


def copies(company, document_id, count, **changes):
    """Many more of a document, behind the application's back; the newest comes last."""
    table = Document.__table__
    with company.scope():
        row = dict(
            db.session.execute(sa.select(table).where(table.c.id == document_id)).mappings().one()
        )
    made = []
    for number in range(count):
        one = row | {
            "number": f"N-{number:03}",
            "external_id": f"n-{number}",
            "issued_on": TODAY - dt.timedelta(days=(count - number) // 3),
            **{name: value(number) for name, value in changes.items()},
        }
        one.pop("id")
        made.append(one)
    columns = ", ".join(made[0])
    values = ", ".join(f":{name}" for name in made[0])
    for one in made:
        values_of = {
            n: v.replace(tzinfo=None) if isinstance(v, dt.datetime) else v for n, v in one.items()
        }
        company.execute(f"INSERT INTO documents ({columns}) VALUES ({values})", **values_of)


def numbers(page):
    return [link.text_content() for link in page.tree.findall(".//td[@class='number']/a")]


def test_the_outsider_sees_no_list_and_nobody_sees_anothers(stage):
    stage.acme.document(MARIT, Kind.INVOICE, number="INV-OF-MARIT")
    mallory = stage.visitor("198.51.100.66")
    for name in (*LISTS, "orders"):
        sent_away = mallory.get(f"{stage.acme.portal}/{name}")
        assert (sent_away.status, "INV-OF" in sent_away.source) == (303, False)
        assert "/customer-portal/login" in sent_away.location
    for number, (company, person) in enumerate(
        [(stage.acme, OLAF), (stage.acme, CHIYO), (stage.bolt, BEA)]
    ):
        theirs = company.account(person, address=f"203.0.113.{number}").get(
            f"{company.portal}/invoices?q=INV"
        )
        assert theirs.status == 200
        assert numbers(theirs) == []


def test_a_list_is_walked_to_its_end_and_back(both):
    first = both.acme.document(MARIT, Kind.INVOICE)
    copies(both.acme, first, 59)
    marit = both.acme.account()
    expected = [f"N-{number:03}" for number in reversed(range(59))]
    expected.insert(2, "INV-1007")  # of the same day as the two newest, and made before them
    page = marit.get(f"{both.acme.portal}/invoices")
    assert numbers(page) == expected[:25]
    assert not page.tree.findall(".//a[@rel='prev']")
    (older,) = page.tree.xpath(".//a[@rel='next']/@href")
    second = marit.get(f"https://acme.portal.example{older}")
    assert numbers(second) == expected[25:50]
    (older,) = second.tree.xpath(".//a[@rel='next']/@href")
    third = marit.get(f"https://acme.portal.example{older}", htmx=True)
    assert numbers(third) == expected[50:]
    assert not third.tree.findall(".//a[@rel='next']")
    (newer,) = third.tree.xpath(".//a[@rel='prev']/@href")
    again = marit.get(f"https://acme.portal.example{newer}")
    assert numbers(again) == expected[25:50]
    (newer,) = again.tree.xpath(".//a[@rel='prev']/@href")
    assert numbers(marit.get(f"https://acme.portal.example{newer}")) == expected[:25]


def test_filters_judge_dates_in_the_organizations_zone_and_keep_the_search(both, clock):
    for kind, number, changes in (
        (Kind.INVOICE, "I-LATE", {"due_on": TODAY - dt.timedelta(days=1)}),
        (Kind.INVOICE, "I-TODAY", {"due_on": TODAY}),
        (Kind.INVOICE, "I-NEVER", {"due_on": None}),
        (Kind.QUOTE, "Q-LAST-DAY", {"valid_until": TODAY}),
        (Kind.QUOTE, "Q-OVER", {"valid_until": TODAY - dt.timedelta(days=1)}),
        (Kind.QUOTE, "Q-ALWAYS", {"valid_until": None}),
        (Kind.CREDIT_NOTE, "C-1", {}),
        (Kind.SALES_RECEIPT, "R-1", {}),
        (Kind.REFUND_RECEIPT, "R-2", {}),
        (Kind.STATEMENT, "S-1", {}),
        (Kind.SALES_ORDER, "O-1", {}),
    ):
        both.acme.send(both.acme.document(MARIT, kind, number=number, **changes), MARIT)
    both.acme.document(MARIT, Kind.INVOICE, number="I-DRAFT", post=False)
    both.acme.execute("UPDATE documents SET state = 'paid', balance = 0 WHERE number = 'I-NEVER'")
    both.deliver()
    marit = both.acme.account()
    found = {
        (name, one.name): set(numbers(marit.get(f"{both.acme.portal}/{name}?state={one.name}")))
        for name in LISTS
        for one in SECTIONS[name].filters
    }
    assert found["invoices", "all"] == {"I-LATE", "I-TODAY", "I-NEVER"}
    assert found["invoices", "open"] == {"I-LATE", "I-TODAY"}
    assert found["invoices", "overdue"] == {"I-LATE"}
    assert found["invoices", "paid"] == {"I-NEVER"}
    assert found["quotes", "awaiting"] == {"Q-LAST-DAY", "Q-ALWAYS"}
    assert found["quotes", "expired"] == {"Q-OVER"}
    assert found["credit-notes", "open"] == {"C-1"}
    assert found["receipts", "all"] == {"R-1", "R-2"}
    assert found["receipts", "refunds"] == {"R-2"}
    assert found["statements", "all"] == {"S-1"}
    assert not found["quotes", "accepted"] | found["invoices", "cancelled"]
    # In Oslo the day is over at 23:00 UTC.
    clock.set(2026, 11, 12, 20)
    marit.get(both.acme.portal + "/quotes")  # twelve idle hours would end the session
    clock.set(2026, 11, 12, 23, 30)
    assert numbers(marit.get(f"{both.acme.portal}/quotes?state=expired")) == [
        "Q-LAST-DAY",
        "Q-OVER",
    ]
    searched = marit.get(f"{both.acme.portal}/invoices?state=open&q=late")
    assert numbers(searched) == ["I-LATE"]
    assert searched.tree.xpath(".//input[@name='state']/@value") == ["open"]
    assert all("q=late" in url for url in searched.tree.xpath(".//nav[@class='tabs']/a/@href"))
    assert "None of these has “%_”" in marit.get(f"{both.acme.portal}/invoices?q=%25_").text
    # Orders are shown where the organization uses them, and nowhere else.
    assert marit.get(f"{both.acme.portal}/orders").status == 404
    both.acme.execute("UPDATE organizations SET sections = '[\"orders\"]'")
    assert numbers(marit.get(f"{both.acme.portal}/orders?state=open")) == ["O-1"]


def test_what_is_judged_by_a_deadline_is_paged_by_it(both):
    """Each way through the keys of overdue, expired and awaiting, with some that have no date."""
    invoice, quote = both.acme.document(MARIT, Kind.INVOICE), both.acme.document(MARIT)
    day = lambda number: TODAY + dt.timedelta(days=number % 9 - 6)  # noqa: E731
    copies(both.acme, invoice, 90, due_on=day, state=lambda n: ("posted", "partially_paid")[n % 2])
    copies(both.acme, quote, 90, state=lambda n: "sent",
           valid_until=lambda n: None if n % 10 == 0 else day(n))  # fmt: skip
    with both.acme.scope():
        actor = _actor(both.acme)
        for section, name, count in (("invoices", "overdue", 60), ("quotes", "expired", 54),
                                     ("quotes", "awaiting", 36)):  # fmt: skip
            chosen = SECTIONS[section].filter(name)
            down, before = [], None
            while True:
                page = lists.page(actor, chosen, "Europe/Oslo", before=before)
                down.append([row.id for row in page.rows])
                if page.older is None:
                    break
                before = page.older
            seen = [one for rows in down for one in rows]
            assert len(seen) == len(set(seen)) == count, name
            up = [down[-1]]
            after = page.newer
            while after is not None:
                page = lists.page(actor, chosen, "Europe/Oslo", after=after)
                up.append([row.id for row in page.rows])
                after = page.newer
            assert up[::-1] == down, name


def _actor(company):
    customer = company.customer(MARIT)
    return Actor(Via.ACCOUNT, customer.organization_id, customer.id, None, None, None)


NONSENSE = [
    "before=9999-99-99.1", "before=2026-11-12.99999999999999999999", "before=x", "after=-1.-1",
    "before=9999-12-31.9223372036854775807", "after=0001-01-01.0", "after=9999-12-31.1",
    "before=0001-01-01.1", "before=2026-11-12.1&after=2026-11-12.1", "state=nonsense", "state=",
    "q=%00", "q=%ED%A0%80", "q=%F0%9F%98%80", "q=" + "9" * 10_000, "q=%25&state=overdue",
    "before=" + "1" * 5000, "q=a&q=b&before=1&before=2", "q=%E2%80%AEevil",
]  # fmt: skip


def test_nonsense_in_the_address_is_met_kindly(both, subtests):
    both.acme.document(MARIT, Kind.INVOICE)
    marit, portal = both.acme.account(), both.acme.portal
    for query in NONSENSE:
        with subtests.test(query[:100]):
            assert marit.get(f"{portal}/invoices?{query}").status == 200
            assert marit.get(f"{portal}/quotes?{query}&state=awaiting", htmx=True).status == 200


def test_a_place_beyond_the_end_is_the_first_page(stage):
    stage.acme.document(MARIT, Kind.INVOICE, number="INV-1")
    with stage.acme.scope():
        customer = stage.acme.customer(MARIT).id
        payments.record(customer, Money(PaymentKind.PAYMENT, 100, "EUR", TODAY, "P-1"), by="Kari")
    marit = stage.acme.account()
    for name, number in (("invoices", "INV-1"), ("payments", "P-1")):
        for place in ("before=0001-01-01.1", "after=9999-12-31.1"):
            assert numbers(marit.get(f"{stage.acme.portal}/{name}?{place}")) == [number]


def test_a_key_is_what_it_says_or_nothing():
    assert str(Key.parse("2026-11-02.123")) == "2026-11-02.123"
    for text in ("2026-11-02", "2026-11-02.", "2026-13-01.1", "2026-11-02.9223372036854775808",
                 "٢٠٢٦-11-02.1", " 2026-11-02.1", "2026-11-02.1\n"):  # fmt: skip
        assert Key.parse(text) is None


def test_every_list_says_so_where_it_is_empty_and_marks_itself(stage):
    marit = stage.acme.account()
    for name in (*LISTS, "payments"):
        page = marit.get(f"{stage.acme.portal}/{name}")
        assert "Nothing here yet" in page.text
        assert page.tree.xpath("count(.//form[@role='search'])") == 0, "there is nothing to find"
        (current,) = page.tree.xpath(".//nav[@aria-label='Portal']/a[@aria-current='page']/@href")
        assert current.endswith(f"/{name}")
