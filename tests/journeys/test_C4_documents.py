"""C4: the team lists documents, opens them, and does with them what their role and state allow."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from portico.db import engines, unit_of_work
from portico.queries import console_documents
from portico.queries.console_documents import Place, Wanted, Which
from portico.records.content import Kind
from portico.records.staff import Role
from portico.services import documents, team
from portico.services.documents import Draft
from tests.cast import CHIYO, MARIT, OLAF, bodies, content_for, dearer

WRITES = (
    "post",
    "void",
    "extend",
    "answer",
    "settled",
    "record",
    "reverse",
    "copy",
    "revoke",
    "send",
)


def at(company, document_id, *rest):
    return "/".join([f"{company.console}/documents/{document_id}", *map(str, rest)])


def do(visitor, company, document_id, action, tab="", htmx=False, **typed):
    """Fill in a form of the document's page, as it stands there."""
    page = visitor.get(at(company, document_id, *([tab] if tab else [])))
    return visitor.fill_in(page, typed, form=f"/{document_id}/{action}", htmx=htmx)


def types(company):
    return [row.type for row in company.log()]


def test_strangers_find_nothing_and_a_viewer_changes_nothing(stage, acme):
    quote, _ = acme.quote()
    other = acme.document(CHIYO, external_id="brightwater")
    viewer = acme.staff(Role.VIEWER)
    desk = acme.staff(Role.OWNER, "brightwater", email="desk@staff.example")
    customer = acme.account(MARIT)
    assert desk.get(at(acme, other)).status == 200
    before = acme.dump()
    reads = ("", "links", "activity", "conversation", "pdf", "receipt", "files/1", "send", "copy")
    for path in reads:
        rest = [path] if path else []
        assert desk.get(at(acme, quote, *rest)).status == 404
        assert customer.get(at(acme, quote, *rest)).status == 303
    token = desk.get(at(acme, other)).form("/copy")[1]["csrf_token"]
    for action in (*WRITES, "send/preview", "links/1/revoke", "mails/1/again"):
        assert desk.post(at(acme, quote, action), {"csrf_token": token}).status == 404
    # An id of this document with a link or a mail of another leads nowhere either.
    for places in ("links/1/revoke", "mails/1/again", f"links/{2**70}/revoke"):
        assert desk.post(at(acme, other, places), {"csrf_token": token}).status == 404
    page = viewer.get(at(acme, quote))
    assert page.status == 200
    assert not [form for form in page.forms() if "/documents/" in form]
    assert "Somebody with another role can do this." in page.text
    token = viewer.get(f"{acme.console}/logout").form("/logout")[1]["csrf_token"]
    for action in WRITES:
        assert viewer.post(at(acme, quote, action), {"csrf_token": token}).status == 403
    assert "Q-2041" not in desk.get(f"{acme.console}/documents?q=Fjordhus").text
    assert acme.dump() == before


