"""W4: an information request, answered item by item and judged by the team."""

from __future__ import annotations

import io
from typing import Any

from portico.records.activity import Activity
from portico.records.content import Kind
from portico.records.file import StoredFile
from portico.records.mail import MailKind
from portico.records.request import RequestAnswer, RequestItem
from portico.services import requests
from tests.cast import MARIT, OLAF, bodies, content_for

ITEMS = [
    {"name": "Floor plan", "wants": "file"},
    {"name": "Colour of the oil", "wants": "text", "description": "Natural, white or smoked"},
    {"name": "Access to the house"},
]


def asked(**changes: Any) -> dict[str, Any]:
    """What makes a content a request."""
    return {
        "number": "R-7",
        "title": "Before we begin",
        "lines": [],
        "taxes": [],
        "totals": {"payable": 0},
        "request": {"introduction": "Three things, please.", "items": ITEMS},
        **changes,
    }


def request_of(company: Any, person: Any = MARIT, **changes: Any) -> tuple[int, str]:
    """A request in the person's hands: its id and the link in their mail."""
    content = content_for(person, Kind.REQUEST, **asked(**changes))
    document_id = company.document(person, Kind.REQUEST, content=content)
    return document_id, company.mailed(document_id, person)


def plan(name: str = "plan.pdf", data: bytes = b"%PDF-1.7\n%%EOF\n") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def switch_on(company: Any) -> None:
    company.set_organization("halden", sections=["requests"])


def states(company: Any) -> dict[int, str]:
    return {item.position: item.state for item in company.rows(RequestItem)}


def test_the_outsider_answers_nothing(stage):
    switch_on(stage.acme)
    request, link = request_of(stage.acme)
    olaf = stage.acme.account(OLAF)
    theirs = f"{stage.acme.portal}/requests/{request}"
    assert olaf.get(theirs).status == 404
    quote, quote_link = stage.acme.quote(OLAF, number="Q-9")
    before = stage.acme.dump()
    answer = {"answer": "Smoked", "revision": "1"}
    assert olaf.post(f"{theirs}/items/2", answer).status in {400, 403, 404}
    assert stage.visitor().post(f"{quote_link}/items/1", answer).status == 404
    assert stage.visitor().post(f"{link}/items/4", answer).status == 404
    assert stage.visitor().post(f"{link}/items/{10**30}", answer).status == 404
    foreign = stage.visitor().post(f"{link}/items/2", answer, Sec_Fetch_Site="cross-site")
    assert foreign.status == 403
    assert stage.acme.dump() == before
    assert quote


