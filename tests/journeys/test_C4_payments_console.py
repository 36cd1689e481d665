"""C4: money written down in the console, shared out, taken back; and statements issued."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

from sqlalchemy import event

from portico.db import engines
from portico.queries import console_payments
from portico.queries.console_payments import Which
from portico.queries.lists import Key
from portico.records.content import Kind, Totals
from portico.records.document import Document
from portico.records.payment import Allocation, Payment, PaymentKind
from portico.records.staff import Role
from portico.services import payments as books
from portico.services.payments import Money
from tests.cast import CHIYO, MARIT, OLAF, dearer

FORM = "application/x-www-form-urlencoded"
TODAY = dt.date(2026, 11, 12)


def at(company, *rest):
    return "/".join([company.console, *map(str, rest)])


def paid(
    company,
    person=MARIT,
    number="PAY-1",
    cents=100_000,
    kind=PaymentKind.PAYMENT,
    on=TODAY,
    currency="EUR",
):
    with company.scope():
        money = Money(kind, cents, currency, on, number, reference=f"for {number}")
        return books.record(company.customer(person).id, money, by="Kari").id


def invoice(company, number="INV-1007", person=MARIT, **changes):
    changes.setdefault("due_on", TODAY + dt.timedelta(days=int(number[-1])))
    return company.document(person, Kind.INVOICE, number=number, **changes)


def press(visitor, page, do, amounts=None, ending=None, htmx=False, **typed):
    """Press a button of a form that shares out money: *amounts* by the key of what is open."""
    [form] = [
        one for one in page.tree.iter("form")
        if (one.find(".//button[@value='settle']") is not None or one.get("action").endswith("/new"))
        and one.get("method") == "post"
    ] if ending is None else [one for one in page.tree.iter("form") if one.get("action").endswith(ending)]  # fmt: skip
    fields: dict[str, list[str]] = {}
    for node in form.iter("input", "select"):
        if node.get("type") != "checkbox":
            fields.setdefault(node.get("name"), []).append(node.value or "")
    if amounts is not None:
        keys = fields.get("side", [])
        fields["settle"] = [amounts.get(key, "") for key in keys]
    fields |= {name: [value] for name, value in (typed | {"do": do}).items()}
    root = page.url.partition("/staff/")[0]
    body = urlencode(fields, doseq=True)
    return visitor.post(root + form.get("action"), body, content_type=FORM, htmx=htmx)


def shared(page):
    """The amounts beside what is open, by key."""
    keys = [one.get("value") for one in page.tree.xpath("//input[@name='side']")]
    return dict(zip(keys, [one.value for one in page.tree.xpath("//input[@name='settle']")], strict=True))  # fmt: skip


def shown_first(page, name):
    """What stands in a field of the page's form before anybody types."""
    [node] = page.tree.xpath(f"//*[@id='f-{name}']")
    return node.value


def marked(page):
    return [one.get("id") for one in page.tree.xpath("//*[@aria-invalid='true']")]


def allocations(company):
    return [(one.payment_id, one.credit_note_id, one.invoice_id, one.refund_id, one.amount)
            for one in company.rows(Allocation)]  # fmt: skip


