"""A standing cast, and an installation for it to act in.

Two tenants. In *acme*, two organizations: *halden*, whose customers are Marit's Fjordhus and
Olaf's Tinde Bygg, and *brightwater*, whose customer is Chiyo's Kumo. In *bolt*, an organization
that is called *halden* too, with Bea's Norrsken. Mallory belongs nowhere and never gets in.

Everything is made by the real services, delivered by the real worker over real SMTP, and links
are taken out of the mails that arrived.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyotp
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from app import create_app
from portico import clock as portico_clock
from portico import config, worker
from portico.db import control_unit, db, engines, unit_of_work
from portico.records.activity import AccessLog
from portico.records.content import DocumentContent, Kind
from portico.records.customer import Contact, Customer
from portico.records.document import Document, Rendition
from portico.records.link import PortalLink, Purpose
from portico.records.mail import Mail
from portico.records.staff import Role
from portico.records.tenant import Tenant
from portico.services import (
    accounts,
    activity,
    colleagues,
    delivery,
    documents,
    links,
    outbox,
    second_factor,
    sending,
    staff,
    team,
    tenants,
)
from portico.services.documents import Draft
from portico.services.team import OrganizationFace
from portico.services.tenants import tenant_scope
from tests.client import Visitor
from tests.servers import Inbox, Received

ROOT = Path(__file__).resolve().parents[1]
KEY = "a-key-for-tests-alone-0123456789-abcdefghij"
LINK = re.compile(r"https?://[^\s\"'<>]+/(?:i|q)/[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
WAY_IN = re.compile(
    r"https?://[^\s\"'<>]+/(?:customer-portal|staff)/(?:setup|reset-password)"
    r"\?token=[A-Za-z0-9_-]{43}"
    r"(?![A-Za-z0-9_-])"
)
PASSWORD = "the boathouse floor creaks"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    customer: str
    organization: str
    tenant: str


MARIT = Person("Marit Solberg", "marit@fjordhus.example", "Fjordhus AS", "halden", "acme")
OLAF = Person("Olaf Berg", "olaf@tinde.example", "Tinde Bygg", "halden", "acme")
CHIYO = Person("Chiyo Tanaka", "chiyo@kumo.example", "Kumo Ltd", "brightwater", "acme")
BEA = Person("Bea Lindqvist", "bea@norrsken.example", "Norrsken AB", "halden", "bolt")
PEOPLE = (MARIT, OLAF, CHIYO, BEA)

STAFF = {
    ("acme", "halden"): "office@halden.example",
    ("acme", "brightwater"): "desk@brightwater.example",
    ("bolt", "halden"): "team@bolt.example",
}
# acme has a host of its own; bolt lives below a path.
PUBLIC_URLS = {"acme": "https://acme.portal.example", "bolt": "https://portal.example/t/bolt"}


class TestClock:
    """A clock that stands still until it is told to move."""

    __test__ = False

    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 11, 12, 9, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.moment

    def advance(self, **delta: float) -> None:
        self.moment += dt.timedelta(**delta)

    def set(self, *parts: int) -> None:
        """To a UTC moment."""
        year, month, day, *rest = parts
        self.moment = dt.datetime(year, month, day, *rest, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


# --- what documents say ----------------------------------------------------------------------

LINES = (
    {"name": "Oak floor, brushed", "quantity": "42", "unit": "MTK", "price": "78.50", "amount": "3297"},
    {"name": "Laying and sanding", "quantity": "16", "unit": "HUR", "price": "92", "amount": "1472"},
    {"name": "Skirting board", "quantity": "43", "unit": "MTR", "price": "4.96", "amount": "213.28"},
)  # fmt: skip


def content_for(person: Person, kind: Kind = Kind.QUOTE, **changes: Any) -> DocumentContent:
    """Three lines and their tax, 6,227.85 EUR in all, from the person's organization to them."""
    today = portico_clock.today("Europe/Oslo")
    tax = {"code": "S", "percent": "25", "scheme": "VAT"}
    values: dict[str, Any] = {
        "kind": kind,
        "number": {"quote": "Q-2041", "invoice": "INV-1007"}.get(kind, f"{kind[:3].upper()}-1"),
        "title": "New floor for the boathouse",
        "currency": "EUR",
        "issued_on": today,
        "seller": {"name": "Halden Carpentry"},
        "buyer": {"name": person.customer},
        "lines": [{**line, "tax_categories": [tax]} for line in LINES],
        "taxes": [{"category": tax, "taxable": "4982.28", "amount": "1245.57"}],
        "totals": {"net": 498228, "tax": 124557, "gross": 622785, "payable": 622785},
        "notes": ["The old floor is taken up by the customer."],
    }
    if kind is Kind.QUOTE:
        values["valid_until"] = today + dt.timedelta(days=14)
    if kind is Kind.INVOICE:
        values["due_on"] = today + dt.timedelta(days=14)
    if kind is Kind.STATEMENT:
        values |= {
            "lines": [],
            "taxes": [],
            "totals": {"payable": 622785},
            "statement": {
                "period": {"start": today - dt.timedelta(days=30), "end": today},
                "opening": 0,
                "entries": [
                    {"on": today, "kind": "Invoice", "number": "INV-1007", "amount": 622785,
                     "balance": 622785},
                ],
                "closing": 622785,
            },
        }  # fmt: skip
    return DocumentContent.model_validate(values | changes)


