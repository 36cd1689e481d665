"""A customer who has one of everything, and one who has nothing yet, for a browser to look at."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portico import clock
from portico.queries.lists import SECTION_OF
from portico.records.content import Kind
from portico.records.decision import Answer
from portico.records.organization import Section
from portico.records.payment import PaymentKind
from portico.records.project import ProjectState, TaskState
from portico.services import decisions, files, payments, projects
from portico.services.decisions import Signatory
from portico.services.files import Place
from portico.services.payments import Money, Transfer
from portico.services.projects import ProjectFace
from tests.cast import PASSWORD, Company, Person

if TYPE_CHECKING:
    from tests.browser.conftest import House

RAGNA = Person("Ragna Vik", "ragna@skagen.example", "Skagen Båtbyggeri", "halden", "acme")
UNBROKEN = "Donaudampfschifffahrtsgesellschaftsvorsitz"
TOVE = Person(f"Tove{UNBROKEN * 2}", "tove@nyby.example", f"Nyby{UNBROKEN * 2}", "halden", "acme")

_BARE: dict[str, Any] = {"lines": [], "taxes": [], "totals": {"payable": 0}}


@dataclass(frozen=True, slots=True)
class Furniture:
    """Where Ragna's things lie, below the portal's root."""

    documents: dict[str, str]  # by number
    payment: str
    refund: str
    project: str


def furnish(house: House) -> Furniture:
    """Ragna with one of everything that the portal shows, and Tove with nothing; both sign in."""
    acme = house.acme
    acme.set_organization("halden", sections=[section.value for section in Section])
    ways_in = []
    for person in (RAGNA, TOVE):
        acme.settle(person)
        ways_in.append(acme.invite(person))
    papers = _papers(acme)
    payment, refund = _money(acme, papers["R-I-PART"])
    project = _project(acme)
    for way_in in ways_in:
        typed = {"password": PASSWORD, "again": PASSWORD}
        assert house.stage.visitor().fill_in(way_in, typed).status == 303
    return Furniture(
        {
            number: f"{SECTION_OF[Kind(acme.read(one).kind)]}/{one}"
            for number, one in papers.items()
        },
        payment=f"payments/{payment}",
        refund=f"payments/{refund}",
        project=f"projects/{project}",
    )


def _papers(acme: Company) -> dict[str, int]:
    today = clock.today("Europe/Oslo")
    late, soon = today - dt.timedelta(days=40), today + dt.timedelta(days=1)
    papers: list[tuple[str, Kind, dict[str, Any]]] = [
        ("R-Q-OPEN", Kind.QUOTE, {"valid_until": soon}),
        ("R-Q-YES", Kind.QUOTE, {}),
        ("R-Q-LATE", Kind.QUOTE, {"valid_until": late}),
        ("R-I-LATE", Kind.INVOICE, {"due_on": late}),
        ("R-I-PART", Kind.INVOICE, {}),
        ("R-I-YEN", Kind.INVOICE, {"currency": "JPY"}),
        ("R-SO", Kind.SALES_ORDER, {}),
        ("R-CN", Kind.CREDIT_NOTE, {}),
        ("R-SR", Kind.SALES_RECEIPT, {}),
        ("R-RR", Kind.REFUND_RECEIPT, {}),
        ("R-ST", Kind.STATEMENT, {}),
        *_shared_papers(today),
    ]
    made = {}
    for number, kind, changes in papers:
        made[number] = acme.document(RAGNA, kind, number=number, **changes)
        acme.copy(made[number])
    with acme.scope():
        said = Signatory("Ragna Vik", "PO-12", "Please call first.")
        decisions.record_offline(made["R-Q-YES"], Answer.ACCEPTED, said, by="Kari", note="Phone")
    return made


def _shared_papers(today: dt.date) -> list[tuple[str, Kind, dict[str, Any]]]:
    period = {"start": today - dt.timedelta(days=30), "end": today}
    work = {"on": today, "person": "Nils", "task": "Laying", "minutes": 450}
    items = [{"name": "Floor plan", "wants": "file"}, {"name": "Colour", "wants": "text"}]
    ends = clock.now() + dt.timedelta(hours=30)
    return [
        ("R-P", Kind.PROPOSAL, {
            "valid_until": today + dt.timedelta(days=9),
            "proposal": {"fee_model": "milestone",
                         "chapters": [{"heading": "Our idea", "body": "Oak and glass."}]},
            **_BARE, "totals": {"payable": 1_250_000},
        }),
        ("R-R", Kind.REQUEST, {"due_on": today, "request": {"items": items}, **_BARE}),
        ("R-A", Kind.ACCEPTANCE, {
            "expires_at": ends, "acceptance": {"confirms": "The floor is laid."}, **_BARE,
        }),
        ("R-T", Kind.TIME_APPROVAL, {"time": {"period": period, "entries": [work]}, **_BARE}),
    ]  # fmt: skip


def _money(acme: Company, invoice: int) -> tuple[int, int]:
    """A payment that settles a part of an invoice and a refund, and is not used up by them."""
    customer, today = acme.customer(RAGNA).id, clock.today("Europe/Oslo")
    paid = Money(PaymentKind.PAYMENT, 300_000, "EUR", today, "R-PAY", method="Card")
    back = Money(PaymentKind.REFUND, 5_000, "EUR", today, "R-REF", reference="Sent too much")
    with acme.scope():
        payment = payments.record(customer, paid, by="Kari").id
        refund = payments.record(customer, back, by="Kari").id
        for transfer in (
            Transfer(payment_id=payment, invoice_id=invoice, amount=200_000),
            Transfer(payment_id=payment, refund_id=refund),
        ):
            payments.allocate(transfer, by="Kari")
    return payment, refund


def _project(acme: Company) -> int:
    """A project that goes on, with hours, files, tasks and comments, and one that is planned."""
    customer = acme.customer(RAGNA)
    today = clock.today("Europe/Oslo")
    with acme.scope():
        face = ProjectFace(
            name="Boathouse", description="A new floor.", state=ProjectState.ACTIVE,
            starts_on=today, ends_on=today + dt.timedelta(days=30), shows_hours=True,
        )  # fmt: skip
        made = projects.create(customer.organization_id, customer.id, face, by="Kari").id
        later = ProjectFace(name="Sauna", state=ProjectState.PLANNED)
        projects.create(customer.organization_id, customer.id, later, by="Kari")
        for name, state in (("Take measures", TaskState.DONE), ("Lay the floor", TaskState.OPEN)):
            projects.add_task(made, name, by="Kari", state=state, assignee="Nils")
        projects.add_time(
            made, by="Kari", worked_on=today, person="Nils", minutes=90, is_billable=True
        )
        projects.comment_by_staff(made, "The oak is here.", by="Kari")
        for project in (made, None):
            place = Place(customer.organization_id, customer.id, project)
            source = io.BytesIO(b"room,area\nHall,12\n")
            files.add([(source, f"Rooms {project}.csv")], place, by="Kari", shared=True)
    return made
