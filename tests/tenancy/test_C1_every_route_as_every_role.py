"""C1: every address of the console, as everybody: guests, customers, each role, the neighbours.

Found by walking the map of addresses, so that a new view is covered the moment it is there.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote_plus, urljoin

from blueprints.console.gate import HALFWAY
from portico import clock
from portico.records.account import PortalAccount
from portico.records.customer import Customer
from portico.records.link import PortalLink
from portico.records.organization import Section
from portico.records.payment import PaymentKind
from portico.records.project import ProjectShare, Task
from portico.records.staff import Permission, Role, StaffMember, StaffSession
from portico.services import files, invitations, payments, projects, shares, team
from portico.services.files import Place
from portico.services.payments import Money
from portico.services.projects import ProjectFace
from portico.services.shares import Shows
from portico.web.ways import GUESTS_ONLY, OPEN
from tests.cast import CHIYO, MARIT, OLAF, PASSWORD, Company
from tests.client import Answer, Visitor

ENTRANCE = GUESTS_ONLY | OPEN | HALFWAY
REFUSED = "Your role does not cover this"
# What else a part of an address may be, where it is no id.
WORDS = {"kind": "quote", "section": "quotes", "design": "nobodys", "what": "tasks"}
# Where there is nothing for the records below, and so a 404 for whoever may look.
NOTHING_THERE = (
    "/files/<int:position>",
    "/<design>.pdf",
    "/<design>.png",
    "/uploads/<int:file_id>",
)
# Where the record may ask for more than the view does, and why.
ASKS_FOR_MORE = {
    "/staff/customers/<int:customer_id>/contacts/<int:contact_id>/edit": "the address of an account"
}
# What a field may hold that no form of ours put there, as it stands in a body.
HOSTILE = ("x" * 10_000, str(10**30), "%C2%B2", "-1", "9999-12-31")
NUL = "a%00b"  # what PostgreSQL does not even take to look for
FORM = "application/x-www-form-urlencoded"
_PART = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Way:
    """One address with one method, and what it needs."""

    method: str
    rule: str
    permissions: tuple[Permission, ...]

    @property
    def has_ids(self) -> bool:
        return "<int:" in self.rule

    def path(self, ids: dict[str, int]) -> str:
        """With *ids* of records in it. A new kind of id has to be made known to :func:`_ids`."""
        return _PART.sub(
            lambda part: str(ids[part[2]] if part[1] == "int" else WORDS[part[2]]), self.rule
        )


def _ways(app) -> list[Way]:
    found = []
    for rule in app.url_map.iter_rules():
        blueprint, _, name = rule.endpoint.rpartition(".")
        if blueprint != "console" or name in ENTRANCE:
            continue
        permissions = getattr(app.view_functions[rule.endpoint], "permissions", ())
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            found.append(Way(method, rule.rule, permissions))
    # What only looks comes first.
    return sorted(found, key=lambda way: (way.method, way.rule))


def _ids(company: Company) -> dict[str, int]:
    """Records of halden in every table that an address may name, and every section switched on."""
    company.set_organization(MARIT.organization, sections=[section.value for section in Section])
    quote, link = company.quote(MARIT)
    mail = company.mails()[-1].id
    company.stage.visitor().post(f"{link}/accept", {"name": MARIT.name, "revision": "1"})
    company.account(MARIT)
    company.staff(Role.VIEWER, name="Nils", email="nils@halden.example")
    with company.scope():
        money = Money(PaymentKind.PAYMENT, 500, "EUR", clock.today("UTC"), "PAY-1")
        payment = payments.record(company.customer(MARIT).id, money, by="Kari").id
        project = _project(company)
        file = _file(company.customer(MARIT), project, quote)
        batch = invitations.start(company.customer(MARIT).organization_id, by="Kari").id
    newest = {
        "link_id": PortalLink,
        "part_id": Task,
        "share_id": ProjectShare,
        "account_id": PortalAccount,
        "staff_id": StaffMember,
        "session_id": StaffSession,
    }
    return {name: company.rows(model)[-1].id for name, model in newest.items()} | {
        "document_id": quote,
        "mail_id": mail,
        "batch_id": batch,
        "payment_id": payment,
        "position": 1,
        "customer_id": company.customer(MARIT).id,
        "contact_id": company.contact(MARIT).id,
        "project_id": project,
        "file_id": file,
    }


def _project(company: Company) -> int:
    """A project of Marit's with a task and a share; its id."""
    customer = team.find_customer(MARIT.organization, MARIT.customer)
    face = ProjectFace(name="Boathouse")
    made = projects.create(customer.organization_id, customer.id, face, by="Kari")
    projects.add_task(made.id, "Take measures", by="Kari")
    shares.issue(made.id, Shows(), by="Kari")
    return made.id


def _file(customer: Customer, project_id: int, document_id: int) -> int:
    """A file that lies in the project and with the document; its id."""
    place = Place(customer.organization_id, customer.id, project_id, document_id)
    return files.add([(io.BytesIO(b"a,b\n1,2\n"), "plan.csv")], place, by="Kari")[0].id


def _ask(visitor: Visitor, way: Way, base: str, ids: dict[str, int], **form: str) -> Answer:
    url = base + way.path(ids)
    return visitor.get(url) if way.method == "GET" else visitor.post(url, form)


def _token(visitor: Visitor, company: Company) -> str:
    _action, fields = visitor.get(f"{company.console}/logout").form("/logout")
    return str(fields["csrf_token"])


