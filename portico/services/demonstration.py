"""The demonstration tenant: two organizations, their customers, and every kind of document.

It goes through the same services as the real thing, with the clock set back for what lies in
the past, so that states, links, mails and the log are what they would be.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import Flask

from portico import clock
from portico.db import control_unit, db, unit_of_work
from portico.queries.link_pages import open_link
from portico.queries.statement import Span
from portico.records.activity import Activity
from portico.records.content import Kind
from portico.records.customer import Contact
from portico.records.decision import Answer
from portico.records.document import COMMERCIAL, Document
from portico.records.link import PortalLink, Purpose
from portico.records.organization import Organization
from portico.records.tenant import Tenant
from portico.services import (
    accounts,
    activity,
    conversations,
    decisions,
    delivery,
    demo_files,
    demo_people,
    demo_projects,
    demo_shared,
    documents,
    intake,
    links,
    outbox,
    payments,
    requests,
    sending,
    statements,
    team,
    tenants,
)
from portico.services.activity import Visitor
from portico.services.actors import Actor
from portico.services.decisions import Signatory
from portico.services.demo_papers import CREDITS, PAPERS, RECEIPTS, Paper
from portico.services.demo_projects import Scene
from portico.services.demo_shared import SharedPaper
from portico.services.payments import Transfer
from portico.services.team import OrganizationFace

SLUG = "demo"
_WEEKS = 24 * 28  # so many hours the links to shared work live
BY = "Ingrid (demonstration)"
_BROWSER = Visitor(
    "203.0.113.24",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "GET",
    ("navigate",),
)

_ORGANIZATIONS = {
    "halden": OrganizationFace(
        name="Halden Joinery",
        email="post@halden-joinery.example",
        address="Verkstedveien 8\n7042 Trondheim\nNorway",
        phone="+47 73 00 00 00",
        website="halden-joinery.example",
        tax_id="NO 999 888 777 MVA",
        locale="en_GB",
        timezone="Europe/Oslo",
        colour="#1f5c4d",
        next_steps=(
            "We order the oak within two working days and call you to agree on a day for "
            "measuring. The first part of the price is invoiced after that visit."
        ),
        payment_instructions=(
            "Please transfer to IBAN NO93 8601 1117 947, BIC DNBANOKK, Halden Joinery. "
            "State the invoice number, so that we find your payment."
        ),
        payment_url="https://pay.example.com/halden/{number}?amount={amount}&currency={currency}&ref={reference}",
        sections=["orders"],
    ),
    "brightwater": OrganizationFace(
        name="Brightwater Studio",
        email="hello@brightwater.example",
        address="14 Quay Street\nBristol BS1 4TT\nUnited Kingdom",
        website="brightwater.example",
        tax_id="GB 123 4567 89",
        locale="en_GB",
        timezone="Europe/London",
        colour="#7a2e63",
        next_steps="We send the project plan within three working days.",
        payment_instructions="Bank transfer to 12-34-56, account 12345678. Please state the number.",
    ),
}

# organization, name, id in the books, people
_CUSTOMERS = (
    ("halden", "Fjordhus AS", "10021", (("Marit Dahl", "marit.dahl@fjordhus.example", "Manager"),
                                        ("Jonas Berg", "jonas.berg@fjordhus.example", "Accounts"))),
    ("halden", "Solvik Borettslag", "10034", (("Olaf Nygård", "olaf@solvik.example", "Chair"),)),
    ("halden", "Café Nordlys", "10040", (("Ana Pereira", "ana@nordlys.example", "Owner"),)),
    ("brightwater", "Kitamura Tea Co. 北村茶舗", "T-7", (("Chiyo Kitamura", "chiyo@kitamura.example", ""),)),
    ("brightwater", "Al Noor Trading", "T-9", (("Layla Hassan", "layla@alnoor.example", "Buyer"),)),
    ("brightwater", "Harbour Books", "T-12", (("Peter Ashe", "peter@harbourbooks.example", ""),)),
)  # fmt: skip


def prepare(app: Flask, base_url: str, passwords: dict[str, str]) -> dict[str, Any]:
    """Make the tenant if there is none, and return the links to click, by name, and how to sign
    in to each door that *passwords* has one for."""
    with app.app_context():
        tenants.migrate_control()
        fresh = tenants.directory().by_slug(SLUG) is None
        if fresh:
            tenants.create(SLUG, "Demonstration", base_url)
        else:
            tenants.migrate_all()
            _move(base_url)
    with tenants.tenant_scope(app, SLUG):
        if not _is_complete():
            _fill()
        found = _links()
        owner = demo_people.let_owner_in(passwords["console"], by=BY, browser=_BROWSER)
        customer = demo_people.let_customer_in(passwords["portal"], by=BY, browser=_BROWSER)
        portal_url = accounts.sign_in_url(demo_people.CUSTOMER[0])
        _share_work()
        found["share"] = demo_projects.share_url(by=BY)
        found |= _shared_links()
    return {
        "base_url": base_url,
        **found,
        "mail": f"{base_url}/demo/mail",
        "portal": {"url": portal_url, "email": customer, "password": passwords["portal"]},
        "console": {
            "url": f"{base_url}/staff/login",
            "email": owner,
            "password": passwords["console"],
        },
    }


def _move(base_url: str) -> None:
    """The port may be another one this time; links in new mail follow it."""
    with control_unit() as connection:
        connection.execute(sa.update(Tenant).where(Tenant.slug == SLUG).values(public_url=base_url))
    tenants.directory().forget()


def _is_complete() -> bool:
    """Whether a start before this one got as far as the statement, which is made last."""
    last = sa.select(Document.id).where(Document.kind == Kind.STATEMENT.value)
    return db.session.execute(last).first() is not None


def _fill() -> None:
    if db.session.execute(sa.select(Organization.id)).first() is None:
        with clock.at(clock.now() - dt.timedelta(days=90)):
            _make_people()
    start = clock.now()
    for paper in sorted(PAPERS, key=lambda one: -one.days_ago):
        _play(paper, start)
    _settle(start)


def _make_people() -> None:
    with unit_of_work():
        for slug, face in _ORGANIZATIONS.items():
            team.create_organization(slug, face)
        for organization, name, external_id, people in _CUSTOMERS:
            team.create_customer(organization, name, external_id=external_id)
            for person, email, role in people:
                team.add_contact(organization, name, person, email, role=role)


def _play(paper: Paper, start: dt.datetime) -> None:
    """One paper's life: imported, sent, looked at, answered, revised, each on its day."""
    day = start - dt.timedelta(days=paper.days_ago, hours=paper.days_ago % 5)
    with clock.at(day):
        document = _import(paper, paper.as_json(day.date()))
        if paper.sent:
            _send(document, paper.message)
    if paper.seen:
        with clock.at(min(day + dt.timedelta(hours=3), start)):
            _look(document)
    if paper.revised:
        with clock.at(min(day + dt.timedelta(hours=5), start)):
            _import(paper, paper.as_json(day.date(), revised=True), update=True)
            _send(document, "As agreed on the phone: ash instead of oak for the handrail.")
    for question, answer in paper.talk:
        with clock.at(min(day + dt.timedelta(hours=7), start)):
            conversations.ask(_actor(document), question)
            conversations.answer(document.id, answer, by=BY)
            _deliver()
    with clock.at(min(day + dt.timedelta(hours=9), start)):
        _finish(document, paper)
        _deliver()


