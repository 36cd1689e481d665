"""C7: many save the same settings at once; one does, and the others hear of it."""

from __future__ import annotations

from portico.records.organization import Organization
from portico.services import marks, team
from portico.services.marks import ChangedSince
from portico.services.team import OrganizationFace
from tests.races.test_papers_at_once import MANY, at_once


def test_of_many_who_saw_the_same_settings_one_saves(both):
    seen = marks.of({"payment_url": ""})

    def save(number: int) -> int:
        face = OrganizationFace(payment_url=f"https://pay.example/{number}")
        team.change_organization("halden", face, by="Kari", seen=seen)
        return number

    told = at_once(both.acme, save)
    [winner] = [one for one in told if isinstance(one, int)]
    kept = f"https://pay.example/{winner}"
    refused = [one for one in told if isinstance(one, ChangedSince)]
    assert (len(refused), {one.now["payment_url"] for one in refused}) == (MANY - 1, {kept})
    organizations = both.acme.rows(Organization)
    assert kept in {one.payment_url for one in organizations if one.slug == "halden"}
