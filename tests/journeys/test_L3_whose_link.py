"""L3: a link is bound to document, customer, organization and contact, on every use."""

from __future__ import annotations

import pytest

from portico.records.decision import Decision
from portico.refusals import StaffRefusal
from portico.services import customers, team
from tests.cast import BEA, CHIYO, MARIT, OLAF, Person

SIGRID = Person("Sigrid Moe", "sigrid@fjordhus.example", "Fjordhus AS", "halden", "acme")


@pytest.mark.parametrize("outsider", [OLAF, CHIYO])
def test_a_document_is_not_sent_to_somebody_elses_contact(both, outsider):
    quote = both.acme.document(MARIT)
    with pytest.raises(StaffRefusal):
        both.acme.send(quote, outsider)
    assert both.acme.links() == []
    assert both.deliver() == 0


def test_sending_twice_makes_two_live_links(both):
    quote, first = both.acme.quote()
    second = both.acme.mailed(quote, MARIT)
    assert first != second
    assert both.visitor().get(first).status == both.visitor().get(second).status == 200


def test_each_recipient_gets_a_link_of_their_own(both):
    with both.acme.scope():
        team.add_contact("halden", SIGRID.customer, SIGRID.name, SIGRID.email)
    quote = both.acme.document(MARIT)
    both.acme.send(quote, MARIT, SIGRID)
    both.deliver()
    marits, sigrids = both.link_to(MARIT), both.link_to(SIGRID)
    assert marits != sigrids
    assert "Sigrid Moe" in both.visitor().get(sigrids).text
    assert "Sigrid Moe" not in both.visitor().get(marits).text


def test_a_revision_has_one_answer_whichever_link_it_came_through(both):
    quote, first = both.acme.quote()
    second = both.acme.mailed(quote, MARIT)
    accepted = both.visitor().post(f"{first}/accept", {"name": "Marit", "revision": "1"})
    declined = both.visitor().post(f"{second}/decline", {"name": "Marit", "revision": "1"})
    assert (accepted.status, declined.status) == (303, 409)
    assert "already accepted" in declined.text
    assert len(both.acme.rows(Decision)) == 1


def test_a_contact_who_is_switched_off_reads_nothing_more(both):
    _quote, link = both.acme.quote()
    with both.acme.scope():
        customers.switch_contact(both.acme.contact(MARIT).id, on=False, by="Kari")
    assert both.visitor().get(link).status == 404
    with both.acme.scope():
        customers.switch_contact(both.acme.contact(MARIT).id, on=True, by="Kari")
    assert both.visitor().get(link).status == 200


def test_a_customer_who_is_switched_off_reads_nothing_more(both):
    quote, link = both.acme.quote()
    copied = both.acme.copy(quote)
    with both.acme.scope():
        customers.switch(both.acme.customer(MARIT).id, on=False, by="Kari")
    assert both.visitor().get(link).status == both.visitor().get(copied).status == 404


def test_what_becomes_of_one_tenant_does_not_touch_the_other(both):
    _quote, link = both.bolt.quote(BEA)
    both.acme.execute("UPDATE customers SET is_active = :no", no=False)
    assert both.visitor().get(link).status == 200