def _finish(document: Document, paper: Paper) -> None:
    if paper.ending in {"accepted", "declined"}:
        answer = Answer(paper.ending)
        actor = _actor(document)
        seen = documents.find(document.id).current_revision
        decisions.decide(actor, answer, Signatory(actor.name, paper.po, paper.note), seen=seen)
    elif paper.ending == "by phone":
        decisions.record_offline(
            document.id, Answer.ACCEPTED, Signatory("Ana Pereira"), by=BY, note="Agreed by phone."
        )
    elif paper.ending == "void":
        documents.void(document.id, by=BY)


def _settle(start: dt.datetime) -> None:
    """What came in, went back and was credited, each on its day, and a statement of it all."""
    for receipt in sorted(RECEIPTS, key=lambda one: -one.days_ago):
        day = start - dt.timedelta(days=receipt.days_ago)
        data = json.dumps({"payments": [receipt.as_json(day.date())]}).encode()
        with clock.at(day):
            intake.import_file(data, receipt.organization, by=BY)
    for one in CREDITS:
        owner = team.find_organization(one.organization)
        note = documents.find_by_reference(owner.id, Kind.CREDIT_NOTE, one.credit_note)
        invoice = documents.find_by_reference(owner.id, Kind.INVOICE, one.invoice)
        transfer = Transfer(credit_note_id=note.id, invoice_id=invoice.id, amount=one.amount)
        if note.balance == note.payable:
            with clock.at(start - dt.timedelta(days=one.days_ago)):
                payments.allocate(transfer, by=BY)
    with clock.at(start - dt.timedelta(days=3)):
        today = clock.today(_ORGANIZATIONS["halden"].timezone or "UTC")
        document = statements.issue(
            team.find_organization("halden"),
            team.find_customer("halden", "10021"),
            Span(today - dt.timedelta(days=60), today),
            by=BY,
        )
        _send(document, "How our books stand.")


def _share_work() -> None:
    """Projects, files, proposals, a request, acceptances and hours, where they are not there yet;
    each in its time."""
    scenes = [
        *demo_projects.scenes(by=BY, browser=_BROWSER),
        *demo_files.scenes(by=BY),
        *_shared_papers(),
    ]
    for moment, play in sorted(scenes, key=lambda scene: scene[0]):
        with clock.at(moment):
            play()


def _shared_papers() -> Iterator[Scene]:
    start = clock.now()
    owner = team.find_organization("halden")
    known = set(db.session.scalars(sa.select(Document.number).where(
        Document.organization_id == owner.id, Document.kind.not_in(COMMERCIAL),
    )))  # fmt: skip
    for paper in demo_shared.papers(start):
        if paper.number in known:
            continue
        day = start - dt.timedelta(days=paper.days_ago)
        yield day, partial(_put_before, paper)
        yield day + dt.timedelta(hours=6), partial(_follow_up, paper)


