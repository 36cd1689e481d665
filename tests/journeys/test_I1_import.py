"""I1: documents from files, by command; all or nothing, and every fault with its place."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portico.records.content import Kind
from portico.records.customer import Contact, Customer
from portico.records.document import Document, DocumentRevision
from portico.refusals import Refusal
from portico.services import intake, team
from tests.cast import CHIYO, MARIT, content_for, dearer, link_in

DATA = Path(__file__).parents[1] / "data"


def _json(path, *contents, **own):
    """A file of documents in Portico's own form."""
    values = [
        {**content.model_dump(mode="json", exclude_defaults=True), **own} for content in contents
    ]
    path.write_text(json.dumps({"documents": values}))
    return str(path)


@pytest.fixture
def file(tmp_path, clock):
    return tmp_path / "documents.json"


def _known(both, person=MARIT):
    """Documents of a person's customer, by number."""
    owner = both.acme.customer(person).id
    return {one.number: one for one in both.acme.rows(Document) if one.customer_id == owner}


def test_the_outsider_organization_gets_nothing(both, file):
    path = _json(file, content_for(MARIT))
    told = both.command("import", "mallory", path)
    assert told.exit_code == 1
    assert both.command("import", "halden", path).exit_code == 0
    assert both.acme.customer(CHIYO).organization_id not in {
        one.organization_id for one in both.acme.rows(Document)
    }
    assert both.bolt.rows(Document) == []


@pytest.mark.parametrize("name", ["invoice.xml", "order.xml", "quotation.xml"])
def test_a_ubl_file_is_imported_sent_and_read(both, name):
    told = both.command("import", "brightwater", str(DATA / name))
    assert told.exit_code == 0, told.output
    (document,) = both.acme.rows(Document)
    reference = both.command("document", "link", "brightwater", document.kind, document.number)
    page = both.visitor().get(reference.output.strip())
    assert page.heading == document.number
    pdf = both.visitor().get(reference.output.strip() + "/pdf")
    assert pdf.data.startswith(b"%PDF")


def test_the_same_content_again_changes_nothing(both, file):
    path = _json(file, content_for(MARIT), content_for(MARIT, Kind.INVOICE))
    assert both.command("import", "halden", path).exit_code == 0
    before = both.acme.dump()
    again = both.command("import", "halden", path)
    assert again.exit_code == 0
    assert again.output.count("unchanged") == 2
    assert both.acme.dump() == before


def test_other_content_under_the_same_id_is_refused(both, file):
    content = content_for(MARIT)
    both.command("import", "halden", _json(file, content))
    before = both.acme.dump()
    told = both.command("import", "halden", _json(file, dearer(content)))
    assert told.exit_code == 1
    assert "There is already another quote" in told.output
    assert both.acme.dump() == before


def test_an_update_makes_a_revision_that_must_be_sent_again(both, file):
    content = content_for(MARIT)
    both.command("import", "halden", _json(file, content))
    both.command("document", "send", "halden", "quote", "Q-2041")
    both.deliver()
    link = both.link_to(MARIT)
    told = both.command("import", "halden", _json(file, dearer(content)), "--update")
    assert told.exit_code == 0
    assert [one.number for one in both.acme.rows(DocumentRevision)] == [1, 2]
    assert "6,352.85" not in both.visitor().get(link).source
    both.command("document", "send", "halden", "quote", "Q-2041")
    assert "6,352.85" in both.visitor().get(link).source


def test_an_id_of_ones_own_keeps_two_of_one_number_apart(both, file):
    content = content_for(MARIT)
    for name in ("a-1", "a-2"):
        assert both.command("import", "halden", _json(file, content), "--id", name).exit_code == 0
    assert {one.external_id for one in both.acme.rows(Document)} == {"a-1", "a-2"}
    ambiguous = both.command("document", "send", "halden", "quote", "Q-2041")
    assert ambiguous.exit_code == 1
    assert both.command("document", "send", "halden", "quote", "a-2").exit_code == 0


def test_one_fault_and_nothing_of_the_file_is_imported(both, file):
    good, bad = content_for(MARIT), content_for(MARIT, number="Q-2")
    path = _json(file, good, bad)
    values = json.loads(file.read_text())
    values["documents"][1]["lines"][2]["price"] = "five"
    values["documents"][1]["currency"] = "XXY"
    file.write_text(json.dumps(values, indent=1))
    before = both.acme.dump()
    told = both.command("import", "halden", path)
    assert told.exit_code == 1
    for expected in ("documents[1].lines[2].price", "documents[1].currency", "line "):
        assert expected in told.output.replace(".1.", "[1].").replace(".2.", "[2].")
    assert both.acme.dump() == before


def test_of_several_files_the_good_ones_are_imported(both, tmp_path, clock):
    good = _json(tmp_path / "good.json", content_for(MARIT))
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    told = both.command("import", "halden", str(bad), good)
    assert told.exit_code == 1
    assert "Not imported: 1 file of 2" in told.output
    assert list(_known(both)) == ["Q-2041"]


