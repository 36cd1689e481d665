"""C2, C4, C6, C8, A9: searches find parts of words in every list, at the cost of an index."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import sqlalchemy as sa

from portico.db import db, unit_of_work
from portico.queries import console_activity, console_customers, search
from portico.records.activity import Activity, ActivityName, ActorKind
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.staff import Role
from portico.services import activity
from portico.services.activity import Entry, Visitor
from tests.cast import MARIT, OLAF

# What means something to an index, to LIKE, to SQL, to nobody.
ODD = (
    '"', '""', "'", '"fjord" OR "tinde"', "fjord*", "name:fjord", "{name}:fjord", "NEAR(fjord as)",
    "fjord AND as", "fjord NOT x", "-fjord", "^fjord", "fj_rd", "fj%d", "%%%", "___", "/", "///",
    "\\\\\\", "(((", "--;", "\ud800\ud800\ud800", "x" * 10_000, "🦊🦊🦊",
)  # fmt: skip


@pytest.fixture
def desk(both):
    return both.acme.staff(Role.VIEWER)


def _shown(visitor, company, part, term):
    """What a list of the console shows for a term; a lone surrogate as a careless client sends it."""
    query = quote(term.encode("utf-8", "surrogatepass"))
    answer = visitor.get(f"{company.console}/{part}={query}")
    assert answer.status == 200, (part, term)
    panel = answer.tree.xpath("//*[@class='sheet panel' or @class='entries']")
    return panel[0].text_content() if panel else ""


def test_parts_of_words_are_found_everywhere_and_by_whom_they_concern(both, desk):
    acme = both.acme
    paper = acme.document(MARIT, Kind.INVOICE, number="INV-Ø-778-B")
    acme.send(paper, MARIT)
    acme.send(acme.document(OLAF), OLAF)
    both.deliver()
    both.visitor().get(both.link_to(MARIT))
    acme.log()
    assert "/login" in both.visitor().get(f"{acme.console}/customers?q=fjord").location
    chiyos = acme.staff(Role.VIEWER, "brightwater")
    for part, term, here in (
        ("customers?q", "JORDHU", "Fjordhus AS"), ("customers?q", "it Solb", "Fjordhus AS"),
        ("customers?q", "arit@FJ", "Fjordhus AS"), ("documents?q", "v-ø-77", "INV-Ø-778-B"),
        ("documents?q", "dhus", "INV-Ø-778-B"), ("mail?q", "T@fjor", MARIT.email),
        ("mail?q", "Ø-778", MARIT.email), ("activity?what=mail_sent&customer", "ordhu", "Mail sent"),
        ("activity?q", "T sol", MARIT.name),
    ):  # fmt: skip
        assert here in _shown(desk, acme, part, term), (part, term)
        assert here not in _shown(chiyos, acme, part, term), (part, term)
        assert "Tinde" not in _shown(desk, acme, part, term), (part, term)
    for term in ODD:
        for part in ("customers?q", "documents?q", "mail?q", "activity?q", "activity?customer",
                     "payments?q"):  # fmt: skip
            assert "Fjord" not in _shown(desk, acme, part, term), (part, term)
    marit = acme.account(MARIT)
    for term, found in (("ø-77", 1), ("Q-2041", 0), ("INV-Ø-778-BB", 0)):
        page = marit.get(f"{acme.portal}/invoices?q={quote(term)}")
        assert len(page.tree.xpath("//tbody/tr")) == found, term


def test_what_is_written_anew_is_found_and_what_it_was_is_not(both):
    acme = both.acme
    customer, contact = acme.customer(MARIT), acme.contact(MARIT)
    _execute(
        acme, sa.update(Customer).where(Customer.id == customer.id).values(name='Åse "&" ΣΊΣΥΦΟΣ')
    )
    _execute(
        acme, sa.update(Contact).where(Contact.id == contact.id).values(name="田中一郎", email=None)
    )
    with acme.scope():

        def found(term):
            return [
                one.id for one in console_customers.page(customer.organization_id, term=term).rows
            ]

        for term in (
            "åse", "ÅSE", '"&"', "σίσυφος", "田中一", "中一郎", "åS", "田中", "一郎", "郎", "ΟΣ", "ς", "Å",
        ):  # fmt: skip
            assert found(term) == [customer.id], term
        for term in ("fjord", "marit", "arit@", "Å&", "一一一", "中田", "&&", "ż"):
            assert found(term) == [], term
    _execute(acme, sa.delete(Contact).where(Contact.customer_id == acme.customer(OLAF).id))
    with acme.scope():
        assert found("olaf") == []
    if acme.database_url.startswith("sqlite"):
        for table in ("customers", "contacts", "documents", "mails", "activity_names"):
            name = f"search_{table}"
            acme.execute(f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)")


def test_few_and_very_many_are_paged_in_the_same_order(both):
    """More than an index puts in order, and fewer: by name, without gap or repetition."""
    acme, organization = both.acme, both.acme.customer(MARIT).organization_id
    many = search.MOST + 40
    values = [
        {"organization_id": organization, "name": f"{'Bygg' if n % 7 else 'Bad'} {n * 379 % many:04} Ås",
         "is_active": True, "portal_enabled": False, "created_at": acme.customer(MARIT).created_at}
        for n in range(many)
    ]  # fmt: skip
    _execute(acme, sa.insert(Customer), values)
    names = [one["name"] for one in values]
    with acme.scope():
        assert search.ids(Customer.__table__, ("name",), " ås") is None
        for term in (" ås", "BAD", "bygg 01", "1 ÅS", "åS", "7"):
            expected = sorted(name for name in names if term.casefold() in name.casefold())
            assert len(expected) > console_customers.PAGE
            assert _every_page(organization, term) == expected, term


def _every_page(organization, term):
    """All names over all pages; and back again."""
    names, edge = [], None
    while True:
        page = console_customers.page(organization, term=term, beyond=edge)
        names += [row.name for row in page.rows]
        if page.on is None:
            break
        edge = page.on
    back = console_customers.page(organization, term=term, before=page.back)
    assert [row.name for row in back.rows] == names[-len(page.rows) - 25 : -len(page.rows)]
    return names


def test_the_log_is_searched_by_whom_it_names_and_forgets_what_was_erased(both):
    acme = both.acme
    marit, olaf = acme.customer(MARIT), acme.customer(OLAF)
    with acme.scope(), unit_of_work():
        for number, (customer, ip) in enumerate(
            ((marit, "198.51.100.77"), (marit, "203.0.113.99"), (olaf, "203.0.113.99"))
        ):
            activity.record(
                Entry(
                    Activity.VIEW_QUOTE, ActorKind.CUSTOMER, f"Reader {number}", session_id="account 7",
                    organization_id=customer.organization_id, customer_id=customer.id,
                    visitor=Visitor(ip=ip),
                )
            )  # fmt: skip

    def found(term, organization=marit.organization_id):
        with acme.scope():
            wanted = console_activity.Filter(organization, term=term)
            return [line.actor for line in console_activity.page(wanted).rows]

    assert found("reader") == ["Reader 2", "Reader 1", "Reader 0"] == found("account 7")
    assert found(".100.7") == ["Reader 0"]
    assert found("EADER 1") == ["Reader 1"]
    assert found("13.99") == ["Reader 2", "Reader 1"]
    assert found("account") == found("account 77") == found("reader", 10**6) == []
    assert both.command("activity", "erase", "halden", MARIT.customer).exit_code == 0
    assert found("198.51") == []
    assert found("13.99") == ["Reader 2"]
    assert found("reader") == ["Reader 2", "Reader 1", "Reader 0"]
    assert "198.51.100.77" not in {one.text for one in acme.rows(ActivityName)}
    with acme.scope():
        assert activity.verify().problem is None


def _execute(company, statement, values=None):
    with company.scope(), unit_of_work():
        db.session.execute(statement, values)