def test_the_list_is_narrowed_down_searched_and_paged(both):
    acme = both.acme
    sales = acme.staff(Role.SALES)
    with acme.scope(), unit_of_work():
        organization = team.find_organization("halden")
        customer = team.find_customer("halden", MARIT.customer)
        for number in range(30):
            day = dt.date(2026, 11, 1) + dt.timedelta(days=number // 3)
            content = content_for(MARIT, Kind.INVOICE, number=f"INV-{number:03}", issued_on=day)
            documents.add(Draft(content, content.number), organization, customer, by="Kari")
    quote, _ = acme.quote(OLAF)
    acme.document(CHIYO, external_id="elsewhere", number="Q-9999")
    acme.execute("UPDATE documents SET due_on = '2026-11-01' WHERE number = 'INV-007'")
    here = f"{acme.console}/documents"

    def numbers(page):
        return [link.text_content() for link in page.tree.findall(".//td[@class='number']/a")]

    first = sales.get(here)
    assert len(numbers(first)) == 25
    assert numbers(first)[0] == "Q-2041"
    assert "Q-9999" not in first.text
    [more] = [one.get("href") for one in first.tree.iter("a") if one.get("rel") == "next"]
    second = sales.get(f"{acme.public_url}{more}", htmx=True)
    assert len(set(numbers(first) + numbers(second))) == 31
    [back] = [one.get("href") for one in second.tree.iter("a") if one.get("rel") == "prev"]
    assert numbers(sales.get(f"{acme.public_url}{back}")) == numbers(first)
    for query, expected in {
        "kind=quote": ["Q-2041"],
        "state=sent": ["Q-2041"],
        "state=overdue": ["INV-007"],
        "kind=quote&state=overdue": [],
        "state=running-out&kind=invoice": [],
        "q=inv-01&kind=invoice": [f"INV-01{n}" for n in reversed(range(10))],
        "q=v-02&state=to-send": [f"INV-02{n}" for n in reversed(range(10))],
        "q=tinde": ["Q-2041"],
        "q=INV-007": ["INV-007"],
        "q=nobody": [],
        "q=%25": [],
        f"customer={acme.customer(OLAF).id}": ["Q-2041"],
        f"customer={acme.customer(CHIYO).id}": [],
        f"customer={2**70}&q={'x' * 10_000}&beyond=%ED%A0%80": [],
        "kind=nonsense&state=nonsense&beyond=nonsense&q=2041": ["Q-2041"],
        "state=questions&beyond=2026-11-01~1&before=9999-99-99~1": [],
        "state=questions&beyond=0001-01-01T00:00%2B23:59~1": [],
        f"q=INV-007&beyond=2026-11-02~{'0' * 20}{2**70}": ["INV-007"],
    }.items():
        page = sales.get(f"{here}?{query}")
        assert (page.status, numbers(page)) == (200, expected), query
    assert numbers(sales.get(f"{here}?state=to-send&kind=invoice"))[0] == "INV-029"
    assert acme.read(quote).state == "sent"


def test_no_list_reads_more_than_its_page(acme):
    """Every statement of every list goes through an index, whatever it is narrowed down to."""
    acme.quote()
    organization = acme.customer(MARIT).organization_id
    asked = []
    with acme.scope():
        engine = engines().get(acme.database_url)

        def note(connection, _cursor, statement, parameters, *_rest):
            if not statement.startswith(("EXPLAIN", "PRAGMA", "BEGIN")):
                asked.append((statement, parameters))

        sa.event.listen(engine, "before_cursor_execute", note)
        for which in Which:
            for kind in (None, *Kind):
                for term, customer in (("", None), ("inv", None), ("", 1)):
                    at_ = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
                    place = Place(at_ if which is Which.QUESTIONS else at_.date(), 1)
                    wanted = Wanted(which, kind, customer, term)
                    console_documents.page(organization, wanted, "Europe/Oslo", beyond=place)
        sa.event.remove(engine, "before_cursor_execute", note)
        with engine.connect() as connection:
            for statement, parameters in dict.fromkeys(asked):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps = [row[3] for row in plan]
                assert not [one for one in steps if one.startswith("SCAN documents")], statement
    assert len(asked) > 100


def test_a_draft_is_posted_and_what_is_withdrawn_was_asked_twice(acme, clock):
    viewer, sales = acme.staff(Role.VIEWER), acme.staff(Role.SALES)
    draft = acme.document(MARIT, post=False)
    assert "/post" not in str(viewer.get(at(acme, draft)).forms())
    page = sales.get(at(acme, draft))
    assert "It can be sent once it is posted." in page.text
    assert "/copy" not in str(page.forms())
    told = do(sales, acme, draft, "post", htmx=True)
    assert "It is posted and can be sent." in told.text
    assert acme.read(draft).state == "posted"
    clock.advance(minutes=2)
    again = sales.post(at(acme, draft, "post"), page.form("/post")[1], htmx=True)
    assert (again.status, "not a draft" in again.text) == (422, True)
    unsure = do(sales, acme, draft, "void", htmx=True, sure="")
    assert (unsure.status, "Please tick this" in unsure.text) == (422, True)
    assert do(sales, acme, draft, "void", sure="yes").location == at(acme, draft)
    assert acme.read(draft).state == "withdrawn"
    assert types(acme)[-2:] == ["post_document", "void_document"]
    assert acme.log()[-1].actor == "Sales Nilsen"
    assert acme.log()[-1].ip == "203.0.113.7"
    assert "It is withdrawn." in sales.get(at(acme, draft)).text


def test_more_time_is_granted_from_the_wish_for_it(stage, acme):
    sales = acme.staff(Role.SALES)
    quote, link = acme.quote()
    stage.visitor().post(f"{link}/more-time", {"wish": "Until December, please"})
    assert acme.read(quote).asked_at is not None
    page = sales.get(at(acme, quote, "conversation"))
    assert "Until December, please" in page.text
    assert page.form("/extend")[1]["until"] == "2026-12-10"
    for bad in ("", "soon", "2026-11-20", "99999-01-01", "9999-12-31", "2201-01-01", "\u202e"):
        told = do(sales, acme, quote, "extend", "conversation", htmx=True, until=bad)
        assert told.status == 422, bad
    for bad in ("bell\x07", "\x1b[1m", "\u202e", "x" * 2001, "x" * 30_000):
        told = do(sales, acme, quote, "extend", "conversation", until="2026-12-24", note=bad)
        assert told.status == 422, bad
    assert acme.read(quote).current_revision == 1
    assert [one.kind for one in acme.mails()].count("quote_extended") == 0
    done = do(sales, acme, quote, "extend", "conversation", until="2026-12-24", note="Gladly")
    assert done.location.endswith("/conversation")
    document = acme.read(quote)
    assert (document.valid_until, document.asked_at) == (dt.date(2026, 12, 24), None)
    stage.deliver()
    assert "Gladly" in bodies(stage.letters_to(MARIT)[-1])[0]


def test_a_question_waits_until_it_is_answered(both):
    acme = both.acme
    viewer, sales = acme.staff(Role.VIEWER), acme.staff(Role.SALES)
    quote, link = acme.quote()
    customer = both.visitor()
    customer.post(f"{link}/ask", {"question": "Is it oak?"})
    since = acme.read(quote).asked_at
    assert "/answer" not in str(viewer.get(at(acme, quote, "conversation")).forms())
    page = sales.get(at(acme, quote, "conversation"))
    # Another question comes while the answer is being written.
    customer.post(f"{link}/ask", {"question": "And the skirting?"})
    assert acme.read(quote).asked_at == since
    told = sales.fill_in(page, {"answer": "It is oak."}, form="/answer", htmx=True)
    assert told.status == 200
    assert "And the skirting?" in told.text
    assert acme.read(quote).asked_at is not None
    twice = sales.fill_in(page, {"answer": "It is oak."}, form="/answer", htmx=True)
    assert (twice.status, "perhaps by a second click" in twice.text) == (409, True)
    both.deliver()
    assert "It is oak." in bodies(both.letters_to(MARIT)[-1])[0]
    assert "It is oak." in customer.get(link).text
    for bad in ("", "   ", "x" * 2001, "x" * 30_000, "\u202e"):
        assert do(sales, acme, quote, "answer", "conversation", htmx=True, answer=bad).status == 422
    assert do(sales, acme, quote, "settled", "conversation").location.endswith("/conversation")
    assert acme.read(quote).asked_at is None
    late = sales.fill_in(page, form="/settled", htmx=True)
    assert (late.status, "No question waits" in late.text) == (422, True)


def test_an_answer_by_phone_is_recorded_and_reversed(stage, acme):
    accountant, sales = acme.staff(Role.ACCOUNTANT), acme.staff(Role.SALES)
    quote, link = acme.quote()
    for bad in ({"name": ""}, {"note": ""}, {"answer_given": "perhaps"}, {"name": "x" * 300}):
        typed = {"name": "Marit", "note": "by phone"} | bad
        assert do(sales, acme, quote, "record", htmx=True, **typed).status == 422
    assert acme.read(quote).state == "sent"
    told = do(sales, acme, quote, "record", htmx=True, name="Marit", note="by phone", po_number="7")
    assert "Accepted by Marit" in told.text
    assert sales.get(at(acme, quote, "receipt")).data.startswith(b"%PDF")
    assert "It was accepted; reverse the answer first." in sales.get(at(acme, quote)).text
    token = accountant.get(at(acme, quote)).form("/revoke")[1]
    void = accountant.post(at(acme, quote, "void"), token | {"sure": "yes"}, htmx=True)
    assert (void.status, "reverse the acceptance first" in void.text) == (422, True)
    again = accountant.post(
        at(acme, quote, "record"),
        token | {"name": "Marit", "note": "x", "answer_given": "declined"},
        htmx=True,
    )
    assert (again.status, "already accepted" in again.text) == (409, True)
    done = do(accountant, acme, quote, "reverse", note="She meant the other one")
    assert done.location == at(acme, quote)
    assert acme.read(quote).state == "sent"
    assert stage.visitor().get(link).form("/accept")
    done_by = [(row.type, row.actor) for row in acme.log() if row.actor_kind == "staff"][-2:]
    assert done_by == [("approve_quote", "Sales Nilsen"), ("reverse_decision", "Accountant Nilsen")]
    assert sales.get(at(acme, quote, "receipt")).status == 404


ON_THE_PHONE = {"name": "Marit", "note": "by phone"}
MORE_TIME = {"until": "2026-12-24", "note": "Gladly"}


def test_nothing_is_done_with_a_revision_that_was_not_on_screen(both):
    acme = both.acme
    sales = acme.staff(Role.SALES)
    quote, _ = acme.quote()
    draft = acme.document(MARIT, Kind.INVOICE, post=False)
    page, unposted = sales.get(at(acme, quote)), sales.get(at(acme, draft))
    # A colleague makes both dearer, and sends the quote.
    with acme.scope(), unit_of_work():
        for one in (quote, draft):
            newer = Draft(dearer(acme.content(one)), documents.find(one).external_id, post=False)
            documents.revise(documents.find(one), newer, by="Kari", reason="")
    acme.send(quote, MARIT)
    before = acme.dump()
    for shown, form, typed in (
        (page, "/record", ON_THE_PHONE),
        (page, "/extend", MORE_TIME),
        (page, "/void", {"sure": "yes"}),
        (page, "/copy", {}),
        (unposted, "/post", {}),
    ):
        for revision in ("1", "", "x", str(2**70)):
            told = sales.fill_in(shown, typed | {"revision": revision}, form=form, htmx=True)
            assert (told.status, "is now revision 2" in told.text) == (409, True), (form, revision)
            assert all(value in told.source for value in typed.values()), "what was typed stays"
    assert acme.dump() == before
    assert sales.fill_in(told, form="/post").status == 303, "it was looked at again"
    # The answer that is taken back is the one that was on screen.
    do(sales, acme, quote, "record", **ON_THE_PHONE)
    page = sales.get(at(acme, quote))
    do(sales, acme, quote, "reverse", note="Too soon")
    do(sales, acme, quote, "record", answer_given="declined", **ON_THE_PHONE)
    told = sales.fill_in(page, {"note": "Wrong"}, form="/reverse", htmx=True)
    assert (told.status, "Another answer was recorded" in told.text) == (409, True)
    assert acme.read(quote).state == "declined"


def test_a_second_click_does_nothing_more(stage, acme):
    sales, accountant = acme.staff(Role.SALES), acme.staff(Role.ACCOUNTANT)
    quote, _ = acme.quote()
    draft = acme.document(MARIT, Kind.INVOICE, post=False)
    for document, form, typed in (
        (draft, "/post", {}),
        (quote, "/extend", MORE_TIME),
        (quote, "/record", ON_THE_PHONE),
        (quote, "/reverse", {"note": "Too soon"}),
        (quote, "/void", {"sure": "yes"}),
    ):
        page = sales.get(at(acme, document))
        assert sales.fill_in(page, typed, form=form).status == 303, form
        done = acme.dump()
        assert sales.fill_in(page, typed, form=form).status == 303, form
        assert acme.dump() == done, form
    # Said otherwise, it is no second click.
    quote, _ = acme.quote(number="Q-2042")
    page = sales.get(at(acme, quote))
    assert sales.fill_in(page, MORE_TIME, form="/extend").status == 303
    for who, typed in ((sales, MORE_TIME | {"note": "No"}), (accountant, MORE_TIME)):
        assert who.fill_in(who.get(at(acme, quote)), typed, form="/extend").status == 422
    assert sales.fill_in(page, MORE_TIME | {"note": "No"}, form="/extend").status == 409


def test_a_newer_revision_waits_and_warnings_are_for_the_team(stage, acme):
    sales = acme.staff(Role.SALES)
    quote, link = acme.quote()
    content = dearer(acme.content(quote))
    with acme.scope(), unit_of_work():
        document = documents.find(quote)
        draft = Draft(content, document.external_id, warnings=("The lines come to 1 more.",))
        documents.revise(document, draft, by="Kari", reason="")
    page = sales.get(at(acme, quote))
    assert "Revision 2 waits to be sent" in page.text
    assert "The lines come to 1 more." in page.text
    assert "6,352.85" in page.text
    theirs = sales.get(at(acme, quote) + "?as=customer", htmx=True)
    assert "6,352.85" not in theirs.text
    assert "The lines come to" not in stage.visitor().get(link).text
    previews = [row for row in acme.log() if row.label == "preview"]
    assert [(row.actor_kind, row.actor) for row in previews] == [("staff", "Sales Nilsen")]
    assert "Not opened yet." not in sales.get(at(acme, quote, "links")).text
    assert "The lines come to" in sales.get(at(acme, quote)).text
    assert sales.get(at(acme, quote, "pdf")).data.startswith(b"%PDF")
    assert sales.get(at(acme, quote, "files", 1)).status == 404


@pytest.mark.parametrize("action", ["extend", "answer", "copy", "record", "reverse"])
def test_a_field_twice_or_a_broken_form_changes_nothing(acme, action):
    owner = acme.staff()
    quote, _ = acme.quote()
    token = owner.get(at(acme, quote)).form("/revoke")[1]["csrf_token"]
    before = acme.dump()
    url = at(acme, quote, action)
    assert owner.post(url, f"csrf_token={token}&note=a&note=b", content_type=FORM).status == 422
    assert owner.post(url, f"csrf_token={token}&note=%ED%A0%80", content_type=FORM).status == 422
    assert owner.post(url, "{}", content_type="application/json").status == 415
    assert owner.post(url, {"note": "no token"}).status == 403
    assert acme.dump() == before


FORM = "application/x-www-form-urlencoded"