def test_who_may_not_touch_money_changes_nothing(stage, acme):
    bill, payment = invoice(acme), paid(acme)
    other = acme.document(CHIYO, Kind.INVOICE, external_id="theirs", number="BW-9")
    sales, customer = acme.staff(Role.SALES), acme.account(MARIT)
    desk = acme.staff(Role.OWNER, "brightwater", email="desk@staff.example")
    mine = acme.customer(MARIT).id
    before = acme.dump()
    pages = (("payments", payment), ("documents", bill, "money"), ("customers", mine, "statement"))
    for rest in (*pages, ("payments",)):
        assert sales.get(at(acme, *rest)).status == 200
        assert customer.get(at(acme, *rest)).status == 303
    assert "Release" not in sales.get(at(acme, "payments", payment)).text
    token = sales.get(at(acme, "logout")).form("/logout")[1]["csrf_token"]
    for rest in (("payments", "new"), pages[0], pages[1], ("payments", payment, "void")):
        assert sales.post(at(acme, *rest), {"csrf_token": token, "do": "settle"}).status == 403
    token = desk.get(at(acme, "logout")).form("/logout")[1]["csrf_token"]
    for rest in (*pages, ("payments", payment, "void")):
        assert desk.post(at(acme, *rest), {"csrf_token": token}).status == 404
        assert rest[-1] == "void" or desk.get(at(acme, *rest)).status == 404
    assert desk.get(at(acme, "payments", "new") + f"?invoice={bill}").status == 404
    assert "PAY-1" not in desk.get(at(acme, "payments") + "?q=PAY-1").text.replace("“PAY-1”", "")
    # Money of one organization does not reach what another is owed, whatever the form says.
    accountant = acme.staff(Role.ACCOUNTANT)
    body = {"csrf_token": accountant.get(at(acme, "logout")).form("/logout")[1]["csrf_token"]}
    before = acme.dump()
    forged = body | {"do": "settle", "side": f"invoice-{other}", "settle": "5"}
    told = accountant.post(at(acme, "payments", payment), forged)
    assert (told.status, "no longer open" in told.text, "BW-9" in told.text) == (422, True, False)
    assert accountant.post(at(acme, "payments", payment), body | {"do": "release-1"}).status == 422
    assert acme.dump() == before


def test_a_payment_is_written_down_from_its_invoice(both):
    acme = both.acme
    first, second = invoice(acme, "INV-1"), invoice(acme, "INV-2")
    accountant = acme.staff(Role.ACCOUNTANT)
    link = accountant.get(at(acme, "documents", first, "money"))
    [url] = [one.get("href") for one in link.tree.iter("a") if "payments/new" in one.get("href")]
    page = accountant.get(acme.public_url + url)
    assert page.heading == "Record a payment"
    assert shared(page) == {f"invoice-{first}": "6227.85", f"invoice-{second}": ""}
    done = press(accountant, page, "record", method="Bank transfer", reference="INV-1, thank you")
    assert done.status == 303
    payment = acme.rows(Payment)[0]
    assert (payment.number, payment.amount, payment.unallocated) == ("PAY-2026-0001", 622785, 0)
    assert allocations(acme) == [(payment.id, None, first, None, 622785)]
    assert acme.read(first).state == "paid"
    shown = accountant.get(done.location)
    assert "PAY-2026-0001 is written down." in shown.text
    # A second click leads to what the first one wrote; the number is nobody else's.
    assert press(accountant, page, "record").location == done.location
    other = press(accountant, page, "record", {}, amount="5")
    assert (marked(other), len(acme.rows(Payment))) == (["f-number"], 1)
    moved = press(accountant, page, "record", {f"invoice-{second}": "6227.85"})
    assert (marked(moved), len(acme.rows(Payment))) == (["f-number"], 1)
    assert acme.read(second).balance == 622785
    # Taken back on its page: open again on both sides; then voided, after a second yes.
    released = press(accountant, shown, f"release-{acme.rows(Allocation)[0].id}",
                     ending=f"/payments/{payment.id}", htmx=True)  # fmt: skip
    assert "It is open again on both sides." in released.text
    assert (acme.read(first).state, acme.read(first).balance) == ("posted", 622785)
    shown = accountant.get(done.location)
    assert "Please tick this" in press(accountant, shown, "", ending="/void").text
    gone = press(accountant, shown, "", ending="/void", sure="yes")
    assert "Voided" in accountant.get(gone.location).text
    voided = acme.dump()
    assert press(accountant, shown, "", ending="/void", sure="yes").location == done.location
    assert acme.dump() == voided
    types = [(row.type, row.actor) for row in acme.log() if row.type != "login"][-4:]
    assert types == [
        ("record_payment", "Accountant Nilsen"), ("pay_invoice", "Accountant Nilsen"),
        ("allocate_payment", "Accountant Nilsen"), ("void_payment", "Accountant Nilsen"),
    ]  # fmt: skip