def dearer(content: DocumentContent, cents: int = 10_000, **changes: Any) -> DocumentContent:
    """The same with one line that costs *cents* more, before tax of 25 %."""
    values = content.model_dump(mode="json")
    line = values["lines"][1]
    line["amount"] = str(Decimal(line["amount"]) + Decimal(cents) / 100)
    line["price"] = str(Decimal(line["amount"]) / Decimal(line["quantity"]))
    totals = values["totals"]
    totals["net"] += cents
    totals["tax"] += cents // 4
    totals["gross"] = totals["payable"] = totals["net"] + totals["tax"]
    values["taxes"][0]["taxable"] = str(Decimal(totals["net"]) / 100)
    values["taxes"][0]["amount"] = str(Decimal(totals["tax"]) / 100)
    return DocumentContent.model_validate(values | changes)


# --- the installation ------------------------------------------------------------------------


class Company:
    """One tenant, and what its team does."""

    def __init__(self, stage: Stage, slug: str) -> None:
        self.stage = stage
        self.slug = slug
        self.public_url = PUBLIC_URLS[slug]

    @contextmanager
    def scope(self) -> Iterator[None]:
        with tenant_scope(self.stage.app, self.slug):
            yield

    def settle(self, person: Person) -> None:
        """Make the person a contact of their customer."""
        with self.scope():
            team.create_customer(person.organization, person.customer)
            team.add_contact(person.organization, person.customer, person.name, person.email)

    def document(
        self,
        person: Person,
        kind: Kind = Kind.QUOTE,
        *,
        content: DocumentContent | None = None,
        external_id: str | None = None,
        post: bool = True,
        **changes: Any,
    ) -> int:
        """A document for the person's customer; returns its id."""
        content = content or content_for(person, kind, **changes)
        with self.scope(), unit_of_work():
            organization = team.find_organization(person.organization)
            customer = team.find_customer(person.organization, person.customer)
            draft = Draft(content, external_id or content.number, post=post)
            return documents.add(draft, organization, customer, by="Kari").id

    def revise(self, document_id: int, content: DocumentContent) -> None:
        with self.scope(), unit_of_work():
            document = documents.find(document_id)
            draft = Draft(content, document.external_id)
            documents.revise(document, draft, by="Kari", reason="asked for")

    def content(self, document_id: int) -> DocumentContent:
        with self.scope():
            return documents.current_content(documents.find(document_id))

    def contact(self, person: Person) -> Contact:
        with self.scope():
            customer = team.find_customer(person.organization, person.customer)
            return team.find_contact(customer, person.email)

    def customer(self, person: Person) -> Customer:
        with self.scope():
            return team.find_customer(person.organization, person.customer)

    def send(self, document_id: int, *people: Person, **options: Any) -> None:
        """Queue the mails; ``stage.deliver()`` sends them."""
        contacts = [self.contact(person).id for person in people]
        with self.scope():
            sending.send(document_id, contacts, by="Kari", **options)

    def mailed(self, document_id: int, person: Person, **options: Any) -> str:
        """Send to one person, deliver, and take the link out of the mail that arrived."""
        self.send(document_id, person, **options)
        self.stage.deliver()
        return self.stage.link_to(person)

    def quote(self, person: Person = MARIT, **changes: Any) -> tuple[int, str]:
        """A quote in the person's hands: its id and the link in their mail."""
        document_id = self.document(person, **changes)
        return document_id, self.mailed(document_id, person)

    def invite(self, person: Person) -> str:
        """Invite a contact and deliver; the way in from the mail that arrived."""
        contact = self.contact(person).id
        with self.scope():
            accounts.invite(contact, by="Kari")
        self.stage.deliver()
        return self.stage.way_in(person)

    def account(
        self,
        person: Person = MARIT,
        password: str = PASSWORD,
        *,
        address: str = "203.0.113.7",
        **headers: str,
    ) -> Visitor:
        """Invite a contact, set the account up by the mailed link; their browser, signed in."""
        visitor = self.stage.visitor(address, **headers)
        done = visitor.fill_in(self.invite(person), {"password": password, "again": password})
        assert done.status == 303, done.text
        return visitor

    def hire(
        self,
        role: Role = Role.OWNER,
        organization: str = "halden",
        *,
        name: str | None = None,
        email: str | None = None,
    ) -> str:
        """A new member of the team, invited; the way in from the mail that arrived."""
        email = email or f"{role}@{organization}.example"
        with self.scope():
            place = team.find_organization(organization).id
            colleagues.invite(name or f"{role.title()} Nilsen", email, place, role, by="Kari")
            delivery.deliver(self.mails()[-1].id)  # this one: others may have to wait
        return self.stage.way_in(email)

    def staff(
        self,
        role: Role = Role.OWNER,
        organization: str = "halden",
        *,
        name: str | None = None,
        email: str | None = None,
        password: str = PASSWORD,
        address: str = "203.0.113.7",
        **headers: str,
    ) -> Visitor:
        """A new member of the team, invited and set up by the mailed link; their browser,
        signed in to the console. Their address is <role>@<organization>.example."""
        visitor = self.stage.visitor(address, **headers)
        way_in = self.hire(role, organization, name=name, email=email)
        done = visitor.fill_in(way_in, {"password": password, "again": password})
        assert done.status == 303, done.text
        return visitor

    def app_of(self, email: str, password: str = PASSWORD) -> tuple[pyotp.TOTP, list[str]]:
        """Switch somebody's second factor on: the app on their phone, and the recovery codes."""
        with self.scope():
            staff_id = staff.find(email).id
            second_factor.begin(staff_id, password, by="Kari", organization_id=1)
            secret = second_factor.pending(staff_id)
            assert secret is not None
            app = pyotp.TOTP(secret.text)
            code = app.at(portico_clock.now() - dt.timedelta(seconds=30))
            return app, second_factor.confirm(staff_id, code, by="Kari", organization_id=1)

    @property
    def console(self) -> str:
        """Where the console's pages begin."""
        return f"{self.public_url}/staff"

    @property
    def portal(self) -> str:
        """Where the account portal's pages begin."""
        return f"{self.public_url}/customer-portal"

    def copy(self, document_id: int, purpose: Purpose = Purpose.DOCUMENT, **options: Any) -> str:
        with self.scope():
            return links.copy(document_id, by="Kari", purpose=purpose, **options)

    def read(self, document_id: int) -> Document:
        with self.scope():
            return documents.find(document_id)

    def rows(self, model: Any) -> list[Any]:
        """All records of a table, by id."""
        with self.scope():
            return list(db.session.execute(sa.select(model).order_by(model.id)).scalars())

    def links(self) -> list[PortalLink]:
        return self.rows(PortalLink)

    def mails(self) -> list[Mail]:
        return self.rows(Mail)

    def kept_pdfs(self) -> int:
        with self.scope():
            return db.session.scalar(sa.select(sa.func.count(Rendition.key))) or 0

    def log(self) -> list[AccessLog]:
        """The activity log, with what was spooled brought in."""
        with self.scope():
            activity.flush()
        return self.rows(AccessLog)

    def set_organization(self, slug: str, **face: Any) -> None:
        with self.scope():
            team.change_organization(slug, OrganizationFace(**face))

    def execute(self, statement: str, **values: Any) -> None:
        """SQL behind the application's back, as a thief or a careless administrator would."""
        with self._connected() as connection:
            connection.execution_options(portico_writes=True)
            connection.execute(sa.text(statement), values)
            connection.commit()

    @property
    def database_url(self) -> str:
        return self.stage.database_of(self.slug)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the database but the log of views, and PDFs kept for the next reader."""
        passed_over = {"portal_access_logs", "activity_names", "activity_chain", "renditions"}
        with self._connected() as connection:
            return {
                table.name: sorted(
                    (tuple(row) for row in connection.execute(table.select())), key=repr
                )
                for table in db.metadata.sorted_tables
                if table.name not in passed_over
            }

    @contextmanager
    def kept(self, table: str) -> Iterator[None]:
        """Keep what a table has under ``as_it_was``, as long as the block runs."""
        self.execute(f"CREATE TABLE as_it_was AS SELECT * FROM {table}")
        try:
            yield
        finally:
            self.execute("DROP TABLE as_it_was")

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        with self.stage.app.app_context():
            engine = engines().get(self.database_url)
        with engine.connect() as connection:
            yield connection


class Stage:
    """One installation in a folder of its own, with both tenants and everybody in them."""

    inbox: Inbox  # where its mail arrives

    def __init__(
        self, folder: Path, mail_server: str, pattern: Path | None = None, **settings: str
    ) -> None:
        self.folder = folder
        # Templates are compiled once for all tests.
        self._bytecode = (pattern or folder).with_name("bytecode")
        self._bytecode.mkdir(exist_ok=True)
        if pattern:
            shutil.copytree(pattern, folder, dirs_exist_ok=True)
        self.environment = {
            "PORTICO_INSTANCE": str(folder),
            "PORTICO_SECRET_KEYS": KEY,
            "PORTICO_SMTP_URL": mail_server,
            "PORTICO_SMTP_TIMEOUT": "5",
            "PORTICO_MAIL_FROM": "portal@portal.example",
            "PORTICO_MAIL_LEASE": "30",
            "PORTICO_PASSWORD_COST": "4",
            **settings,
        }
        self.app = self.start()
        self.servers: dict[int, subprocess.Popen[bytes]] = {}  # by port
        self.acme = Company(self, "acme")
        self.bolt = Company(self, "bolt")

    def start(self) -> Flask:
        """The application as another process would start it."""
        app = create_app(config.load(self.environment))
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(self._bytecode))
        return app

    def settle(self, company: Company, database: str | None = None) -> None:
        """A tenant with its organizations, customers and contacts."""
        slug = company.slug
        hosts = ("acme.portal.example",) if slug == "acme" else ()
        with self.app.app_context():
            tenants.create(slug, slug.title(), company.public_url, hosts=hosts, url=database)
        for (tenant, organization), email in STAFF.items():
            if tenant == slug:
                self._organization(company, organization, email)
        for person in PEOPLE:
            if person.tenant == slug:
                company.settle(person)

    def move(self, company: Company, database: str) -> None:
        """Point a tenant to another database that holds the same."""
        self._change(company, database_url=database)

    def open_at(self, company: Company, public_url: str) -> None:
        """Give a tenant another public address."""
        company.public_url = public_url
        self._change(company, public_url=public_url)

    def _change(self, company: Company, **values: str) -> None:
        which = Tenant.slug == company.slug
        with self.app.app_context():
            with control_unit() as connection:
                connection.execute(sa.update(Tenant).where(which).values(**values))
            tenants.directory().forget()

    @staticmethod
    def _organization(company: Company, slug: str, email: str) -> None:
        with company.scope():
            team.create_organization(
                slug,
                OrganizationFace(
                    name=f"{slug.title()} of {company.slug.title()}",
                    email=email,
                    timezone="Europe/Oslo",
                    next_steps="We order the oak today and call you about the day.",
                    payment_instructions="To NO93 8601 1117 947.",
                ),
            )

    def company_of(self, person: Person) -> Company:
        return self.acme if person.tenant == "acme" else self.bolt

    def database_of(self, slug: str) -> str:
        """The URL of a tenant's database."""
        with self.app.app_context():
            tenant = tenants.directory().by_slug(slug)
            assert tenant is not None
            return str(tenant.database_url)

    def deliver(self) -> int:
        """Send every message that is due; returns how many were tried."""
        tried = 0
        for company in (self.acme, self.bolt):
            with company.scope():
                for mail_id in outbox.due():
                    delivery.deliver(mail_id)
                    tried += 1
        return tried

    def work(self) -> int:
        """A whole round of the worker: mails out, PDFs made ahead, stray activity brought in."""
        return worker.sweep(self.app)

    def letters_to(self, address: Person | str) -> list[Received]:
        """Mails that arrived at an address, oldest first."""
        email = address if isinstance(address, str) else address.email
        return [one for one in self.inbox.messages if email in one.recipients]

    def link_to(self, person: Person) -> str:
        """The link in the newest mail to a person."""
        return link_in(self.letters_to(person)[-1])

    def way_in(self, address: Person | str) -> str:
        """The link to set a password in the newest mail to a person that has one."""
        for letter in reversed(self.letters_to(address)):
            found: set[str] = {link for part in bodies(letter) for link in WAY_IN.findall(part)}
            if found:
                assert len(found) == 1, f"{len(found)} ways in in one mail"
                return found.pop()
        raise AssertionError(f"no way in was mailed to {address}")

    def visitor(self, address: str = "203.0.113.7", **headers: str) -> Visitor:
        """Somebody with a browser at an address of the network."""
        return Visitor(self.app, address, headers)

    def command(self, *words: str, tenant: str | None = "acme") -> Result:
        """``flask <words>``, in this process."""
        within = ("--tenant", tenant) if tenant else ()
        return self.app.test_cli_runner().invoke(args=[*words, *within])

    def process(
        self, *words: str, log: Path | None = None, **settings: str
    ) -> subprocess.Popen[bytes]:
        """``flask <words>`` as a process of its own."""
        return self.spawn([sys.executable, "-m", "flask", "--app", "app", *words], log, **settings)

    def spawn(
        self, command: list[str], log: Path | None = None, **settings: str
    ) -> subprocess.Popen[bytes]:
        log = log or self.folder.parent / "process.log"
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                # Not a setting of the house: where the programs of this machine are found.
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "PYTHONPATH": str(ROOT),
                    "PYTHONUNBUFFERED": "1",
                    **self.environment,
                    **settings,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def processes_at(self, port: int) -> list[int]:
        """The server process on a port, and those it started."""
        first = self.servers[port].pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def close(self) -> None:
        close(self.app)


def close(app: Flask) -> None:
    """Let go of an application's threads and connections."""
    app.extensions["portico.spool"].close()
    with app.app_context():
        engines().dispose()
        for engine in db.engines.values():
            engine.dispose()


def link_in(letter: Received) -> str:
    """The one link of a letter; text and HTML say the same."""
    found: set[str] = {link for part in bodies(letter) for link in LINK.findall(part)}
    assert len(found) == 1, f"{len(found)} links in {letter.message['Subject']!r}"
    return found.pop()


def bodies(letter: Received) -> list[str]:
    """The text and the HTML of a letter."""
    parts = [letter.message.get_body((kind,)) for kind in ("plain", "html")]
    return [str(part.get_content()) for part in parts if part is not None]


def token_of(link: str) -> str:
    return link.rpartition("/")[2]
