"""W9, A10: what is new, told in the bell and by mail to every account of the customer."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from portico import clock as portico_clock
from portico.db import db, engines, unit_of_work
from portico.records.account import PortalAccount
from portico.records.content import Kind
from portico.records.customer import Contact
from portico.records.decision import Answer
from portico.records.document import Document
from portico.records.mail import Mail, MailKind, MailState
from portico.records.notification import Notification, Topic
from portico.records.payment import PaymentKind
from portico.services import accounts, conversations, decisions, documents, links, payments, team
from portico.services.decisions import Signatory
from portico.services.payments import Money
from tests.cast import BEA, CHIYO, MARIT, OLAF, PASSWORD, Person, bodies, dearer

JONAS = Person("Jonas Dahl", "jonas@fjordhus.example", MARIT.customer, "halden", "acme")
IDA = Person("Ida Lund", "ida@fjordhus.example", MARIT.customer, "halden", "acme")


def _settle(acme, *people):
    for person in people:
        with acme.scope():
            team.add_contact(person.organization, person.customer, person.name, person.email)


def _account(acme, person) -> PortalAccount:
    with acme.scope():
        return accounts.find_account(acme.contact(person).id)


def _told(acme, person) -> list[str]:
    """Topics in a person's bell, oldest first."""
    account = _account(acme, person).id
    return [one.topic for one in acme.rows(Notification) if one.account_id == account]


def _mailed(acme, person) -> list[str]:
    """Subjects of the notifications that arrived at a person."""
    acme.stage.deliver()
    letters = acme.stage.letters_to(person)
    ids = {mail.message_id for mail in acme.mails() if mail.kind == MailKind.NOTIFICATION}
    return [one.message["Subject"] for one in letters if one.message["Message-ID"] in ids]


def test_outsiders_are_told_nothing(both):
    acme, bolt = both.acme, both.bolt
    browsers = [company.account(person) for company, person in
                ((acme, OLAF), (acme, CHIYO), (bolt, BEA))]  # fmt: skip
    acme.account(MARIT)
    acme.quote(MARIT)
    assert _told(acme, MARIT) == [Topic.NEW_DOCUMENT]
    (line,) = acme.rows(Notification)
    assert bolt.rows(Notification) == []
    for browser, company in zip(browsers, (acme, acme, bolt), strict=True):
        page = browser.get(f"{company.portal}/notifications")
        assert "Q-2041" not in page.text
        assert page.tree.xpath("//a[@class='bell']/@aria-label") == ["Notifications"]
        fields = {
            "csrf_token": browser.get(f"{company.portal}/settings").form("/settings")[1][
                "csrf_token"
            ]
        }
        assert browser.post(f"{company.portal}/notifications/{line.id}", fields).status == 404
        assert (
            browser.post(f"{company.portal}/notifications", fields | {"through": line.id}).status
            == 303
        )
    assert acme.rows(Notification)[0].read_at is None
    answer = both.visitor().get(f"{acme.portal}/notifications")
    assert "/login" in answer.location


def test_each_piece_of_news_reaches_colleagues_once_and_never_who_did_it(both):
    acme = both.acme
    _settle(acme, JONAS, IDA)
    acme.account(MARIT)
    jonas = acme.account(JONAS)
    document, _link = acme.quote(MARIT)
    acme.mailed(document, MARIT)  # the same revision again is no news
    assert _told(acme, MARIT) == _told(acme, JONAS) == [Topic.NEW_DOCUMENT]
    assert _mailed(acme, JONAS) == ["New: quote Q-2041, €6,227.85."]
    assert _mailed(acme, MARIT) == [], "the quote itself was mailed to her"

    acme.revise(document, dearer(acme.content(document)))
    acme.mailed(document, MARIT)
    with acme.scope():
        documents.extend(document, dt.date(2026, 12, 20), by="Kari")
        conversations.answer(document, "Yes, in oak.", by="Kari")
    page = both.visitor().get(both.link_to(MARIT))
    both.visitor().fill_in(page, {"name": "Marit S."}, form="/accept")
    with acme.scope():
        decisions.reverse(document, by="Kari", note="Recorded on the wrong quote.")
        decisions.record_offline(
            document, Answer.DECLINED, Signatory("Ida Lund"), by="Kari", note="By phone."
        )
        today = portico_clock.today("Europe/Oslo")
        money = Money(PaymentKind.PAYMENT, 10_000, "EUR", today, "PAY-1")
        payments.record(acme.customer(MARIT).id, money, by="Kari")
        old = Money(PaymentKind.PAYMENT, 10_000, "EUR", dt.date(2025, 1, 1), "PAY-0")
        payments.record(acme.customer(MARIT).id, old, by="Kari")
    common = [Topic.NEW_DOCUMENT, Topic.REVISED, Topic.EXTENDED, Topic.ANSWERED]
    after = [Topic.REVERSED, Topic.DECIDED, Topic.PAYMENT]
    assert _told(acme, JONAS) == [*common, Topic.DECIDED, *after]
    assert _told(acme, MARIT) == [*common, *after], "she knows that she accepted"
    assert _mailed(acme, JONAS) == [
        "New: quote Q-2041, €6,227.85.",
        "Quote Q-2041 has a new version, €6,352.85.",
        "Quote Q-2041 is open for longer: until 20 Dec 2026.",
        "We answered a question about quote Q-2041.",
        "Marit S. accepted quote Q-2041.",
        "The answer to quote Q-2041 was taken back; it is open again.",
        "We received €100.00, thank you: payment PAY-1.",
    ], "a receipt of the recorded answer went to everybody on file"
    assert _mailed(acme, MARIT) == ["We received €100.00, thank you: payment PAY-1."]
    letter = both.letters_to(JONAS)[-1].message.get_body(("plain",)).get_content()
    assert f"{acme.portal}/payments/1" in letter
    assert f"{acme.portal}/settings" in letter
    account = _account(acme, JONAS).id
    newest = max(one.id for one in acme.rows(Notification) if one.account_id == account)
    opened = jonas.fill_in(f"{acme.portal}/notifications", form=f"/{newest}")
    assert opened.location == f"{acme.portal}/payments/1"
    assert "PAY-1" in jonas.get(opened.location).text
    assert jonas.get(f"{acme.portal}/notifications").status == 200


