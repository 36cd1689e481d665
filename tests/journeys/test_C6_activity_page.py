"""C6: the team reads what happened in its own organization, narrowed down, at a bounded cost."""

from __future__ import annotations

import datetime as dt

from portico import clock
from portico.db import unit_of_work
from portico.queries import console_activity
from portico.records.activity import Activity, ActorKind
from portico.records.content import Kind
from portico.records.payment import PaymentKind
from portico.records.staff import Role
from portico.services import activity, activity_chain, payments, team
from portico.services.payments import Money, Transfer
from tests.cast import CHIYO, MARIT, OLAF


def _found(answer):
    """What each row of the page says it was, newest first."""
    return [
        row.xpath("string(./details/summary/span[1])") for row in answer.tree.xpath("//li[details]")
    ]


def _history(stage):
    """Something of everything, in two organizations; the log brought in."""
    acme = stage.acme
    _quote, link = acme.quote()
    stage.visitor("198.51.100.20").get(link)
    stage.visitor("198.51.100.21", User_Agent="Mozilla/5.0 (compatible; BarracudaCentral)").get(
        link
    )
    invoice = acme.document(OLAF, Kind.INVOICE)
    stage.visitor("198.51.100.22").get(acme.mailed(invoice, OLAF))
    stage.visitor("198.51.100.23").get(acme.mailed(acme.document(CHIYO), CHIYO))
    acme.log()


def test_the_log_is_for_the_team_of_its_organization_alone(stage):
    _history(stage)
    address = f"{stage.acme.console}/activity"
    for stranger in (stage.visitor(), stage.acme.account(MARIT)):
        assert "/staff/login" in stranger.get(address).location
        assert stranger.get(f"{address}/export.csv").status == 303
    others = stage.acme.staff(Role.OWNER, "brightwater").get(address)
    assert "198.51.100.23" in others.text
    assert "198.51.100.2" not in others.text.replace("198.51.100.23", "")
    for name in ("Fjordhus", "Tinde", MARIT.name):
        assert name not in others.text
    assert _found(stage.acme.staff(Role.OWNER, "brightwater", email="x@brightwater.example").get(
        f"{address}?customer=Fjordhus&document=Q-2041"
    )) == []  # fmt: skip
    viewer = stage.acme.staff(Role.VIEWER)
    page = viewer.get(address)
    assert "198.51.100.20" in page.text
    assert "198.51.100.23" not in page.text
    assert "Export as CSV" not in page.text
    assert viewer.get(f"{address}/export.csv").status == 403
    token = viewer.get(f"{stage.acme.console}/you").form("/password")[1]["csrf_token"]
    assert viewer.post(f"{address}/verify", {"csrf_token": token}).status == 403


def test_each_filter_narrows_the_log_down(both):
    _history(both)
    staff = both.acme.staff(Role.MANAGER)
    both.acme.log()
    address = f"{both.acme.console}/activity"

    def shown(**query):
        answer = staff.get(f"{address}?" + "&".join(f"{k}={v}" for k, v in query.items()))
        assert answer.status == 200
        return _found(answer)

    assert shown(what="view_invoice") == ["Viewed an invoice"]
    assert set(shown(what="financial")) == {"Viewed an invoice"}
    assert shown(what="security")[:3] == ["Signed in", "Set up an account", "Invited to the team"]
    assert shown(by="customer") == ["Viewed an invoice", "Viewed a quote", "Viewed a quote"]
    assert shown(label="scanner") == ["Viewed a quote"]
    assert shown(customer="fjordhus", by="customer") == ["Viewed a quote", "Viewed a quote"]
    assert shown(document="INV-1007", what="financial") == ["Viewed an invoice"]
    assert shown(document="INV-1007", customer="fjord") == []
    assert shown(q="198.51.100.22") == ["Viewed an invoice"]
    assert shown(q="marit", label="person", what="view_quote") == ["Viewed a quote"]
    assert shown(q="staff 1", what="login") == ["Signed in"]
    assert shown(since="2026-11-13") == []
    assert shown(until="2026-11-11") == []
    assert len(shown(since="2026-11-12", until="2026-11-12")) == len(shown())
    # What means nothing narrows nothing down, and breaks nothing.
    assert len(shown(what="x", by="x", label="x", before="x", q="%00%ff")) <= len(shown())
    for key in ("9" * 40, f"{'9' * 17}.{'9' * 19}", "1.99999999999999999999", "%ED%A0%80"):
        assert staff.get(f"{address}?before={key}").status == 200
    for day in ("yesterday", "0000-00-00", "9999-12-31", "x" * 10_000):
        answer = staff.get(f"{address}?until={day}", htmx=True)
        assert answer.status == 422
        assert "A day looks like" in answer.text