def test_items_are_answered_by_link_and_account_judged_and_completed(both, clock):
    switch_on(both.acme)
    request, link = request_of(both.acme)
    kari = {"by": "Kari"}
    visitor = both.visitor()
    page = visitor.get(link)
    assert "0 of 3 accepted" in page.text
    assert page.text.count("Floor plan") == 1

    # By the link, without JavaScript: a file for the first, words for the second.
    for _ in range(2):  # a second click answers nothing anew
        done = visitor.post(
            f"{link}/items/1", {"file": plan("flo\u00f8r.pdf"), "revision": "1"},
            content_type="multipart/form-data",
        )  # fmt: skip
        assert done.status == 303, done.text
        part = visitor.post(f"{link}/items/2", {"answer": "Smoked", "revision": "1"}, htmx=True)
        assert "Thank you" in part.text
    assert len(both.acme.rows(RequestAnswer)) == 2
    assert both.acme.read(request).state == "in_progress"
    assert states(both.acme) == {1: "answered", 2: "answered"}
    (file,) = both.acme.rows(StoredFile)
    assert (file.name, file.document_id, file.from_staff) == ("flo\u00f8r.pdf", request, False)

    # One mail to the team for all of one sitting.
    assert len([m for m in both.acme.mails() if m.kind == MailKind.REQUEST_ANSWERED_STAFF]) == 1
    clock.advance(minutes=11)
    both.deliver()
    told = both.letters_to("office@halden.example")[-1]
    assert "answered request R-7" in told.message["Subject"]
    assert "Colour of the oil" in bodies(told)[0]

    # The team takes one and returns the other, with a word.
    plan_id, oil_id = (row.id for row in both.acme.rows(RequestAnswer))
    with both.acme.scope():
        requests.accept(request, 1, seen=plan_id, **kari)
        requests.return_(request, 2, seen=oil_id, remark="Which maker?", **kari)
    clock.advance(minutes=11)
    both.deliver()
    returned = both.letters_to(MARIT)[-1]
    assert "something more" in returned.message["Subject"]
    assert "Which maker?" in bodies(returned)[0]
    assert "Which maker?" in visitor.get(both.link_to(MARIT)).text

    # The rest by account; what was taken cannot be changed any more.
    marit = both.acme.account(MARIT)
    here = f"{both.acme.portal}/requests"
    assert "1 of 3 accepted" in marit.get(here).text
    at = f"{here}/{request}"
    assert marit.fill_in(at, {"answer": "Smoked, by Osmo"}, form="/items/2").status == 303
    assert marit.fill_in(at, {"answer": "The key is in the shed"}, form="/items/3").status == 303
    _, fields = marit.get(at).form("/items/2")
    late = marit.post(f"{at}/items/1", fields | {"answer": "Another plan"}, htmx=True)
    assert late.status == 409
    assert "accepted already" in late.text
    answers = both.acme.rows(RequestAnswer)
    assert [row.account_id is not None for row in answers] == [False, False, True, True]
    with both.acme.scope():
        for row, position in zip(answers[2:], (2, 3), strict=True):
            requests.accept(request, position, seen=row.id, **kari)
    assert both.acme.read(request).state == "completed"
    assert "Nothing is asked" in marit.get(here).text
    assert "3 of 3 accepted" in marit.get(f"{here}?state=completed").text
    types = [line.type for line in both.acme.log()]
    assert types.count(Activity.ANSWER_REQUEST) == 4
    assert types.count(Activity.JUDGE_ANSWER) == 4


def test_a_worker_that_is_late_mails_once_all_the_same(both, clock):
    switch_on(both.acme)
    _request, link = request_of(both.acme)
    for answer in ("Smoked", "Natural"):
        done = both.visitor().post(f"{link}/items/2", {"answer": answer, "revision": "1"})
        assert done.status == 303
        clock.advance(minutes=15)
    both.deliver()
    (told,) = both.letters_to("office@halden.example")
    assert "answered request R-7" in told.message["Subject"]
    assert [one.body for one in both.acme.rows(RequestAnswer)] == ["Smoked", "Natural"]


def test_what_cannot_be_taken_is_said_at_its_field_and_changes_nothing(stage, monkeypatch):
    request, link = request_of(stage.acme)
    before = stage.acme.dump()
    visitor = stage.visitor()
    form = {"content_type": "multipart/form-data", "htmx": True}
    for position, typed, said in (
        (1, {"answer": "It is small"}, "Please choose a file"),
        (1, {"file": plan(data=b"")}, "This file is empty"),
        (1, {"file": plan("evil.exe", b"MZ" + b"\0" * 90)}, ""),
        (2, {"answer": " "}, "Please write your answer"),
        (2, {"answer": "x", "file": plan()}, "no file is needed"),
        (3, {}, "Please write an answer or choose a file"),
        (3, {"answer": "x" * 10_001}, "10000 characters"),
        (3, {"answer": "\ufffd"}, "cannot be shown"),
    ):
        answer = visitor.post(f"{link}/items/{position}", typed | {"revision": "1"}, **form)
        assert answer.status == 422, (position, typed)
        assert said in answer.text
        assert answer.tree.find(f".//*[@id='item-{position}']//p[@role='alert']") is not None
    huge = {"file": plan(data=b"%PDF" + b"x" * (27 * 1024 * 1024)), "revision": "1"}
    assert visitor.post(f"{link}/items/1", huge, **form).status == 413
    assert visitor.post(f"{link}/items/3", {"answer": "x", "revision": "7"}).status == 409
    monkeypatch.setattr(requests, "MOST_ANSWERS", 0)
    once_more = visitor.post(f"{link}/items/1", {"file": plan(), "revision": "1"}, **form)
    assert (once_more.status, "0 times already" in once_more.text) == (409, True)
    assert [one for one in (stage.folder / "files").rglob("*") if one.is_file()] == []
    assert stage.acme.dump() == before
    assert stage.acme.read(request).state == "sent"