def test_by_mail_only_what_was_chosen_and_only_to_who_may_still_enter(acme):
    _settle(acme, JONAS, IDA)
    acme.account(MARIT)
    acme.account(JONAS)
    acme.invite(IDA)  # and never came
    acme.execute("UPDATE customer_portal_accounts SET mail_documents = false")
    first = acme.document(MARIT)
    acme.send(first, MARIT)
    assert _told(acme, JONAS) == _told(acme, IDA) == [Topic.NEW_DOCUMENT]
    assert _mailed(acme, JONAS) == _mailed(acme, IDA) == []
    acme.execute("UPDATE customer_portal_accounts SET mail_documents = true")
    # Whoever loses access before the mail leaves, or has read it by then, is not mailed.
    second = acme.document(MARIT, number="Q-2", external_id="Q-2")
    acme.send(second, MARIT)
    with acme.scope():
        accounts.disable(_account(acme, JONAS).id, by="Kari")
    assert _mailed(acme, JONAS) == _mailed(acme, IDA) == []
    (skipped,) = [mail for mail in acme.mails() if mail.state == MailState.SKIPPED]
    assert "access was lost" in skipped.error
    third = acme.document(MARIT, number="Q-3", external_id="Q-3")
    acme.send(third, MARIT)
    assert _told(acme, JONAS) == [Topic.NEW_DOCUMENT] * 2, "a disabled account is told nothing"


def test_from_the_mail_a_guest_need_not_say_in_which_organization(acme):
    _settle(acme, JONAS)
    acme.account(JONAS)
    document, _link = acme.quote(MARIT)
    (subject,) = _mailed(acme, JONAS)
    (letter,) = [one for one in acme.stage.letters_to(JONAS) if one.message["Subject"] == subject]
    page = f"{acme.portal}/quotes/{document}?org=halden"
    assert all(page in body for body in bodies(letter))
    guest = acme.stage.visitor()
    login = guest.get(guest.get(page).location)
    _action, fields = login.form("/login")
    assert fields["org"] == "halden"
    done = guest.fill_in(login, {"email": JONAS.email, "password": PASSWORD}, form="/login")
    assert done.location == page
    assert "Q-2041" in guest.get(page).text


def test_from_the_mail_of_another_organization_the_way_leads_there(acme):
    """Somebody with an account at each follows a mail in a browser where the other one is open."""
    document = acme.document(CHIYO, number="Q-KUMO")
    acme.account(CHIYO, address="203.0.113.8")
    browser = acme.account(MARIT)
    page = f"{acme.portal}/quotes/{document}?org=brightwater"
    asked = browser.get(page)
    assert (asked.status, asked.heading) == (404, "This page is at Brightwater of Acme")
    assert "Q-KUMO" not in asked.source
    for nobodys in ("nowhere", "", "halden"):
        assert browser.get(f"{acme.portal}/quotes?org={nobodys}").heading == "Quotes"
    login = browser.get(browser.fill_in(asked, form="/logout").location)
    assert login.form("/login")[1]["org"] == "brightwater"
    done = browser.fill_in(login, {"email": CHIYO.email, "password": PASSWORD}, form="/login")
    assert done.location == page
    assert browser.get(page).heading == "Q-KUMO"
    form = browser.get(f"{acme.portal}/logout").form("/logout")[1]
    astray = form | {"org": "x\ny", "next": "https://mallory.example/customer-portal/"}
    assert "mallory" not in browser.post(f"{acme.portal}/logout", astray).location


