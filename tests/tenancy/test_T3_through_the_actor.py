"""T3: two customers, two organizations, two tenants never see each other."""

from __future__ import annotations

import pytest

from portico.records.content import Kind
from tests.cast import BEA, CHIYO, MARIT, OLAF, token_of

SECRET_WORDS = {
    MARIT: "Fjordhus",
    OLAF: "Tinde",
    CHIYO: "Kumo",
    BEA: "Norrsken",
}


def test_a_link_shows_its_own_customer_and_nobody_else(both):
    pages = {}
    for person in SECRET_WORDS:
        company = both.company_of(person)
        link = company.copy(company.document(person, external_id=f"of-{person.name}"))
        pages[person] = both.visitor().get(link).source
    for person, page in pages.items():
        for other, word in SECRET_WORDS.items():
            assert (word in page) == (other is person)


def test_a_token_of_one_tenant_opens_nothing_at_the_other(both):
    link = both.bolt.copy(both.bolt.document(BEA))
    token = token_of(link)
    visitor = both.visitor()
    assert visitor.get(f"{both.acme.public_url}/i/{token}").status == 404
    assert (
        visitor.post(f"{both.acme.public_url}/i/{token}/accept", {"name": "Mallory"}).status == 404
    )
    assert visitor.get(link).status == 200


MIXED_UP = {
    "another customer's document": "UPDATE customer_portal_links SET document_id = :olafs_document",
    "another customer": "UPDATE customer_portal_links SET customer_id = :olaf",
    "another organization": "UPDATE customer_portal_links SET organization_id = :brightwater",
    "another customer's contact": "UPDATE customer_portal_links SET contact_id = :olafs_contact",
    "a document that was moved": "UPDATE documents SET customer_id = :olaf WHERE customer_id = :marit",
    "a customer who was moved": "UPDATE customers SET organization_id = :brightwater WHERE id = :marit",
    "a contact who was moved": "UPDATE contacts SET customer_id = :olaf WHERE customer_id = :marit",
    "another purpose": "UPDATE customer_portal_links SET purpose = 'quote'",
    "no activity": "UPDATE customer_portal_links SET is_active = :no",
}


@pytest.mark.parametrize("what", MIXED_UP)
def test_a_link_whose_parts_do_not_belong_together_opens_nothing(both, what):
    acme = both.acme
    link = acme.mailed(acme.document(MARIT), MARIT)
    assert both.visitor().get(link).status == 200
    ids = {
        "olafs_document": acme.document(OLAF, external_id="o-1"),
        "olaf": acme.customer(OLAF).id,
        "marit": acme.customer(MARIT).id,
        "olafs_contact": acme.contact(OLAF).id,
        "brightwater": acme.customer(CHIYO).organization_id,
        "no": False,
    }
    statement = MIXED_UP[what]
    acme.execute(statement, **{name: id_ for name, id_ in ids.items() if f":{name}" in statement})
    assert both.visitor().get(link).status == 404
    assert both.visitor().post(f"{link}/accept", {"name": "Mallory", "revision": "1"}).status == 404


def test_an_attachment_is_found_through_its_own_document_only(stage):
    link = stage.acme.copy(stage.acme.document(MARIT, Kind.INVOICE))
    assert stage.visitor().get(f"{link}/files/1").status == 404
