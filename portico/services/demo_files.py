"""The demonstration's files: what Fjordhus finds under Documents."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from functools import partial

import sqlalchemy as sa

from portico import clock
from portico.db import db
from portico.records.file import StoredFile
from portico.records.project import Project
from portico.services import files, team
from portico.services.demo_projects import Scene
from portico.services.files import Place

_CARE = (
    "Looking after an oiled oak floor",
    "Sweep it, or use a soft brush. A damp cloth is enough; a wet one is too much.",
    "Put felt under chairs, and change it once a year.",
    "Oil what looks dry in October, before the heating comes on: a thin coat, wiped off",
    "after twenty minutes. Nobody walks on it until the next morning.",
    "Between 40 and 60 per cent of moisture in the air keeps the joints closed.",
    "Halden Carpentry, Storgata 12, Bergen",
)
_METHOD = (
    "Oak floors in the library: how we work",
    "1. The old floor comes up; the ground is levelled to 2 mm over 2 m.",
    "2. The boards lie in the room for a week, until both have the same moisture.",
    "3. Boards are glued, not nailed: the heating pipes run close below.",
    "4. Sanded twice, oiled twice, with a day between.",
    "Noise: weekdays from 8 to 16. The stairs stay free on Fridays.",
)
_INSURANCE = (
    "Confirmation of insurance",
    "Halden Carpentry is insured against damage to buildings and persons",
    "up to EUR 2,000,000 for each event.",
    "This confirmation is a sample and belongs to a demonstration.",
)
_COLOURS = b"""board,oil,remark
1,natural,as in the sample from May
2,smoked,darker than on the screen
3,white,needs oil twice a year
"""


def scenes(*, by: str) -> Iterator[Scene]:
    """What puts the files there, where they are not there yet: some in the library, some in a
    project, one that the team has not shared."""
    owner = team.find_customer("halden", "10021")
    if _has(owner.id, "Care of oiled oak.pdf"):
        return
    now = clock.now()
    for days_ago, name, data, in_project, shared in (
        (4, "Confirmation of insurance.pdf", _pdf(_INSURANCE), False, True),
        (3, "How we work.pdf", _pdf(_METHOD), True, True),
        (2, "Colours tried.csv", _COLOURS, True, False),
        (1, "Care of oiled oak.pdf", _pdf(_CARE), False, True),
    ):
        take_in = partial(_take_in, io.BytesIO(data), name, in_project, shared, by)
        yield now - dt.timedelta(days=days_ago), take_in


def _take_in(source: io.BytesIO, name: str, in_project: bool, shared: bool, by: str) -> None:
    owner = team.find_customer("halden", "10021")
    first = sa.select(Project.id).where(Project.customer_id == owner.id).order_by(Project.id)
    project = db.session.scalars(first.limit(1)).first() if in_project else None
    place = Place(owner.organization_id, owner.id, project)
    files.take_in(source, name, place, by=by, shared=shared)


def _has(customer_id: int, name: str) -> bool:
    found = sa.select(StoredFile.id).where(
        StoredFile.customer_id == customer_id, StoredFile.name == name
    )
    return db.session.execute(found).first() is not None


def _pdf(lines: tuple[str, ...]) -> bytes:
    """A sheet of A4 with a heading and lines below it."""
    from reportlab.lib.pagesizes import A4  # which no server needs
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    sheet = Canvas(out, pagesize=A4, invariant=1)
    sheet.setTitle(lines[0])
    sheet.setFont("Helvetica-Bold", 16)
    sheet.drawString(64, 760, lines[0])
    sheet.setFont("Helvetica", 11)
    for number, line in enumerate(lines[1:]):
        sheet.drawString(64, 722 - 22 * number, line)
    sheet.save()
    return out.getvalue()