def test_money_is_shared_out_oldest_first_and_wrong_amounts_are_marked(acme):
    third, first = invoice(acme, "INV-3"), invoice(acme, "INV-1", due_on=dt.date(2026, 9, 1))
    invoice(acme, "INV-9", OLAF)
    accountant = acme.staff(Role.ACCOUNTANT)
    page = accountant.get(at(acme, "payments", "new"))
    found = press(accountant, page, "find", who="fjord", amount="7000")
    picked = press(accountant, found, "", pick=str(acme.customer(MARIT).id))
    suggested = press(accountant, picked, "suggest", amount="7000.00")
    assert list(shared(suggested).items()) == [
        (f"invoice-{first}", "6227.85"), (f"invoice-{third}", "772.15"),
    ]  # fmt: skip
    before = acme.dump()
    for wrong, fields in (
        ({"amount": "7,000"}, {"f-amount"}),
        ({"amount": "0"}, {"f-amount"}),
        ({"amount": "9" * 20}, {"f-amount"}),
        ({"amount": "1"}, {"f-amount"}),  # less than what is shared out
        ({"currency": "XXY"}, {"f-currency"}),
        ({"kind": "bogus"}, {"f-kind"}),
        ({"received_on": "2026-11-13"}, {"f-received_on"}),
        ({"received_on": "yesterday"}, {"f-received_on"}),
        ({"number": ""}, {"f-number"}),
        ({"method": "x" * 101}, {"f-method"}),
    ):
        answer = press(accountant, suggested, "record", **wrong)
        assert (answer.status, set(marked(answer)) >= fields) == (422, True), wrong
    none = press(accountant, suggested, "record", {f"invoice-{first}": "x"}, customer="")
    assert {"f-who"} <= set(marked(none))
    too_much = press(accountant, suggested, "record", {f"invoice-{third}": "6500"})
    assert marked(too_much) == [f"f-settle-invoice-{third}"]
    assert shared(too_much)[f"invoice-{third}"] == "6500"
    assert "Only 6,227.85 EUR is open on Invoice INV-3." in too_much.text
    assert acme.dump() == before
    unclear = press(accountant, suggested, "record", {f"invoice-{third}": "1,250"}, amount="7,000")
    assert marked(unclear) == ["f-amount", f"f-settle-invoice-{third}"]
    assert "Please write 7000 or 7.000: this can be either." in unclear.text
    written = {f"invoice-{first}": "6,227.85", f"invoice-{third}": "772,15"}
    done = press(accountant, suggested, "record", written, amount="7.000,00", htmx=True)
    assert done.headers["HX-Redirect"]
    assert acme.rows(Payment)[0].amount == 700_000
    assert [acme.read(one).state for one in (first, third)] == ["paid", "partially_paid"]


def test_credit_and_refunds_are_used(acme):
    bill, note = invoice(acme, "INV-1"), acme.document(MARIT, Kind.CREDIT_NOTE, number="CN-1")
    payment = paid(acme, cents=50_000)
    accountant = acme.staff(Role.ACCOUNTANT)
    page = accountant.get(at(acme, "documents", note, "money"))
    assert page.heading == "Credit used"
    suggested = press(accountant, page, "suggest")
    assert shared(suggested) == {f"invoice-{bill}": "6227.85"}
    done = press(accountant, suggested, "settle", {f"invoice-{bill}": "227.85"}, htmx=True)
    assert "It is settled." in done.text
    # The rest of the invoice: from a payment that was in hand.
    page = accountant.get(at(acme, "documents", bill, "money"))
    press(accountant, page, "settle", {f"payment-{payment}": "500"})
    assert acme.read(bill).balance == 550_000
    page = accountant.get(at(acme, "documents", bill, "money"))
    assert "Give an amount" in press(accountant, page, "settle", {}).text.replace(
        "Please give an amount for at least one of these.", "Give an amount"
    )
    # Money given back is taken from the credit that is left.
    refund = accountant.get(
        at(acme, "payments", "new") + f"?kind=refund&customer={acme.customer(MARIT).id}"
    )
    assert refund.heading == "Record a refund"
    assert list(shared(refund)) == [f"credit_note-{note}"]
    done = press(accountant, refund, "record", {f"credit_note-{note}": "100"}, amount="100")
    assert accountant.get(done.location).heading == "REF-2026-0001"
    assert acme.read(note).balance == 622785 - 22785 - 10_000
    quote, _ = acme.quote()
    away = accountant.get(at(acme, "documents", quote, "money"))
    assert away.location == at(acme, "documents", quote)
    draft = acme.document(MARIT, Kind.INVOICE, number="INV-5", post=False)
    assert "Record a payment" not in accountant.get(at(acme, "documents", draft, "money")).text