def _put_before(paper: SharedPaper) -> None:
    _send(_import(paper, paper.content), paper.message, hours=_WEEKS)


def _follow_up(paper: SharedPaper) -> None:
    document = _document(paper.kind, paper.number)
    if paper.ending:
        signatory = Signatory(_actor(document).name)
        decisions.decide(_actor(document), Answer(paper.ending), signatory, seen=1)
    if paper.number == demo_shared.REQUEST:
        _answer_request(document)
    _deliver()


def _answer_request(document: Document) -> None:
    """Two of the items are answered: one answer is taken, of the other something is missing."""
    plan = (io.BytesIO(demo_shared.PLAN), "Heating pipes.csv")
    first = requests.answer(_actor(document), 1, "", plan, seen=1)
    second = requests.answer(_actor(document), 2, "Smoked, I think.", seen=1)
    requests.accept(document.id, 1, seen=first.id, by=BY)
    words = "Of which maker? There is a sample of three on the window sill."
    requests.return_(document.id, 2, seen=second.id, by=BY, remark=words)


def _shared_links() -> dict[str, str]:
    return {
        "proposal": _live_link(_document(Kind.PROPOSAL, demo_shared.PROPOSAL)),
        "request": _live_link(_document(Kind.REQUEST, demo_shared.REQUEST)),
        "acceptance": _live_link(_document(Kind.ACCEPTANCE, demo_shared.ACCEPTANCE)),
        "time_approval": _live_link(_document(Kind.TIME_APPROVAL, demo_shared.HOURS)),
    }


def _import(
    paper: Paper | SharedPaper, content: dict[str, Any], *, update: bool = False
) -> Document:
    data = json.dumps({"documents": [content]}).encode()
    done = intake.import_file(data, paper.organization, by=BY, update=update, draft=paper.draft)
    return documents.find(done[0].document_id or 0)


def _send(document: Document, message: str, *, hours: int | None = None) -> None:
    contacts = [one.id for one in sending.recipients(document.customer_id)]
    sending.send(document.id, contacts, by=BY, message=message, hours=hours)
    _deliver()


def _deliver() -> None:
    for mail_id in outbox.due():
        delivery.deliver(mail_id)


def _actor(document: Document) -> Actor:
    """The first contact of the customer, with the newest link they were mailed."""
    link = _newest_link(document.id)
    found = open_link(links.url_of(link).rpartition("/")[2], Purpose.DOCUMENT, _BROWSER)
    assert found is not None
    return found.actor


def _newest_link(document_id: int) -> PortalLink:
    first = (
        db.session.execute(
            sa.select(Contact.id)
            .join(Document, Document.customer_id == Contact.customer_id)
            .where(Document.id == document_id)
            .order_by(Contact.id)
        )
        .scalars()
        .first()
    )
    return db.session.execute(
        sa.select(PortalLink)
        .where(PortalLink.document_id == document_id, PortalLink.contact_id == first)
        .order_by(PortalLink.id.desc())
        .limit(1)
    ).scalar_one()


def _look(document: Document) -> None:
    quote = document.kind == Kind.QUOTE
    seen = Activity.VIEW_QUOTE if quote else Activity.VIEW_INVOICE
    entry = _actor(document).entry(seen, revision=document.current_revision)
    with unit_of_work():
        activity.record(entry)


# --- the links to click -----------------------------------------------------------------------


def _links() -> dict[str, str]:
    quote = _live_link(_document(Kind.QUOTE, "Q-2026-0142"))
    return {
        "quote": quote,
        "quote_legacy": quote.replace("/i/", "/portal/"),
        "quote_standalone": _standalone(_document(Kind.QUOTE, "Q-2026-0151")),
        "invoice": _live_link(_document(Kind.INVOICE, "INV-1091")),
        "expired": links.url_of(_newest_link(_document(Kind.INVOICE, "INV-1083").id)),
    }


def _document(kind: Kind, number: str) -> Document:
    owner = team.find_organization("halden")
    return documents.find_by_reference(owner.id, kind, number)


def _live_link(document: Document) -> str:
    """The newest mailed link; a new mail where it has run out since."""
    link = _newest_link(document.id)
    if not _is_live(link):
        _send(document, "")
        link = _newest_link(document.id)
    return links.url_of(link)


def _standalone(document: Document) -> str:
    found = (
        db.session.execute(
            sa.select(PortalLink)
            .where(PortalLink.document_id == document.id, PortalLink.purpose == Purpose.QUOTE)
            .order_by(PortalLink.id.desc())
        )
        .scalars()
        .first()
    )
    if found is not None and _is_live(found):
        return links.url_of(found)
    return links.copy(document.id, by=BY, purpose=Purpose.QUOTE, hours=24 * 14)


def _is_live(link: PortalLink) -> bool:
    open_ = link.is_active and not link.revoked_at and not link.ended_at
    return open_ and (link.expires_at is None or link.expires_at > clock.now())
