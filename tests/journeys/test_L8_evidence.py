"""L8: what is kept of a decision, who is told, and how it is proved later."""

from __future__ import annotations

import datetime as dt
import hashlib
import io

import pytest
from pypdf import PdfReader

from portico.db import db, unit_of_work
from portico.records.decision import Decision
from portico.records.document import DocumentRevision, RevisionIsFrozen
from tests.cast import BEA, MARIT, token_of
from tests.client import FIREFOX

YES = {"name": "Marit S.", "revision": "1", "po_number": "PO-77", "note": "Before Easter"}


@pytest.fixture
def decided(both):
    quote, link = both.acme.quote()
    both.visitor("203.0.113.99").post(f"{link}/accept", YES)
    return quote, link, both.acme.rows(Decision)[0]


def test_the_outsider_gets_no_receipt(both, decided):
    code = decided[2].receipt_code
    for path in (f"/i/{code}", f"/i/{'A' * 43}/receipt", f"/i/{code}/receipt"):
        assert both.visitor().get(both.acme.public_url + path).status == 404
    foreign = both.command("receipt", "verify", code, tenant="bolt")
    assert foreign.exit_code == 1
    assert "No decision has this receipt code" in foreign.output


def test_the_evidence_says_who_when_where_and_what(both, decided, clock):
    quote, _link, decision = decided
    (revision,) = both.acme.rows(DocumentRevision)
    contact = both.acme.contact(MARIT)
    assert decision.document_id == quote
    assert (decision.signatory, decision.po_number, decision.note) == (
        "Marit S.", "PO-77", "Before Easter",
    )  # fmt: skip
    assert (decision.contact_id, decision.contact_name, decision.contact_email) == (
        contact.id, MARIT.name, MARIT.email,
    )  # fmt: skip
    assert (decision.via, decision.link_id) == ("link", both.acme.links()[0].id)
    assert decision.decided_at == clock.moment
    assert (decision.ip, decision.user_agent) == ("203.0.113.99", FIREFOX)
    assert (decision.revision, decision.revision_id) == (1, revision.id)
    assert decision.content_sha256 == hashlib.sha256(revision.content.encode()).hexdigest()


def test_both_sides_get_a_mail_with_the_receipt(stage):
    _quote, link = stage.acme.quote()
    stage.visitor().post(f"{link}/accept", YES)
    stage.deliver()
    code = stage.acme.rows(Decision)[0].receipt_code
    for address in (MARIT.email, "office@halden.example"):
        letter = stage.letters_to(address)[-1]
        (receipt,) = letter.message.iter_attachments()
        assert receipt.get_filename() == "receipt-Q-2041.pdf"
        pages = PdfReader(io.BytesIO(receipt.get_payload(decode=True))).pages
        text = " ".join(page.extract_text() for page in pages)
        for expected in (code, "Marit S.", "PO-77", "203.0.113.7"):
            assert expected in text
        assert token_of(link) not in text
        assert token_of(link) not in letter.raw.decode()


def test_the_receipt_can_be_downloaded_by_the_link(stage):
    _quote, link = stage.acme.quote()
    assert stage.visitor().get(f"{link}/receipt").status == 404
    stage.visitor().post(f"{link}/accept", YES)
    answer = stage.visitor().get(f"{link}/receipt")
    assert 'filename="receipt-Q-2041.pdf"' in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"%PDF")


def test_a_receipt_is_verified_by_command(both, decided):
    decision = decided[2]
    told = both.command("receipt", "verify", decision.receipt_code.lower())
    assert told.exit_code == 0
    for expected in ("Quote Q-2041", "Marit S.", MARIT.email, "203.0.113.99", "Everything holds"):
        assert expected in told.output


TAMPERED = {
    "signatory": "'Mallory'",
    "answer": "'declined'",
    "decided_at": "'2026-01-01 00:00:00+00:00'",
    "ip": "'198.51.100.66'",
    "user_agent": "NULL",
    "po_number": "'PO-78'",
    "note": "''",
    "contact_email": "'mallory@elsewhere.example'",
    "via": "'staff'",
    "content_sha256": f"'{'0' * 64}'",
    "recorded_by": "'Mallory'",
    "seal": f"'{'0' * 64}'",
    "revision": "2",
}


def test_changed_evidence_is_noticed(both, decided, subtests):
    acme = both.acme
    with acme.kept("decisions"):
        for column, value in TAMPERED.items():
            if acme.database_url.startswith("sqlite"):
                value = value.replace("+00:00", ".000000")
            with subtests.test(column):
                acme.execute(f"UPDATE decisions SET {column} = {value}")
                told = both.command("receipt", "verify", decided[2].receipt_code)
                assert told.exit_code == 1
                assert "Everything holds" not in told.output
            acme.execute(f"UPDATE decisions SET {column} = (SELECT {column} FROM as_it_was)")
            told = both.command("receipt", "verify", decided[2].receipt_code)
            assert told.exit_code == 0


def test_changed_content_is_noticed(both, decided):
    both.acme.execute("UPDATE document_revisions SET content = replace(content, '3297', '2297')")
    told = both.command("receipt", "verify", decided[2].receipt_code)
    assert told.exit_code == 1
    assert "not what was agreed to" in told.output


def test_changed_content_with_its_own_digest_is_noticed_too(both, decided):
    (revision,) = both.acme.rows(DocumentRevision)
    forged = revision.content.replace("3297", "2297")
    digest = hashlib.sha256(forged.encode()).hexdigest()
    both.acme.execute(
        "UPDATE document_revisions SET content = :content, content_sha256 = :digest",
        content=forged,
        digest=digest,
    )
    both.acme.execute("UPDATE decisions SET content_sha256 = :digest", digest=digest)
    assert both.command("receipt", "verify", decided[2].receipt_code).exit_code == 1


def test_a_revision_is_frozen(both, decided):
    def change(revision):
        revision.content = "{}"

    for what in (change, db.session.delete):
        with both.acme.scope(), pytest.raises(RevisionIsFrozen):
            _in_a_unit(decided[2].revision_id, what)


def _in_a_unit(revision_id, what):
    with unit_of_work():
        what(db.session.get_one(DocumentRevision, revision_id))
        db.session.flush()


def test_the_same_id_in_two_tenants_has_two_seals(both, decided):
    _quote, link = both.bolt.quote(BEA)
    both.visitor("203.0.113.99").post(f"{link}/accept", YES)
    assert both.bolt.rows(Decision)[0].seal != decided[2].seal


def test_a_decision_keeps_its_evidence_when_the_contact_changes(both, decided):
    both.acme.execute("UPDATE contacts SET name = 'New', email = 'new@fjordhus.example'")
    told = both.command("receipt", "verify", decided[2].receipt_code)
    assert told.exit_code == 0
    assert MARIT.email in told.output


def test_times_are_kept_in_utc(both, decided):
    assert both.acme.rows(Decision)[0].decided_at.utcoffset() == dt.timedelta(0)