BROKEN = {
    "nothing": b"",
    "blanks": b"  \n",
    "noise": bytes(range(256)) * 10,
    "half an object": b'{"documents": [',
    "a number": b"7",
    "an empty list": b'{"documents": []}',
    "a list of numbers": b'{"documents": [1, 2]}',
    "deep": b"[" * 100_000,
    "a lone surrogate": b'{"documents": [{"number": "\\ud800"}]}',
    "an unknown field": b'{"documents": [{"nonsense": 1}]}',
    "XML that is no document": b"<html/>",
    "half an XML": b"<Invoice xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-2'>",
    "entities that multiply": b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    "a file of ours": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(both, file, what):
    file.write_bytes(BROKEN[what])
    before = both.acme.dump()
    told = both.command("import", "halden", str(file))
    assert told.exit_code == 1
    assert "nothing was imported" in told.output
    assert "Traceback" not in told.output
    assert "root:" not in told.output
    assert both.acme.dump() == before


def test_a_file_that_is_too_large_is_refused(raise_curtain, clock, tmp_path):
    stage = raise_curtain(PORTICO_MAX_IMPORT="2000")
    path = _json(tmp_path / "large.json", *(content_for(MARIT, number=f"Q-{n}") for n in range(5)))
    told = stage.command("import", "halden", path)
    assert told.exit_code == 1
    assert "larger" in told.output
    assert stage.acme.rows(Document) == []


def test_sums_that_do_not_hold_are_a_warning_to_staff_and_strict_refuses(both, file):
    totals = {"net": 498228, "tax": 124557, "gross": 622799, "payable": 622799}
    path = _json(file, content_for(MARIT, totals=totals))
    before = both.acme.dump()
    strict = both.command("import", "halden", path, "--strict")
    assert strict.exit_code == 1
    assert both.acme.dump() == before
    told = both.command("import", "halden", path)
    assert told.exit_code == 0
    assert "warning" in told.output
    link = both.command("document", "link", "halden", "quote", "Q-2041").output.strip()
    page = both.visitor().get(link)
    assert "6,227.99" in page.text  # as stated
    for warning in both.acme.rows(DocumentRevision)[0].warnings:
        assert warning not in page.text


@pytest.mark.parametrize(
    "hint",
    [{"external_id": "K-1"}, {"tax_id": "NO999"}, {"name": MARIT.customer}, {"external_id": "K-1", "name": "Other"}],
)  # fmt: skip
def test_the_buyer_is_found_among_the_customers(both, file, hint):
    with both.acme.scope():
        team.create_customer("halden", "Known by number", external_id="K-1", tax_id="NO999")
    count = len(both.acme.rows(Customer))
    content = content_for(MARIT, buyer={"name": "Somebody"})
    told = both.command("import", "halden", _json(file, content, customer=hint))
    assert told.exit_code == 0
    assert len(both.acme.rows(Customer)) == count
    expected = MARIT.customer if hint == {"name": MARIT.customer} else "Known by number"
    assert expected in told.output


def test_a_customer_of_another_organization_is_not_the_buyer(both, file):
    content = content_for(CHIYO)
    assert both.command("import", "halden", _json(file, content)).exit_code == 0
    owners = [one.organization_id for one in both.acme.rows(Customer) if one.name == CHIYO.customer]
    assert len(set(owners)) == 2


def test_a_new_buyer_without_an_address_gets_no_mail_until_there_is_a_contact(both, file):
    content = content_for(MARIT, buyer={"name": "Nils & Co"})
    told = both.command("import", "halden", _json(file, content))
    assert "cannot be sent until" in told.output
    refused = both.command("document", "send", "halden", "quote", "Q-2041")
    assert refused.exit_code == 1
    assert "no active contact" in refused.output
    added = both.command(
        "contact", "add", "halden", "Nils & Co", "--name", "Nils", "--email", "nils@co.example"
    )
    assert added.exit_code == 0
    assert both.command("document", "send", "halden", "quote", "Q-2041").exit_code == 0
    both.deliver()
    assert len(both.letters_to("nils@co.example")) == 1


def test_a_contact_named_in_the_file_gets_the_mail(both, file):
    content = content_for(MARIT, buyer={"name": "Nils & Co"})
    addresses = ("nils@co.example", "kjell@blåbær.example")
    people = [{"name": "Nils", "email": one} for one in (*addresses, "åse@co.example")]
    hints = {"name": "Nils & Co", "contacts": people}
    assert both.command("import", "halden", _json(file, content, customer=hints)).exit_code == 0
    known = {one.email for one in both.acme.rows(Contact)}
    assert known.issuperset(addresses)
    assert "åse@co.example" not in known, "no mail can go there"
    both.command("document", "send", "halden", "quote", "Q-2041")
    both.deliver()
    for address in addresses:
        assert both.visitor().get(_link_to(both, address)).status == 200


def _link_to(stage, address):
    return link_in(stage.letters_to(address)[-1])


def test_a_draft_stays_a_draft_until_it_is_posted(both, file):
    path = _json(file, content_for(MARIT))
    assert both.command("import", "halden", path, "--draft").exit_code == 0
    assert _known(both)["Q-2041"].state == "draft"
    assert both.command("document", "send", "halden", "quote", "Q-2041").exit_code == 1


def test_the_same_file_imported_at_once_by_many_is_there_once(both, file):
    data = Path(_json(file, content_for(MARIT))).read_bytes()

    def import_it(_number):
        with both.acme.scope():
            try:
                return intake.import_file(data, "halden", by="Kari")[0].outcome.value
            except Refusal:
                return "refused"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(import_it, range(8)))
    assert outcomes.count("added") == 1
    assert len(both.acme.rows(Document)) == len(both.acme.rows(DocumentRevision)) == 1


def test_progress_is_shown_for_a_long_file(both, file):
    path = _json(file, *(content_for(MARIT, number=f"Q-{number}") for number in range(250)))
    told = both.command("import", "halden", path)
    assert told.exit_code == 0
    assert "250 of 250" in told.output
    assert len(_known(both)) == 250
