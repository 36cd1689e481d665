"""The start page of the console: what waits for somebody, each with what to do about it."""

from __future__ import annotations

from portico.records.content import Kind
from portico.records.staff import Role
from portico.services import colleagues
from tests.cast import CHIYO, MARIT, OLAF


def sections(page):
    """The text of each part of the page, by its heading."""
    return {
        " ".join(part.find(".//h2").text_content().split()): " ".join(part.text_content().split())
        for part in page.tree.iter("section")
    }


def test_it_shows_each_organization_its_own_and_a_viewer_no_buttons(stage, acme):
    acme.document(MARIT, Kind.INVOICE)
    viewer, desk = acme.staff(Role.VIEWER), acme.staff(Role.SALES, "brightwater")
    assert stage.visitor().get(f"{acme.console}/").status == 303
    assert acme.account(OLAF).get(f"{acme.console}/").status == 303
    quiet = desk.get(f"{acme.console}/")
    assert "Nothing waits for you." in quiet.text
    assert "Everything that is posted has been sent." in quiet.text
    assert "INV-1007" not in quiet.text
    with acme.scope():
        colleagues.invite("Bo Lund", "bo@halden.example", 1, Role.SALES, by="Kari")
    acme.execute("UPDATE mails SET state = 'failed' WHERE state = 'queued'")
    page = viewer.get(f"{acme.console}/")
    assert "Invitation to the team, to Bo Lund" in page.text
    assert "INV-1007" in page.text
    assert not [one for one in page.tree.iter("a") if one.text_content() == "Send"]


def test_everything_that_waits_is_there_until_it_is_done(both):
    acme = both.acme
    owner = acme.staff()
    quote, link = acme.quote()
    acme.document(OLAF, Kind.INVOICE, number="INV-1", external_id="owed")
    acme.document(CHIYO, Kind.INVOICE, number="INV-X", external_id="elsewhere")
    acme.execute("UPDATE documents SET due_on = '2026-11-01' WHERE number IN ('INV-1', 'INV-X')")
    acme.execute(f"UPDATE documents SET valid_until = '2026-11-12' WHERE id = {quote}")
    both.visitor().post(f"{link}/ask", {"question": "Is it <oak>?"})
    acme.execute("UPDATE mails SET state = 'failed', error = 'Nobody there.' "
                 "WHERE kind = 'question_staff'")  # fmt: skip
    page = owner.get(f"{acme.console}/")
    found = sections(page)
    assert "INV-X" not in page.text
    assert "Is it <oak>?" in found["Questions that wait for an answer"]
    assert "Nobody there." in found["Mail that could not be sent"]
    assert "INV-1" in found["Ready to send"]
    assert "last day today" in found["Quotes that run out soon"]
    assert "INV-1" in found["Overdue invoices"]
    assert "No quote was answered lately." in found["Answers of the last two weeks"]
    again = owner.fill_in(page, form="/again")
    assert again.location.endswith("/activity")
    both.visitor().post(f"{link}/accept", {"name": "Marit Solberg", "revision": "1"})
    owner.fill_in(
        f"{acme.console}/documents/{quote}/conversation", {"answer": "Yes."}, form="/answer"
    )
    found = sections(owner.get(f"{acme.console}/"))
    assert "Questions that wait for an answer" not in found
    assert "Mail that could not be sent" not in found
    assert "No open quote runs out" in found["Quotes that run out soon"]
    assert "Accepted Marit Solberg" in found["Answers of the last two weeks"]