def test_a_row_opens_to_all_that_is_known_and_says_what_was_erased(stage):
    _history(stage)
    staff = stage.acme.staff(Role.OWNER)
    address = f"{stage.acme.console}/activity?what=view_quote&label=person"
    said = staff.get(address).text
    for known in ("198.51.100.20", "desktop · Firefox", "Linux", "Mozilla/5.0", "Revision 1",
                  "Quote Q-2041 · Fjordhus AS", MARIT.name, "a browser opened it"):  # fmt: skip
        assert known in said, known
    assert stage.command("activity", "erase", "halden", MARIT.customer).exit_code == 0
    said = staff.get(address).text
    assert "erased: address, device and browser are no longer kept" in said
    assert "198.51.100.20" not in said
    assert "Firefox" not in said
    assert MARIT.name in said
    # That it was erased belongs to no single organization: the owners see it.
    address = f"{stage.acme.console}/activity?what=erase_activity"
    assert _found(staff.get(address)) == []
    assert _found(staff.get(f"{address}&scope=all")) == ["Erased addresses"]
    manager = stage.acme.staff(Role.MANAGER)
    assert _found(manager.get(f"{address}&scope=all")) == []


def test_a_long_log_is_paged_without_gap_or_repetition_and_searched_in_bounds(both, monkeypatch):
    acme = both.acme
    moment = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    customer = acme.customer(MARIT)
    with acme.scope(), unit_of_work():
        for number in range(130):
            with clock.at(moment + dt.timedelta(minutes=number // 3)):
                activity.record(
                    activity.Entry(
                        Activity.VIEW_QUOTE if number % 10 else Activity.LOGIN,
                        ActorKind.CUSTOMER,
                        actor=f"Person {number}",
                        organization_id=customer.organization_id,
                        customer_id=customer.id,
                    )
                )
    staff = acme.staff(Role.OWNER)
    seen: list[str] = []
    url: str | None = f"{acme.console}/activity?by=customer"
    while url:
        answer = staff.get(url)
        seen += [a.text_content() for a in answer.tree.xpath("//li/details/summary/span[2]")]
        found = answer.tree.xpath("//nav[@aria-label='Pages']/a[@rel='next']/@href")
        url = f"https://acme.portal.example{found[0]}" if found else None
    assert seen == [f"Person {number}" for number in reversed(range(130))]
    monkeypatch.setattr(console_activity, "LOOKED_THROUGH", 60)
    answer = staff.get(f"{acme.console}/activity?by=customer&q=Person+3")
    found = answer.tree.xpath("//nav[@aria-label='Pages']/a[@rel='next']/@href")
    assert _found(answer) == []
    assert "Looked back to 1 Nov 2026" in answer.text
    answer = staff.get(f"https://acme.portal.example{found[0]}")
    assert "Look further back" in answer.text
    assert len(_found(answer)) >= 8


def test_paying_is_in_the_log_and_the_chain_sees_every_kind_of_meddling(both):
    acme = both.acme
    invoice = acme.document(OLAF, Kind.INVOICE)
    with acme.scope():
        customer = team.find_customer("halden", OLAF.customer)
        money = Money(PaymentKind.PAYMENT, 1000, "EUR", dt.date(2026, 11, 12), "P-1")
        payment = payments.record(customer.id, money, by="Kari")
        transfer = Transfer(payment_id=payment.id, invoice_id=invoice, amount=400)
        payments.allocate(transfer, by="Kari")
    (paid,) = (row for row in acme.log() if row.type == "pay_invoice")
    assert (paid.document_id, paid.details["amount"]) == (invoice, 400)
    assert Activity(paid.type).is_financial_action
    owner = acme.staff(Role.OWNER)
    page = owner.get(f"{acme.console}/activity")
    count = len(acme.log())
    assert f"All {count} rows are whole" in owner.fill_in(page, form="/verify").text
    assert f"All {count + 1} rows are whole" in owner.fill_in(page, form="/verify", htmx=True).text
    acme.log()
    for meddling, mending in (
        ("UPDATE {t} SET actor = 'Eve' WHERE id = 3", "UPDATE {t} SET actor = :actor WHERE id = 3"),
        ("UPDATE {t} SET ip = '1.2.3.4' WHERE id = 3", "UPDATE {t} SET ip = :ip WHERE id = 3"),
        ("UPDATE {t} SET id = 1003 WHERE id = 3", "UPDATE {t} SET id = 3 WHERE id = 1003"),
    ):
        row = acme.log()[2]
        acme.execute(meddling.format(t="portal_access_logs"))
        with acme.scope():
            assert activity_chain.verify().problem
            assert activity_chain.verify(newest=10_000).problem
            # Only the newest rows were asked about, and they are whole.
            assert activity_chain.verify(newest=2).problem is None or "1003" in meddling
        values = {name: getattr(row, name) for name in ("actor", "ip") if f":{name}" in mending}
        acme.execute(mending.format(t="portal_access_logs"), **values)
    assert "is not whole" not in owner.fill_in(page, form="/verify").text
    last = acme.log()[-1].id
    acme.execute("DELETE FROM portal_access_logs WHERE id = :last", last=last)
    with acme.scope():
        assert activity_chain.verify(newest=2).problem
    assert "The log is not whole" in owner.fill_in(page, form="/verify", htmx=True).text


def test_every_type_has_words():
    assert set(console_activity.WORDS) == set(Activity)
