"""A2, T3: every page, id and file of each customer, asked for by every other: it is not there.

The routes are read from the application, so that a page that is added later is tried as well.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from portico.db import db, make_engine
from portico.queries.lists import SECTIONS
from portico.records.content import Kind
from portico.services import files, projects
from portico.services.files import Place
from portico.services.projects import ProjectFace
from tests.cast import BEA, CHIYO, MARIT, OLAF, Company, Person
from tests.client import Answer, Visitor

EVERYBODY = (MARIT, OLAF, CHIYO, BEA)
_GAP = re.compile(r"<(?:[a-z]+(?:\([^)]*\))?:)?([a-z_0-9]+)>")
# Names that only the person's own pages may hold.
ODD = ("0", str(2**63), "9" * 30, "-1")
NOTHING: list[tuple[int, str | None]] = [(404, None)]
# The bell leads on to what it speaks of; from a line that is not there, to the list of lines.
NOTHING += [(303, f"{root}/customer-portal/notifications") for root in ("", "/t/bolt")]
MARKS = {person: f"Only {person.name.split()[0]} may see this" for person in EVERYBODY}


@dataclass
class Room:
    """A customer with an account, and one of everything."""

    company: Company
    person: Person
    visitor: Visitor
    ids: set[str]  # of whatever there is
    documents: dict[str, str]  # ids by section


@pytest.fixture
def rooms(stage):
    """Everybody has documents of every kind, an account, and a browser."""
    found = []
    sections = {kind: name for name, section in SECTIONS.items() for kind in section.kinds}
    for number, person in enumerate(EVERYBODY):
        company = stage.company_of(person)
        company.set_organization(
            person.organization,
            sections="orders,projects,proposals,requests,acceptances,documents,time",
        )
        documents = {}
        for kind in Kind:
            document = company.document(
                person,
                kind,
                title=MARKS[person],
                number=f"{kind.value[:3]}-{number}".upper(),
                external_id=f"{person.customer}-{kind}",
            )
            if kind in sections:
                documents[sections[kind]] = str(document)
        _project(company, person)
        visitor = company.account(person, address=f"203.0.113.{number}")
        found.append(Room(company, person, visitor, _ids_of(company, person), documents))
    return found


def _project(company: Company, person: Person) -> None:
    """A project with everything in it that a customer reads."""
    customer = company.customer(person)
    with company.scope():
        face = ProjectFace(name=MARKS[person], description=MARKS[person])
        made = projects.create(customer.organization_id, customer.id, face, by="Kari")
        projects.add_task(made.id, MARKS[person], by="Kari")
        projects.comment_by_staff(made.id, MARKS[person], by="Kari")
        place = Place(customer.organization_id, customer.id, made.id)
        source = io.BytesIO(b"a,b\n1,2\n")
        files.add([(source, f"{MARKS[person]}.csv")], place, by="Kari", shared=True)


def _ids_of(company: Company, person: Person) -> set[str]:
    """Every id, and every hash and key, in every row that belongs to the person's customer."""
    customer = company.customer(person).id
    engine = make_engine(company.database_url)
    ids: set[str] = set()
    with engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            if "customer_id" not in table.c or "id" not in table.c:
                continue
            query = sa.select(table.c.id).where(table.c.customer_id == customer)
            ids |= {str(one) for one in connection.execute(query).scalars()}
    engine.dispose()
    return ids


def _paths(app: Any, room: Room, method: str) -> set[str]:
    """Each address of the portal that names something, for what there is in a room."""
    paths = set()
    for rule in app.url_map.iter_rules():
        gaps = _GAP.findall(rule.rule)
        if not rule.endpoint.startswith("customer_portal.") or method not in (rule.methods or ()):
            continue
        if "section" in gaps:
            meant = list(room.documents.items())
        else:
            meant = [("", one) for one in room.ids]
        for section, one in meant if set(gaps) - {"section"} else ():
            values = dict.fromkeys(gaps, one) | {"position": "1", "section": section}
            paths.add(_filled(rule.rule, values))
    return paths


def _filled(path: str, values: dict[str, str]) -> str:
    return _GAP.sub(lambda gap: values[gap[1]], path)


def _kept(company: Company) -> dict[str, Any]:
    """Everything but when a session was last used."""
    return {name: rows for name, rows in company.dump().items() if not name.endswith("_sessions")}


def _own_site(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {"Origin": f"{parts.scheme}://{parts.netloc}", "Sec-Fetch-Site": "same-origin"}


def _looks(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.headers.get("Location")


def test_the_outsider_is_led_to_the_sign_in_page_everywhere(stage, rooms):
    room = rooms[0]
    paths = _paths(stage.app, room, "GET") | _paths(stage.app, room, "POST")
    assert len(paths) >= 20
    for path in paths:
        for ask in (stage.visitor().get, stage.visitor().post):
            answer = ask(room.company.public_url + path)
            assert answer.status in {303, 404, 405}, path
            if answer.status == 303:
                assert "/customer-portal/login" in answer.location


def test_nobody_opens_what_is_somebody_elses(stage, rooms, clock):
    """In one tenant ids differ; in two they are the same numbers for different things."""
    for room in rooms:
        token = room.visitor.get(f"{room.company.portal}/logout").form("/logout")[1]
        form = token | {"name": "Mallory", "revision": "1", "question": "?", "body": "?"}
        nowhere = Room(room.company, room.person, room.visitor, set(ODD), {})
        own, before = _paths(stage.app, room, "GET"), _kept(room.company)
        foreign = [mark for person, mark in MARKS.items() if person is not room.person]
        for other in [one for one in rooms if one is not room] + [nowhere]:
            for method in ("GET", "POST"):
                for path in _paths(stage.app, other, method) - own:
                    clock.advance(seconds=3)  # guesses are limited as well
                    url = room.company.public_url + path
                    answer = room.visitor.ask(
                        method, url, form if method == "POST" else None, headers=_own_site(url)
                    )
                    assert _looks(answer) in NOTHING, (room.person.name, method, path)
                    assert not any(mark in answer.source for mark in foreign)
        assert _kept(room.company) == before


def test_lists_and_pages_show_ones_own_and_nothing_of_others(stage, rooms):
    """Every page without an id, and the search, as each of them; and each of one's own."""
    paths = [
        rule.rule
        for rule in stage.app.url_map.iter_rules()
        if rule.endpoint.startswith("customer_portal.")
        and not _GAP.search(rule.rule)
        and "GET" in (rule.methods or ())
    ]
    for room in rooms:
        others = [person for person in EVERYBODY if person is not room.person]
        for path in paths:
            answer = room.visitor.get(
                f"{room.company.public_url}{path}?q=-&customer_id=1&org={room.person.organization}"
            )
            assert answer.status in {200, 303, 400, 404, 410, 422}, path
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                for person in others:
                    assert MARKS[person] not in answer.source
                    assert person.customer not in answer.source
                    assert person.email not in answer.source
        own = [
            room.visitor.get(room.company.public_url + path).status
            for path in _paths(stage.app, room, "GET")
            if path.count("/") == 3
        ]
        assert own.count(200) >= 3, room.person.name  # or nothing above would prove anything