def test_the_list_is_narrowed_down_searched_and_paged(both):
    acme = both.acme
    viewer = acme.staff(Role.VIEWER)
    with acme.scope():
        customer = acme.customer(MARIT).id
        for number in range(30):
            day = TODAY - dt.timedelta(days=number // 3)
            money = Money(PaymentKind.PAYMENT, 100 + number, "EUR", day, f"PAY-{number:02}")
            books.record(customer, money, by="Kari")
    paid(acme, OLAF, "REF-1", kind=PaymentKind.REFUND)
    paid(acme, CHIYO, "BW-1")
    here = at(acme, "payments")

    def numbers(page):
        return [link.text_content() for link in page.tree.findall(".//td[@class='number']/a")]

    first = viewer.get(here)
    assert (len(numbers(first)), numbers(first)[0]) == (25, "REF-1")
    [more] = [one.get("href") for one in first.tree.iter("a") if one.get("rel") == "next"]
    second = viewer.get(acme.public_url + more, htmx=True)
    assert len({*numbers(first), *numbers(second)}) == 31
    [back] = [one.get("href") for one in second.tree.iter("a") if one.get("rel") == "prev"]
    assert numbers(viewer.get(acme.public_url + back)) == numbers(first)
    for query, expected in {
        "which=refunds": ["REF-1"],
        "q=ref-1": ["REF-1"],
        "q=for+REF": ["REF-1"],
        "q=tinde": ["REF-1"],
        "q=PAY-2&which=payments": [f"PAY-{n}" for n in (20, 29, 28, 27, 26, 25, 24, 23, 22, 21)],
        "q=BW-1": [],
        "q=%25": [],
        "which=open&q=REF-1": ["REF-1"],
        f"customer={acme.customer(OLAF).id}": ["REF-1"],
        f"customer={2**70}&which=refunds&q={'x' * 10_000}": [],
        "which=nonsense&beyond=nonsense&before=%ED%A0%80&q=REF-1": ["REF-1"],
        "beyond=2026-11-12.99999999999999999999&which=refunds": ["REF-1"],
    }.items():
        found = numbers(viewer.get(f"{here}?{query}"))
        assert sorted(found) == sorted(expected), query


def test_a_page_of_the_list_reads_no_further_than_it_needs(acme):
    """The plan names the indexes, so that a page costs the same however many there are."""
    seen: list[str] = []
    with acme.scope():
        engine = engines().get(acme.database_url)
        event.listen(engine, "before_cursor_execute",
                     lambda _c, _cur, statement, *_rest: seen.append(statement))  # fmt: skip
        key = Key(TODAY, 5)
        for which in Which:
            console_payments.page(1, which, beyond=key)
        with engine.connect() as connection:
            for statement in [one for one in seen if "UNION" in one or "LIMIT" in one]:
                plan = connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {statement}",
                    tuple([1] * statement.count("?")),
                ).all()
                text = " ".join(str(row) for row in plan)
                assert "SCAN payments" not in text, text