def test_the_bell_counts_and_a_get_changes_nothing(acme):
    _settle(acme, JONAS)
    browser = acme.account(JONAS)
    document, _link = acme.quote(MARIT)
    acme.mailed(acme.document(MARIT, Kind.INVOICE), MARIT)
    url = f"{acme.portal}/notifications"
    for _ in range(2):
        page = browser.get(url)
        assert page.tree.xpath("//a[@class='bell']/@aria-label") == ["Notifications, 2 new"]
    assert browser.get(f"{url}/1").location == url
    sentences = [
        " ".join(p.text_content().split()) for p in page.tree.xpath("//ul[@class='news']//p[1]")
    ]
    assert sentences == ["New: invoice INV-1007, €6,227.85.", "New: quote Q-2041, €6,227.85."]
    oldest = min(one.id for one in acme.rows(Notification))
    opened = browser.fill_in(page, form=f"/{oldest}")
    assert opened.location == f"{acme.portal}/quotes/{document}"
    assert "Q-2041" in browser.get(opened.location).text
    page = browser.get(url)
    assert "Notifications, 1 new" in page.tree.xpath("//a[@class='bell']/@aria-label")
    acme.mailed(acme.document(MARIT, number="Q-9", external_id="Q-9"), MARIT)
    browser.fill_in(page, form="/notifications")
    left = [one for one in acme.rows(Notification) if one.read_at is None]
    assert len(left) == 1, "what came after the page was opened stays new"
    assert left[0].details["number"] == "Q-9"


def test_bad_addresses_and_forms_are_no_accident(acme):
    browser = acme.account(MARIT)
    acme.quote(MARIT)
    token = {
        "csrf_token": browser.get(f"{acme.portal}/settings").form("/settings")[1]["csrf_token"]
    }
    url = f"{acme.portal}/notifications"
    before = acme.dump()
    for text in ("", "x", "-1", "9" * 19, "9" * 40, "٣", "1%00", "%ED%B2%80"):
        assert browser.get(f"{url}?before={text}").status == 200
    for number in ("0", "9" * 19, "9" * 400):
        assert browser.post(f"{url}/{number}", token).status == 404
    for through in (
        "",
        "x",
        "0",
        "9" * 40,
        "\ud800".encode("utf-8", "surrogatepass"),
        "1" * 10_000,
    ):
        assert browser.post(url, token | {"through": through}).status in {303, 422}
    assert browser.post(url, {"through": "99"}).status == 403
    assert acme.dump() == before


def test_a_long_list_is_paged_by_key(acme):
    browser = acme.account(MARIT)
    for number in range(60):
        acme.document(MARIT, number=f"Q-{number:02}", external_id=f"Q-{number:02}")
    with acme.scope():
        for document in acme.rows(Document):
            links.copy(document.id, by="Kari")
    url, seen = f"{acme.portal}/notifications", []
    while url:
        page = browser.get(url)
        seen += [
            p.text_content().split()[2].rstrip(",")
            for p in page.tree.xpath("//ul[@class='news']//p[1]")
        ]
        older = page.tree.xpath("//nav[@class='pager']/a/@href")
        url = older and f"{acme.public_url}{older[0]}"
    assert seen == [f"Q-{number:02}" for number in reversed(range(60))]
    assert (
        browser.get(f"{acme.portal}/dashboard").tree.xpath("//a[@class='bell']/span")[0].text
        == "60"
    )


def test_hundreds_of_accounts_are_told_in_one_statement(both):
    """Three hundred colleagues cost one statement more than none: all their mails at once."""
    acme = both.acme
    acme.account(MARIT)
    statements = [_statements_to_send(acme, "Q-1")]
    customer = acme.customer(MARIT)
    with acme.scope(), unit_of_work():
        for number in range(300):
            values = {"organization_id": customer.organization_id, "customer_id": customer.id,
                      "created_at": portico_clock.now()}  # fmt: skip
            email = f"c{number}@fjordhus.example"
            contact = Contact(name="C", email=email, portal_access=True, is_active=True, **values)
            db.session.add(contact)
            db.session.flush()
            account = PortalAccount(contact_id=contact.id, email=email, created_by="Kari",
                                    set_up_at=portico_clock.now(), **values)  # fmt: skip
            db.session.add(account)
    statements.append(_statements_to_send(acme, "Q-2"))
    assert statements[1] == statements[0] + 1
    assert len([one for one in acme.rows(Notification) if one.details["number"] == "Q-2"]) == 301
    assert len([one for one in acme.rows(Mail) if one.kind == MailKind.NOTIFICATION]) == 300


def _statements_to_send(acme, number) -> int:
    document = acme.document(MARIT, number=number, external_id=number)
    counted: list[str] = []

    def count(_connection, _cursor, statement, *_rest):
        counted.append(statement)

    with acme.scope():
        engine = engines().get(acme.database_url)
    sa.event.listen(engine, "before_cursor_execute", count)
    try:
        acme.send(document, MARIT)
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)
    return len([one for one in counted if one.startswith(("INSERT", "UPDATE", "SELECT"))])
