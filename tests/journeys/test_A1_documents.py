"""A1: a document in the portal is the link's page with the same service behind it."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib

import pytest

from portico.records.content import Kind
from portico.records.decision import Decision
from portico.records.message import Message
from tests.cast import BEA, CHIYO, MARIT, OLAF, content_for, dearer

FILE = b"%PDF-1.4 a drawing"
HUGE = (0, 2**31, 2**63 - 1, 2**63, 10**40, "9" * 5000, "1e5", "-1", "٣", "1.0", "x")
ACTIONS = ("accept", "decline", "ask", "more-time")


def url_of(company, document_id, section="quotes"):
    return f"{company.portal}/{section}/{document_id}"


def drawn(person):
    """A quote with a file in it."""
    sha256 = hashlib.sha256(FILE).hexdigest()
    attachment = {"filename": "drawing.pdf", "size": len(FILE), "sha256": sha256,
                  "mime": "application/pdf"}  # fmt: skip
    return content_for(
        person, references=[{"type": "additional", "id": "D-1", "attachment": attachment}]
    ), {sha256: FILE}


def test_outsiders_get_nothing_and_change_nothing(both):
    """The guest, another customer, another organization, another tenant: each with every address."""
    quote, _link = both.acme.quote(MARIT)
    draft = both.acme.document(MARIT, number="Q-DRAFT", post=False)
    strangers = [
        both.acme.account(OLAF, address="203.0.113.1"),
        both.acme.account(CHIYO, address="203.0.113.2"),
        both.bolt.account(BEA, address="203.0.113.3"),
    ]
    marit = both.acme.account(MARIT)
    before, guest = both.acme.dump(), both.visitor("198.51.100.66")
    url = url_of(both.acme, quote)
    for page in ("", "/pdf", "/receipt", "/files/1", *(f"/{one}" for one in ACTIONS)):
        assert guest.get(url + page).status == 303
        for stranger in strangers[:2]:
            assert stranger.get(url + page).status == 404
        assert marit.get(url_of(both.acme, draft) + page).status == 404
        assert marit.get(url_of(both.acme, quote, "invoices") + page).status == 404
    assert strangers[0].get(url).tree.xpath("//main//a/@href") == ["/customer-portal/dashboard"]
    own = both.bolt.document(BEA)
    assert own == quote, "the same id in the other tenant, so that the replay means something"
    assert strangers[2].get(url_of(both.bolt, draft)).status == 404
    for stranger in strangers[:2]:
        _own, token = stranger.get(f"{both.acme.portal}/logout").form("/logout")
        form = {"name": "Mallory", "revision": "1", "question": "?", "wish": "?", **token}
        for action in ACTIONS:
            assert stranger.post(f"{url}/{action}", form).status == 404
            assert stranger.post(f"{url}/{action}", form, htmx=True).status == 404
    for action in ACTIONS:
        assert guest.post(f"{url}/{action}", {"name": "Mallory", "revision": "1"}).status == 303
        refused = marit.post(f"{url}/{action}", {"name": "Marit", "revision": "1", "question": "?"})
        assert refused.status == 403, "a form without the page's token is refused"
    for number in HUGE:
        assert marit.get(url_of(both.acme, number)).status == 404
        assert marit.get(f"{url}/files/{number}").status == 404
    assert both.acme.dump() == before


def test_every_kind_is_read_in_its_section_inside_the_portal(stage):
    marit = stage.acme.account()
    stage.acme.execute("UPDATE organizations SET sections = '[\"orders\"]'")
    for kind, section in (
        (Kind.INVOICE, "invoices"), (Kind.QUOTE, "quotes"), (Kind.SALES_ORDER, "orders"),
        (Kind.CREDIT_NOTE, "credit-notes"), (Kind.SALES_RECEIPT, "receipts"),
        (Kind.REFUND_RECEIPT, "receipts"), (Kind.STATEMENT, "statements"),
    ):  # fmt: skip
        document = stage.acme.document(MARIT, kind)
        page = marit.get(url_of(stage.acme, document, section))
        assert page.status == 200, kind
        assert page.heading == stage.acme.read(document).number
        assert "6,227.85" in page.text
        (current,) = page.tree.xpath(".//nav[@aria-label='Portal']/a[@aria-current='page']/@href")
        assert current.endswith(f"/{section}")
        for of_the_link in ("End access", "Create an account", "/i/"):
            assert of_the_link not in page.source
        assert len(gzip.compress(page.data)) < 12_000
    seen = [row for row in stage.acme.log() if row.type.startswith("view_")]
    assert [row.type for row in seen] == [
        "view_invoice", "view_quote", *["view_document"] * 5,
    ]  # fmt: skip
    assert all(row.session_id and row.contact_id and not row.link_id for row in seen)


@pytest.mark.parametrize("htmx", [False, True])
def test_accepting_leaves_the_same_evidence_as_a_link(both, htmx):
    quote, link = both.acme.quote(MARIT)
    marit, url = both.acme.account(), url_of(both.acme, quote)
    form = {"name": "Marit Solberg", "po_number": "PO-77", "note": "Before Easter"}
    done = marit.fill_in(url, form, form="/accept", htmx=htmx)
    if not htmx:
        assert (done.status, done.location) == (303, f"{url}#decision")
        done = marit.get(url)
    assert "Thank you. Your acceptance is recorded." in done.text
    (decision,) = both.acme.rows(Decision)
    assert (decision.via, decision.link_id, decision.signatory) == ("account", None, MARIT.name)
    assert decision.account_id
    assert (decision.contact_email, decision.ip) == (MARIT.email, "203.0.113.7")
    assert decision.po_number == "PO-77"
    (line,) = [row for row in both.acme.log() if row.type == "approve_quote"]
    assert line.session_id
    # Whoever comes by the link finds the receipt, and cannot answer otherwise.
    other = both.visitor("198.51.100.8").post(f"{link}/decline", {"revision": "1"})
    assert other.status == 409
    again = marit.post(f"{url}/accept", {**_token(marit, both.acme), "name": "x", "revision": "1"})
    assert again.status == 303
    assert len(both.acme.rows(Decision)) == 1
    assert marit.get(f"{url}/receipt").data.startswith(b"%PDF")
    assert both.deliver() >= 2


def _token(visitor, company):
    return visitor.get(f"{company.portal}/logout").form("/logout")[1]


def test_decline_ask_and_more_time(both):
    quote, _link = both.acme.quote(MARIT, valid_until=dt.date(2026, 11, 14))
    marit, url = both.acme.account(), url_of(both.acme, quote)
    asked = marit.fill_in(url, {"question": "Is the oak <oiled>?"}, form="/ask", htmx=True)
    assert "Your question is on its way" in asked.text
    assert "Is the oak <oiled>?" in marit.get(url).text
    wished = marit.fill_in(url, {"wish": "Until May"}, form="/more-time")
    assert "Your wish is on its way" in marit.get(wished.location).text
    assert [one.topic for one in both.acme.rows(Message)] == ["question", "more_time"]
    assert {one.author for one in both.acme.rows(Message)} == {MARIT.name}
    declined = marit.fill_in(url, {"reason": "Too dear"}, form="/decline")
    assert declined.status == 303
    assert "Too dear" in marit.get(url).text
    assert both.acme.read(quote).state == "declined"
    assert marit.post(f"{url}/more-time", {**_token(marit, both.acme), "wish": "x"}).status == 409


def test_a_quote_that_changed_is_not_decided_and_says_what_changed(stage):
    quote, _link = stage.acme.quote(MARIT)
    marit, url = stage.acme.account(), url_of(stage.acme, quote)
    page = marit.get(url)
    stage.acme.revise(quote, dearer(stage.acme.content(quote)))
    stage.acme.mailed(quote, MARIT)
    for htmx in (False, True):
        late = marit.fill_in(page, form="/accept", htmx=htmx)
        assert late.status == 409
        assert "The total was €6,227.85 and is now €6,352.85" in late.text
    assert stage.acme.rows(Decision) == []
    assert marit.fill_in(url, form="/accept").status == 303


def test_files_and_pdf_come_as_downloads_in_the_organizations_language(stage):
    content, files = drawn(MARIT)
    quote = stage.acme.document(MARIT, content=content)
    for sha256, bytes_ in files.items():
        stage.acme.execute(
            "INSERT INTO attached_files (sha256, data) VALUES (:sha256, :data)",
            sha256=sha256, data=bytes_,
        )  # fmt: skip
    link = stage.acme.mailed(quote, MARIT)
    marit, url = stage.acme.account(), url_of(stage.acme, quote)
    file = marit.get(f"{url}/files/1")
    assert file.data == FILE
    assert "attachment" in file.headers["Content-Disposition"]
    assert marit.get(f"{url}/files/2").status == 404
    by_link = stage.visitor().get(f"{link}/pdf").data
    stage.acme.execute("UPDATE customer_portal_accounts SET locale = 'de'")
    assert "6.227,85" in marit.get(url).text
    pdf = marit.get(f"{url}/pdf")
    assert pdf.data.startswith(b"%PDF")
    assert "quote-Q-2041.pdf" in pdf.headers["Content-Disposition"]
    assert pdf.data == by_link, "one paper for everybody, whatever language they read pages in"


def test_messages_have_a_limit_and_bad_fields_a_sentence(stage):
    quote, _link = stage.acme.quote(MARIT)
    marit, url = stage.acme.account(), url_of(stage.acme, quote)
    page, before = marit.get(url), stage.acme.dump()
    for form, typed in (
        ("/accept", {"name": "\u202emarit"}), ("/accept", {"name": ""}), ("/ask", {"question": ""}),
        ("/accept", {"revision": "9" * 30}), ("/decline", {"reason": "x" * 30_000}),
        ("/ask", {"question": "x" * 10_000}), ("/accept", {"name": ["a", "b"]}),
    ):  # fmt: skip
        refused = marit.fill_in(page, typed, form=form)
        assert refused.status == 422, typed
    assert stage.acme.dump() == before
    answers = [marit.fill_in(page, {"question": f"{n}?"}, form="/ask").status for n in range(21)]
    assert answers[-1] == 429
    assert 303 in answers