def test_a_part_is_settled_once_for_two_clicks_and_by_no_reload(both):
    acme = both.acme
    bill, payment = invoice(acme), paid(acme)
    accountant, colleague = acme.staff(Role.ACCOUNTANT), acme.staff(Role.OWNER)
    for url, key in (
        (at(acme, "payments", payment), f"invoice-{bill}"),
        (at(acme, "documents", bill, "money"), f"payment-{payment}"),
    ):
        page = accountant.get(url)
        done = press(accountant, page, "settle", {key: "5"})
        assert (done.status, done.location) == (303, url)
        settled = acme.dump()
        assert "It is settled." in accountant.get(url).text
        assert press(accountant, page, "settle", {key: "5"}).status == 303
        assert "It is settled." in press(accountant, page, "settle", {key: "5"}, htmx=True).text
        for who, amounts in ((accountant, {key: "6"}), (colleague, {key: "5"})):
            typed = {"csrf_token": who.get(at(acme, "logout")).form("/logout")[1]["csrf_token"]}
            told = press(who, page, "settle", amounts, **typed)
            assert (told.status, "moved here meanwhile" in told.text) == (409, True)
            assert shared(told) == amounts, "what was typed stays"
        assert acme.dump() == settled
    assert acme.read(bill).balance == 622785 - 1000
    # On purpose it is done again; and the whole of it once for two clicks, though nothing is open.
    page = accountant.get(url)
    for _ in range(2):
        assert press(accountant, page, "settle", {key: "990"}).status == 303
    assert [one[-1] for one in allocations(acme)] == [500, 500, 99_000]


def test_what_was_paid_too_much_is_said_and_becomes_credit(both):
    acme = both.acme
    bill = invoice(acme, "INV-1")
    link = acme.mailed(bill, MARIT)
    accountant, customer = acme.staff(Role.ACCOUNTANT), acme.account(MARIT)
    money, who = at(acme, "documents", bill, "money"), acme.customer(MARIT).id
    for number, cents in (("PAY-1", 22785), ("PAY-2", 600_000)):
        payment = paid(acme, number=number, cents=cents)
        press(accountant, accountant.get(money), "settle", {f"payment-{payment}": _plain(cents)})
    assert "overpaid" not in accountant.get(money).text
    acme.revise(bill, dearer(acme.content(bill), -484_000))
    acme.send(bill, MARIT)
    assert (acme.read(bill).state, acme.read(bill).balance) == ("paid", -605_000)
    more = "6,050.00 more was paid than this invoice asks for."
    preview = at(acme, "customers", who, "preview", "invoices")
    for page in (
        both.visitor().get(link), customer.get(f"{acme.portal}/invoices/{bill}"),
        accountant.get(at(acme, "documents", bill)), accountant.get(f"{preview}/{bill}"),
    ):  # fmt: skip
        assert more in page.text
    shown = accountant.get(money)
    for page in (
        shown, accountant.get(at(acme, "documents")), customer.get(f"{acme.portal}/invoices"),
        accountant.get(preview), accountant.get(at(acme, "documents", bill)),
    ):  # fmt: skip
        assert ("6,050.00 overpaid" in page.text, "-€" in page.text) == (True, False)
    refund = at(acme, "payments", "new") + f"?kind=refund&customer={who}"
    assert "6,050.00 more was paid on invoice INV-1" in accountant.get(refund).text
    # Of the newest payment all, of the one before the rest: once, for two clicks.
    assert shown.tree.find(".//button[@value='surplus']") is not None
    pressed = accountant.get(at(acme, "logout")).form("/logout")[1] | {"do": "surplus"}
    for _ in range(2):
        released = accountant.post(money, pressed, htmx=True)
        assert "The surplus is credit of the customer now." in released.text
    assert [one.unallocated for one in acme.rows(Payment)] == [5_000, 600_000]
    assert [one[-1] for one in allocations(acme)] == [17_785]
    assert (acme.read(bill).state, acme.read(bill).balance) == ("paid", 0)
    assert (
        "overpaid" not in accountant.get(money).text + customer.get(f"{acme.portal}/invoices").text
    )
    offered = accountant.get(refund)
    assert "more was paid" not in offered.text
    assert len(shared(offered)) == 2
    taken = [row.details["amount"] for row in acme.log() if row.type == "allocate_payment"]
    assert taken == [-600_000, -5_000]


def _plain(cents):
    return f"{cents // 100}.{cents % 100:02}"


