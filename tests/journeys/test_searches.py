"""C2, C4, C6, C8, A9: searches find parts of words in every list, at the cost of an index."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from portico import clock
from portico.db import db, unit_of_work
from portico.queries import console_activity, console_customers
from portico.records.activity import Activity, ActivityName, ActorKind
from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.staff import Role
from portico.services import activity, activity_chain, team
from portico.services.activity import Entry, Visitor
from tests.cast import MARIT, OLAF
from tests.journeys.test_W1_projects import make

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


def test_what_is_pasted_is_found_as_it_stands(both, desk):
    """A term from a Mac is in pieces (NFD), as a name in a file may be; joiners belong to names."""
    acme = both.acme
    joined, project = "Ångström می\u200cخواهم Donau\u00adschiff", "Café 👩\u200d🔧"
    with acme.scope():
        team.create_customer("halden", joined)
    make(acme, name=project)
    acme.document(OLAF, number="Q-É-1")
    pieces = unicodedata.normalize("NFD", "Løvåsen Büro")
    where = Customer.id == acme.customer(MARIT).id
    _execute(acme, sa.update(Customer).where(where).values(name=pieces))
    for part, found, terms in (
        ("customers", pieces, ("Løvåsen Büro", "VÅSEN BÜ", "vås", "å", "Ås")),
        ("customers", joined, (joined, "می\u200cخ", "u\u00adsch", "ÅNG", "\ufeffström\u200b ")),
        ("projects", project, (project, "é 👩\u200d🔧")),
        ("documents", "Q-É-1", ("\u200bQ-É-1\u200b", "É-", "q-é")),
    ):
        for term in terms:
            for typed in (unicodedata.normalize("NFC", term), unicodedata.normalize("NFD", term)):
                answer = desk.get(f"{acme.console}/{part}?q={quote(typed)}")
                assert found in answer.tree.xpath("string(//tbody)"), (part, typed)


def test_few_are_paged_by_name_and_very_many_as_they_were_added(both):
    """Without gap or repetition, on and back, where own names end and contacts' names begin too."""
    acme, organization = both.acme, both.acme.customer(MARIT).organization_id
    new = {"organization_id": organization, "is_active": True, "created_at": clock.now()}
    customers = [
        {**new, "id": 1000 + n, "name": f"{'Bygg' if n % 7 else 'Tuvas'} {n * 79 % 240:03} Ås",
         "portal_enabled": False}
        for n in range(240)
    ]  # fmt: skip
    contacts = [
        {**new, "customer_id": 1000 + n * 17 % 240, "name": f"{name} {n:03}", "portal_access": True}
        for name in ("Tuva", "Åse", "Tuva Åse")
        for n in range(0, 240, 2)
    ]
    _execute(acme, sa.insert(Customer), customers)
    _execute(acme, sa.insert(Contact), contacts)

    def has(term, one):
        return term.casefold() in one["name"].casefold()

    with acme.scope():
        for term in ("tuva", " ås", "åS", "ÅSE", "åse 1", "bygg 01", "1 ÅS", "7", "tuva åse 02"):
            own = [one["id"] for one in customers if has(term, one)]
            people = [one["customer_id"] for one in contacts if has(term, one)]
            expected = list(dict.fromkeys(own + people))
            assert len(expected) > 1, term
            if max(len(own), len(people)) <= 2 * console_customers.PAGE:
                names = {one["id"]: (one["name"], one["id"]) for one in customers}
                expected.sort(key=lambda one: names[one])
            assert _every_page(organization, term) == expected, term


def test_a_customer_is_found_once_whatever_capitals_an_index_folds(both):
    """An index takes some letters for the same that LIKE does not, and the other way round."""
    acme, organization = both.acme, both.acme.customer(MARIT).organization_id
    new = {"organization_id": organization, "is_active": True, "created_at": clock.now()}
    for start, many, other, contacts in (
        (1000, "Groß", "Gross AG", ("Herr Groß", "Anna Gross", "Peter Groß")),
        (2000, "Åäland", "åÄland", ("åäland mann", "åÄland A", "åäland B")),
    ):
        names = [*(f"{many} {number}" for number in range(60)), other, f"Zett {start}"]
        customers = [
            {**new, "id": start + number, "name": name, "portal_enabled": True}
            for number, name in enumerate(names)
        ]
        whose = (start + 60, start + 61, start + 61)
        people = [
            {**new, "customer_id": one, "name": name, "portal_access": False}
            for one, name in zip(whose, contacts, strict=True)
        ]
        _execute(acme, sa.insert(Customer), customers)
        _execute(acme, sa.insert(Contact), people)
        with acme.scope():
            found = _every_page(organization, many.lower())
        assert sorted(found) == [one["id"] for one in customers], many


def test_a_place_that_is_none_any_more_leads_to_the_first_page(both):
    """A list has grown, or shrunk, or a customer has another name, while somebody paged."""
    acme, organization = both.acme, both.acme.customer(MARIT).organization_id
    new = {"organization_id": organization, "is_active": True, "created_at": clock.now()}
    customers = [
        {**new, "id": 1000 + n, "name": f"Bygg {n:03}", "portal_enabled": True} for n in range(80)
    ]
    _execute(acme, sa.insert(Customer), customers)
    with acme.scope():
        for term, places in {
            "bygg": ("1030", "99999", f"{2**70}", "own-0", "own-", "by", "-"),
            "bygg 01": ("99999", "own-0"),
            "": ("99999", "by-1030", "own-1030"),
        }.items():
            first = [row.id for row in console_customers.page(organization, term=term).rows]
            for place in map(console_customers.Place.parse, places):
                page = console_customers.page(organization, term=term, before=place)
                assert [row.id for row in page.rows] == first, (term, place)
            for place in (
                console_customers.Place(99999),
                console_customers.Place.parse("by-99999"),
            ):
                page = console_customers.page(organization, term=term, beyond=place)
                assert [row.id for row in page.rows] == first, (term, place)
        for text in ("by-0", "by-99999", "own-99999", "own-1079"):
            for how in ("before", "beyond"):
                edge = {how: console_customers.Place.parse(text)}
                ids = [
                    row.id for row in console_customers.page(organization, term="bygg", **edge).rows
                ]
                assert len(ids) == len(set(ids)), (how, text)


def test_somebody_called_exactly_so_can_be_picked_among_very_many(both):
    acme, organization = both.acme, both.acme.customer(MARIT).organization_id
    new = {"organization_id": organization, "is_active": True, "created_at": clock.now()}
    names = [*(f"Berg {n}" for n in range(60)), "Berg"]
    customers = [{**new, "name": name, "portal_enabled": True} for name in names]
    _execute(acme, sa.insert(Customer), customers)
    with acme.scope():
        assert console_customers.active(organization, "berg", 8)[0].name == "Berg"
        assert console_customers.active(organization + 1, "berg", 8) == []


def _every_page(organization, term):
    """All ids over all pages; and back again."""
    ids, edge, pages = [], None, []
    while True:
        page = console_customers.page(organization, term=term, beyond=edge)
        pages.append(page)
        ids += [row.id for row in page.rows]
        if page.on is None:
            break
        edge = console_customers.Place.parse(str(page.on))
    for page, last in zip(pages[1:], pages, strict=False):
        back = console_customers.page(organization, term=term, before=page.back)
        assert [row.id for row in back.rows] == [row.id for row in last.rows]
    return ids


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
        assert activity_chain.verify().problem is None


def _execute(company, statement, values=None):
    with company.scope(), unit_of_work():
        db.session.execute(statement, values)