def _forms(page: Answer) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each form that changes something, as its last button sends it: its address and its fields."""
    for form in page.tree.iter("form"):
        if form.method == "POST":
            button = list(form.iter("button"))[-1]
            pressed = [(button.get("name"), button.get("value"))] if button.get("name") else []
            yield form.get("action"), form.form_values() + pressed


def _disguised(company: Company) -> Iterator[Visitor]:
    """Whoever is signed in elsewhere, with those cookies by the name that the team's has."""
    for other in (company.account(OLAF), company.stage.bolt.staff()):
        visitor = company.stage.visitor()
        for value in other.cookies().values():
            visitor.keep("__Host-portico_staff", value, company.public_url)
        yield visitor


def test_every_view_says_what_it_needs(stage):
    assert [way.rule for way in _ways(stage.app) if not way.permissions] == []
    assert len(_ways(stage.app)) > 15


def test_guests_and_customers_are_sent_to_the_entrance_and_change_nothing(stage):
    ids = _ids(stage.acme)
    guest, customer = stage.visitor(), stage.acme.account(OLAF)
    before = stage.acme.dump()
    for visitor, way in itertools.product((guest, customer), _ways(stage.app)):
        answer = _ask(visitor, way, stage.acme.public_url, ids)
        assert answer.status == 303, way
        assert answer.location.startswith(f"{stage.acme.console}/login"), way
    assert stage.acme.dump() == before


def test_cookies_of_customers_and_of_other_tenants_teams_are_nothing_here(stage):
    for visitor in _disguised(stage.acme):
        for page in ("/", "/team", "/you"):
            answer = visitor.get(f"{stage.acme.console}{page}")
            assert answer.location.startswith(f"{stage.acme.console}/login")
        assert visitor.get(f"{stage.acme.console}/login").status == 200


def test_between_password_and_code_nothing_is_reached(stage):
    ids, visitor = _ids(stage.acme), stage.acme.staff()
    stage.acme.app_of("owner@halden.example")
    halfway = stage.visitor()
    halfway.sign_in(stage.acme.public_url, "owner@halden.example", PASSWORD, door="staff")
    token, before = _token(halfway, stage.acme), stage.acme.dump()
    for way in _ways(stage.app):
        answer = _ask(halfway, way, stage.acme.public_url, ids, csrf_token=token)
        assert (answer.status, answer.location) == (303, f"{stage.acme.console}/second-factor"), way
    assert stage.acme.dump() == before
    assert visitor.get(f"{stage.acme.console}/").location.startswith(f"{stage.acme.console}/login")


def test_a_role_reaches_what_its_permissions_say_and_no_more(stage):
    ids, base = _ids(stage.acme), stage.acme.public_url
    people = {role: stage.acme.staff(role) for role in Role}
    tokens = {role: _token(visitor, stage.acme) for role, visitor in people.items()}
    before, allowed = stage.acme.dump(), []
    for role, way in itertools.product(Role, _ways(stage.app)):
        may = role.permissions.intersection(way.permissions)
        if may and way.method == "POST":
            allowed.append((role, way))
            continue
        answer = _ask(people[role], way, base, ids, csrf_token=tokens[role])
        if may:
            missing = way.rule.endswith(NOTHING_THERE)
            assert answer.status in ({404} if missing else {200, 302, 303}), (role, way)
        else:
            assert (answer.status, answer.heading) == (403, REFUSED), (role, way)
    assert stage.acme.dump() == before, "what was refused, and what only looks, changed something"
    for role, way in allowed:  # an empty form: whatever comes of it, it is not the role
        answer = _ask(people[role], way, base, ids, csrf_token=tokens[role])
        assert answer.status != 403 or way.rule in ASKS_FOR_MORE, (role, way)


def test_a_form_without_its_token_changes_nothing(stage):
    ids, visitor = _ids(stage.acme), stage.acme.staff()
    before = stage.acme.dump()
    for way in _ways(stage.app):
        if way.method == "POST":
            answer = _ask(visitor, way, stage.acme.public_url, ids)
            assert (answer.status, answer.heading) == (
                403, "Please try again from the page itself",
            ), way  # fmt: skip
    assert stage.acme.dump() == before


def test_what_belongs_to_another_organization_is_not_found(stage):
    ids = _ids(stage.acme)
    stage.acme.quote(CHIYO)
    neighbour = stage.acme.staff(Role.OWNER, "brightwater")
    owner = stage.acme.staff(Role.OWNER)
    huge = dict.fromkeys(ids, 2**64)
    before = stage.acme.dump()
    for visitor, given in ((neighbour, ids), (owner, huge)):
        token = _token(visitor, stage.acme)
        for way in _ways(stage.app):
            if way.has_ids:
                answer = _ask(visitor, way, stage.acme.public_url, given, csrf_token=token)
                assert answer.status == 404, way
    assert stage.acme.dump() == before


def test_no_form_falls_over_what_is_typed(raise_curtain, clock):
    """Field by field, and whatever follows; the strict reader looks at each answer."""
    stage = raise_curtain("postgres")  # which is the stricter of the two
    ids, owner, hostile = _ids(stage.acme), stage.acme.staff(), itertools.cycle(HOSTILE)
    posted = set()
    for way in _ways(stage.app):
        if way.method == "POST" or way.rule.endswith(("pdf", "csv", "receipt")):
            continue
        page = _ask(owner, way, stage.acme.public_url, ids)
        for action, fields in _forms(page) if page.is_html else ():
            for victim in sorted({name for name, _ in fields} - {"csrf_token"}):
                if (action, victim) in posted:
                    continue
                posted.add((action, victim))
                for bad in (NUL, next(hostile)):
                    values = (bad if name == victim else quote_plus(text) for name, text in fields)
                    names = (name for name, _ in fields)
                    body = "&".join(map("=".join, zip(names, values, strict=True)))
                    owner.post(urljoin(page.url, action), body, content_type=FORM)
    assert len(posted) > 150