def test_amounts_beyond_all_sense_are_refused_and_their_sums_break_no_page(both):
    acme = both.acme
    accountant, customer = acme.staff(Role.ACCOUNTANT), acme.account(MARIT)
    who = acme.customer(MARIT).id
    for kind in (PaymentKind.PAYMENT, PaymentKind.REFUND):
        page = accountant.get(at(acme, "payments", "new") + f"?kind={kind}&customer={who}")
        told = press(accountant, page, "record", amount="999999999999999.99")
        assert (told.status, marked(told)) == (422, ["f-amount"])
        assert "This is more than can be counted." in told.text
    assert acme.rows(Payment) == []
    # Papers that were imported may say more; what they come to is shown all the same.
    huge = Totals(gross=10**17, payable=10**17)
    for number in ("INV-1", "INV-2"):
        invoice(acme, number, totals=huge)
    for number in ("PAY-1", "PAY-2"):
        paid(acme, number=number, cents=10**15)
    assert "1,980,000,000,000,000.00" in customer.get(f"{acme.portal}/dashboard").text
    for rest in (("documents",), ("payments",), ("customers", who), ("customers",)):
        assert accountant.get(at(acme, *rest)).status == 200, rest
    url = at(acme, "customers", who, "statement")
    token = accountant.get(at(acme, "logout")).form("/logout")[1]
    typed = token | {"start": "2026-11-01", "end": "2026-11-30", "currency": "EUR"}
    for told in (
        accountant.get(url),
        accountant.post(url, typed),
        customer.get(f"{acme.portal}/statement"),
    ):
        assert (told.status, "too large for one statement" in told.text) == (422, True)


def test_a_statement_is_seen_issued_and_sent(stage, acme):
    invoice(acme, "INV-1")
    paid(acme, cents=22785)
    viewer, accountant = acme.staff(Role.VIEWER), acme.staff(Role.ACCOUNTANT)
    url = at(acme, "customers", acme.customer(MARIT).id, "statement")
    page = viewer.get(url)
    assert "6,000.00" in page.text
    assert not [
        form for form in page.forms() if form.endswith("/statement") and "csrf" in str(form)
    ]
    token = viewer.get(at(acme, "logout")).form("/logout")[1]["csrf_token"]
    assert viewer.post(url, {"csrf_token": token}).status == 403
    for query in ("start=soon", "start=2026-11-12&end=2026-11-01", "currency=XXY", "currency=GBP",
                  "start=0001-01-01", "end=%ED%A0%80&start=" + "9" * 10_000):  # fmt: skip
        assert accountant.get(f"{url}?{query}").status == 422, query
    before = acme.dump()
    token = accountant.get(at(acme, "logout")).form("/logout")[1]["csrf_token"]
    typed = {"csrf_token": token, "start": "2026-11-01", "end": "2026-11-30", "currency": "EUR"}
    for wrong in ({"end": "2026-10-01"}, {"currency": "GBP"}):
        told = accountant.post(url, typed | wrong, htmx=True)
        assert (told.status, acme.dump() == before) == (422, True)
    assert "Fjordhus AS has nothing in GBP." in told.text
    done = accountant.post(url, typed)
    made = acme.rows(Document)[-1]
    assert (made.kind, made.number) == ("statement", "ST-2026-0001")
    assert done.location == at(acme, "documents", made.id, "send")
    issued = acme.dump()
    assert accountant.post(url, typed).location == done.location, "a second click issues no other"
    assert acme.dump() == issued
    link = acme.mailed(made.id, MARIT)
    assert "6,000.00" in stage.visitor().get(link).text
    # What is used most comes first, and what was ever used can be chosen.
    paid(acme, number="PAY-2", currency="CLF")
    assert shown_first(accountant.get(url), "currency") == "EUR"
    assert accountant.get(f"{url}?currency=CLF").status == 200
    customer = acme.customer(MARIT).id
    refund = at(acme, "payments", "new") + f"?kind=refund&customer={customer}"
    assert shown_first(accountant.get(refund), "currency") == "EUR"
    empty = at(acme, "customers", acme.customer(OLAF).id, "statement")
    assert "has no invoices" in accountant.get(empty).text
    assert accountant.post(empty, typed | {"currency": ""}).status == 422
