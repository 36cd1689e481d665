"""C4: quotes and invoices written and changed in the console, with what follows for the customer."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

import pytest

from portico.records.content import Kind
from portico.records.document import Document, DocumentRevision
from portico.records.payment import PaymentKind
from portico.records.staff import Role
from portico.services import settlements
from portico.services.imports.checks import check_sums
from portico.services.payments import Money
from portico.services.settlements import Part, Side
from tests.cast import CHIYO, MARIT, OLAF, content_for

FORM = "application/x-www-form-urlencoded"
LINE = ("name", "note", "quantity", "unit", "price", "tax", "id")


def new(company, kind="invoice", query=""):
    return f"{company.console}/documents/new/{kind}{query}"


def edit(company, document_id):
    return f"{company.console}/documents/{document_id}/edit"


def form_of(page):
    """The address and every field of the editor's form, lines as lists, as a browser sends them."""
    [form] = [one for one in page.tree.iter("form") if one.get("novalidate") is not None]
    fields: dict[str, list[str]] = {}
    for node in form.iter("input", "textarea", "select"):
        value = node.value if node.tag != "textarea" else (node.text or "").removeprefix("\n")
        fields.setdefault(node.get("name"), []).append(value or "")
    return form.get("action"), fields


def send(visitor, page, do, lines=None, htmx=False, **typed):
    """Press a button of the editor, with *typed* and *lines* over what the page filled in."""
    action, fields = form_of(page)
    fields |= {name: [value] for name, value in typed.items()}
    if lines is not None:
        for place, name in enumerate(LINE):
            fields[f"line_{name}"] = [(*line, *[""] * 7)[place] for line in lines]
    body = urlencode({**fields, **do}, doseq=True)
    root = page.url.partition("/staff/")[0]
    return visitor.post(root + action, body, content_type=FORM, htmx=htmx)


def errors(page):
    """What is said beside each field, by the field's id."""
    marked = page.tree.xpath("//*[@aria-invalid='true']")
    said = {one.get("id"): one.text_content() for one in page.tree.xpath("//p[@class='error']")}
    return {one.get("id"): said[one.get("aria-describedby").split()[-1]] for one in marked}


OAK = ("Oak, oiled", "Cut to drawing", "14", "C62", "185.00", "25")
RAIL = ("Handrail", "", "1.5", "MTR", "99.995", "12")
POST, DRAFT, SAVE, RESEND = ({"do": one} for one in ("post", "draft", "save", "send"))


def test_who_may_not_write_reaches_nothing(stage, acme):
    quote, _ = acme.quote()
    viewer, customer = acme.staff(Role.VIEWER), acme.account(MARIT)
    desk = acme.staff(Role.OWNER, "brightwater", email="desk@staff.example")
    before = acme.dump()
    ways = (new(acme), new(acme, "quote"), edit(acme, quote))
    for url in ways:
        assert (viewer.get(url).status, customer.get(url).status) == (403, 303)
    token = viewer.get(f"{acme.console}/logout").form("/logout")[1]["csrf_token"]
    for url in (*ways, f"{acme.console}/documents/totals"):
        assert viewer.post(url, {"csrf_token": token, "do": "post"}).status == 403
    assert desk.get(edit(acme, quote)).status == 404
    # Their own form, with a customer of the neighbours: by address, by picking, by the hidden field.
    theirs = acme.customer(MARIT).id
    page = desk.get(new(acme, query=f"?customer={theirs}&q=Fjordhus"))
    assert "Fjordhus" not in page.text.replace("“Fjordhus”", "")
    for forged in ({"customer": theirs}, {"pick": theirs}, {"customer": 2**70}):
        answer = send(desk, page, {**POST, **forged}, [OAK])
        assert (answer.status, list(errors(answer))) == (422, ["f-who"])
    token = form_of(page)[1]["csrf_token"][0]
    assert desk.post(edit(acme, quote), {"csrf_token": token, "do": "save"}).status == 404
    assert acme.dump() == before


def test_an_invoice_is_written_without_javascript_and_sent(stage, acme):
    accountant = acme.staff(Role.ACCOUNTANT)
    page = accountant.get(new(acme))
    assert page.heading == "New invoice"
    assert form_of(page)[1]["number"] == ["INV-2026-0001"]
    found = send(accountant, page, {"do": "find"}, [OAK], who="fjord", title="Boathouse")
    assert "Tinde" not in found.text
    picked = send(accountant, found, {"pick": acme.customer(MARIT).id})
    assert form_of(picked)[1]["customer"] == [str(acme.customer(MARIT).id)]
    more = send(accountant, picked, {"do": "add"}, currency="EUR")
    lines = form_of(more)[1]
    assert (lines["line_name"], lines["line_tax"]) == (["Oak, oiled", ""], ["25", "25"])
    assert "3,237.50" in more.text  # 14 × 185.00, and 25 %
    fewer = send(accountant, more, {"do": "remove-1"}, [OAK, ("typed", "", "x")])
    assert form_of(fewer)[1]["line_name"] == ["Oak, oiled"]
    elsewhere = send(accountant, fewer, {"do": "exchange"})
    assert "customer" not in form_of(elsewhere)[1]
    assert form_of(elsewhere)[1]["title"] == ["Boathouse"]
    done = send(
        accountant, fewer, POST, [OAK, RAIL, ("", "", "1", "", "", "25")],
        address="Storgata 12\n7010 Trondheim", notes="Thank you.", terms="14 days",
    )  # fmt: skip
    [document] = acme.rows(Document)
    assert done.location == f"{acme.console}/documents/{document.id}/send"
    assert "It is posted and can be sent." in accountant.get(done.location).text
    content = acme.content(document.id)
    assert check_sums(content) == []
    # 2590.00 + 149.99 (1.5 × 99.995), 25 % and 12 % of them
    assert (content.totals.net, content.totals.tax, content.totals.payable) == (
        273999, 64750 + 1800, 340549,
    )  # fmt: skip
    assert (document.state, document.balance, document.due_on.isoformat()) == (
        "posted", 340549, "2026-11-26",
    )  # fmt: skip
    assert content.buyer.model_dump(exclude_defaults=True) == {
        "name": "Fjordhus AS",
        "address": {"lines": ("Storgata 12", "7010 Trondheim")},
    }
    link = acme.mailed(document.id, MARIT)
    assert "Cut to drawing" in stage.visitor().get(link).text
    # The next one goes on from here: number, tax, and where the customer lives.
    page = accountant.get(new(acme, query=f"?customer={acme.customer(MARIT).id}"))
    fields = form_of(page)[1]
    assert (fields["number"], fields["line_tax"]) == (["INV-2026-0002"], ["25"])
    assert fields["address"] == ["Storgata 12\n7010 Trondheim"]
    assert [row.type for row in acme.log() if row.type == "write_document"] == ["write_document"]


def test_what_is_wrong_is_marked_in_its_line_and_nothing_typed_is_lost(acme):
    sales = acme.staff(Role.SALES)
    page = sales.get(new(acme, "quote", f"?customer={acme.customer(MARIT).id}"))
    before = acme.dump()
    bad = ("x" * 501, "y" * 10_001, "1,500", "C62", "much", "1000")
    answer = send(sales, page, DRAFT, [OAK, ("", "", "1"), bad], currency="EURO", last_day="soon",
                  notes="n" * 10_001, terms="<b>“</b>")  # fmt: skip
    assert answer.status == 422
    assert set(errors(answer)) == {
        "f-currency", "f-last_day", "f-notes",
        *(f"f-line-2-{name}" for name in ("name", "note", "quantity", "price", "tax")),
    }  # fmt: skip
    fields = form_of(answer)[1]
    assert [fields[f"line_{name}"][2] for name in LINE[:6]] == [*bad]
    assert (fields["currency"], fields["last_day"]) == (["EURO"], ["soon"])
    assert (fields["terms"], fields["notes"]) == (["<b>“</b>"], ["n" * 10_001])
    # Nothing too, where the numbers are larger than any database counts, or the form is broken.
    huge = ("Moon", "", "999999999", "", "999999999999", "25")
    assert set(errors(send(sales, page, POST, [huge]))) == {"f-line-0-price"}
    assert "credit note" in send(sales, page, POST, [("Back", "", "-1", "", "5", "")]).text
    full = send(sales, page, {"do": "add"}, [OAK] * 200)
    assert "There is room for 200 lines." in full.text
    assert "There is room for 200 lines" in send(sales, page, POST, [OAK] * 201).text
    action, fields = form_of(page)
    for body in ("&do=post&do=draft", "&title=%ED%A0%80&do=post", "&line_name=%FF&do=post"):
        whole = urlencode(fields, doseq=True) + body
        assert sales.post(acme.public_url + action, whole, content_type=FORM).status == 422
    assert sales.post(acme.public_url + action, "{}", content_type="application/json").status == 415
    odd = send(sales, page, {"do": f"remove-{10**30}"}, [OAK])
    assert form_of(odd)[1]["line_name"] == ["Oak, oiled"]
    assert acme.dump() == before


def test_htmx_gets_the_form_and_the_sums_alone(acme):
    sales = acme.staff(Role.SALES)
    page = sales.get(new(acme, "quote"))
    assert send(sales, page, {"do": "add"}, [OAK], htmx=True).tree.get("id") != "editor"
    more = send(sales, page, {"do": "add"}, [OAK], htmx=True)
    assert 'id="editor"' in more.source
    # What stood above it, from the page before or an error, is said no more.
    assert more.tree.xpath("//*[@id='problem' and @hx-swap-oob='true' and not(node())]")
    _action, fields = form_of(page)
    for place, name in enumerate(LINE):
        fields[f"line_{name}"] = [(*line, "")[place] for line in (OAK, RAIL)]
    body = urlencode(fields, doseq=True)
    totals = f"{acme.console}/documents/totals"
    part = sales.post(totals, body, content_type=FORM, htmx=True)
    assert [one.text for one in part.tree.iter("output")] == ["2,590.00", "149.99"]
    assert "3,405.49" in part.text
    typed = body.replace("currency=EUR", "currency=+eur+")
    part = sales.post(totals, typed, content_type=FORM, htmx=True)
    assert "Total EUR 3,405.49" in " ".join(part.text.split())
    none = sales.post(
        totals, body.replace("currency=EUR", "currency=E"), content_type=FORM, htmx=True
    )
    assert "once the currency is known" in none.text
    # As people write numbers elsewhere; the sums beside the form are those of what is stored.
    comma = [("Oak", "", "1 014,5", "C62", "1.185,00", "25,0"), ("Rail", "", "1,250", "", "2", "")]
    for place, name in enumerate(LINE):
        fields[f"line_{name}"] = [(*line, "")[place] for line in comma]
    part = sales.post(totals, urlencode(fields, doseq=True), content_type=FORM, htmx=True)
    assert [one.text for one in part.tree.iter("output")] == ["1,202,182.50", "–"]
    asked = {**DRAFT, "customer": acme.customer(MARIT).id}
    unclear = send(sales, page, asked, comma)
    said = "Please write 1250 or 1.250: this can be either."
    assert errors(unclear) == {"f-line-1-quantity": said}
    done = send(sales, page, asked, comma[:1], htmx=True)
    made = acme.rows(Document)[0].id
    assert done.headers["HX-Redirect"].endswith(f"/documents/{made}")
    [line] = acme.content(made).lines
    assert (line.quantity, line.price, line.amount) == ("1014.5", "1185", "1202182.5")


def test_a_number_is_taken_once(both):
    acme = both.acme
    sales = acme.staff(Role.SALES)
    page = sales.get(new(acme, "quote", f"?customer={acme.customer(MARIT).id}"))
    made = send(sales, page, DRAFT, [OAK])
    assert send(sales, page, DRAFT, [OAK]).location == made.location  # a second click
    for do, line in ((POST, OAK), (DRAFT, RAIL)):
        assert errors(send(sales, page, do, [line])) == {
            "f-number": "Q-2026-0001 is taken. The next free number is Q-2026-0002."
        }
    assert send(sales, page, POST, [OAK], number="Q-2026-0002").status == 303
    # A draft takes its number along; the books' id too.
    first, second = acme.rows(Document)
    draft = sales.get(edit(acme, first.id))
    assert list(errors(send(sales, draft, DRAFT, number="Q-2026-0002"))) == ["f-number"]
    assert send(sales, draft, DRAFT, number="Q-7").status == 303
    assert acme.read(first.id).external_id == acme.read(first.id).number == "Q-7"
    posted = sales.get(edit(acme, second.id))
    assert list(errors(send(sales, posted, SAVE, number="Q-8", reason="x"))) == []
    assert (
        "What was posted keeps its number."
        in send(sales, posted, SAVE, number="Q-8", reason="x").text
    )
    assert acme.read(second.id).number == "Q-2026-0002"
    # Another kind, and another organization, count for themselves.
    invoice = sales.get(new(acme, "invoice", f"?customer={acme.customer(MARIT).id}"))
    assert send(sales, invoice, POST, [OAK], number="Q-7").status == 303


def test_a_draft_is_changed_and_posted(stage, acme):
    sales = acme.staff(Role.SALES)
    page = sales.get(new(acme, "quote", f"?customer={acme.customer(MARIT).id}"))
    send(sales, page, DRAFT, [OAK], currency="JPY")
    [quote] = acme.rows(Document)
    assert (quote.state, quote.total) == ("draft", 3238)
    draft = sales.get(edit(acme, quote.id))
    assert form_of(draft)[1]["line_price"] == ["185"]
    same = send(sales, draft, DRAFT)
    assert "There was nothing to change." in sales.get(same.location).text
    done = send(sales, draft, POST, [(*OAK[:4], "100", "25")])
    assert done.location.endswith(f"/{quote.id}/send")
    quote = acme.read(quote.id)
    assert (quote.state, quote.total, quote.current_revision) == ("posted", 1750, 2)
    assert len(acme.rows(DocumentRevision)) == 2
    link = acme.mailed(quote.id, MARIT)
    assert "¥1,750" in stage.visitor().get(link).text


def test_a_sent_quote_is_revised_with_a_reason_and_the_customer_sees_what_changed(stage, acme):
    sales = acme.staff(Role.SALES)
    quote, link = acme.quote()
    visitor = stage.visitor()
    page = visitor.get(link)
    visitor.fill_in(page, {"name": "Marit"}, form="/accept")
    at = sales.get(edit(acme, quote))
    assert "This quote was accepted." in at.text
    lines = [("Oak floor, brushed", "", "40", "MTK", "78.50", "25")]
    without = send(sales, at, SAVE, lines)
    assert list(errors(without)) == ["f-reason"]
    assert form_of(without)[1]["line_quantity"] == ["40"]
    done = send(sales, without, RESEND, reason="Measured again")
    assert done.location.endswith(f"/documents/{quote}/send")
    head = acme.read(quote)
    assert (head.state, head.current_revision, head.sent_revision) == ("posted", 2, 1)
    assert "Measured again" not in stage.visitor().get(link).text
    acme.mailed(quote, MARIT)
    assert visitor.get(link).form("/accept")
    revised = [row for row in acme.log() if row.type == "revise_document"]
    assert [(row.actor, row.details["reason"]) for row in revised] == [
        ("Sales Nilsen", "Measured again")
    ]
    assert [one.reason for one in acme.rows(DocumentRevision)] == ["", "Measured again"]


def test_of_two_who_edit_the_second_is_told_and_loses_nothing(acme):
    kari, nils = acme.staff(Role.SALES, name="Kari"), acme.staff(Role.MANAGER, name="Nils")
    invoice = acme.document(MARIT, Kind.INVOICE)
    hers, his = kari.get(edit(acme, invoice)), nils.get(edit(acme, invoice))
    for _ in range(2):  # a second click finds it saved
        assert send(kari, hers, SAVE, [OAK], reason="Agreed by phone").status == 303
    told = send(nils, his, SAVE, [RAIL], reason="A slip")
    assert told.status == 409
    assert "Kari changed this while you were editing: it is now revision 2." in told.text
    assert acme.read(invoice).current_revision == 2
    fields = form_of(told)[1]
    assert (fields["line_name"], fields["reason"]) == (["Handrail"], ["A slip"])
    assert send(nils, told, SAVE).status == 303
    assert acme.read(invoice).current_revision == 3
    # An answer that came in between counts as a change too; a withdrawn document stays as it is.
    quote, link = acme.quote(OLAF)
    page = nils.get(edit(acme, quote))
    acme.stage.visitor().fill_in(link, {"name": "Olaf"}, form="/accept")
    assert send(nils, page, SAVE, [OAK], reason="x").status == 409
    acme.execute("UPDATE documents SET state = 'cancelled' WHERE id = :id", id=invoice)
    refused = send(nils, told, SAVE, [OAK], reason="x", revision="3", htmx=True)
    assert (refused.status, "withdrawn or cancelled" in refused.text) == (422, True)
    for forged in ({"revision": "x"}, {"revision": str(2**70)}, {"revision": ""}):
        assert send(nils, page, {**SAVE, **forged}, [OAK], reason="x").status == 409


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (Kind.CREDIT_NOTE, {}, "This kind is not edited here; it comes by import"),
        (Kind.INVOICE, {"prepayments": [{"amount": "5"}]}, "payments made before"),
    ],
)
def test_what_the_editor_does_not_know_is_left_alone(acme, kind, changes, said):
    sales = acme.staff(Role.SALES)
    document = acme.document(CHIYO, kind, external_id="theirs", **changes)
    assert sales.get(edit(acme, document)).status == 404
    document = acme.document(MARIT, kind, **changes)
    page = sales.get(edit(acme, document))
    assert said in page.text
    own = sales.get(new(acme, "invoice"))
    before = acme.dump()
    _action, fields = form_of(own)
    fields |= {"revision": ["1"], "do": ["save"], "reason": ["x"], "number": ["1"]}
    body = urlencode(fields, doseq=True)
    answer = sales.post(edit(acme, document), body, content_type=FORM)
    assert (answer.status, said in answer.text) == (422, True)
    assert acme.dump() == before


def test_what_is_paid_keeps_its_currency_and_imports_keep_what_they_say(acme):
    accountant = acme.staff(Role.ACCOUNTANT)
    content = content_for(MARIT, Kind.INVOICE, buyer_reference="PO-1", due_on=None)
    invoice = acme.document(MARIT, content=content)
    acme.execute("UPDATE documents SET balance = 600000, state = 'partially_paid'")
    page = accountant.get(edit(acme, invoice))
    assert list(errors(send(accountant, page, SAVE, currency="NOK", reason="x"))) == ["f-currency"]
    send(accountant, page, SAVE, title="Floor", reason="x")
    assert acme.content(invoice) == content.model_copy(
        update={"title": "Floor", "totals": acme.content(invoice).totals}
    )
    head = acme.read(invoice)
    assert (head.balance, head.state) == (600000, "partially_paid")


def test_an_invoice_that_was_paid_while_it_changed_its_currency_goes_back_to_it(acme):
    accountant = acme.staff(Role.ACCOUNTANT)
    invoice = acme.document(MARIT, content=content_for(MARIT, Kind.INVOICE, due_on=None))
    acme.send(invoice, MARIT)
    page = accountant.get(edit(acme, invoice))
    assert send(accountant, page, SAVE, currency="USD", reason="x").status == 303
    with acme.scope():
        customer = acme.customer(MARIT).id
        money = Money(PaymentKind.PAYMENT, 500, "EUR", dt.date(2026, 11, 12), "PAY-1")
        parts = [Part(Side.INVOICE, invoice, 500)]
        settlements.record(customer, money, parts, by="Kari")
    page = accountant.get(f"{acme.console}/documents/{invoice}/send")
    why = "Something is settled on invoice"
    assert (page.status, why in page.text, "Send now" in page.text) == (200, True, False)
    page = accountant.get(edit(acme, invoice))
    assert list(errors(send(accountant, page, SAVE, currency="NOK", reason="x"))) == ["f-currency"]
    assert list(errors(send(accountant, page, SAVE, title="Floor", reason="x"))) == ["f-currency"]
    done = send(accountant, page, RESEND, currency="EUR", reason="Back")
    assert accountant.fill_in(done.location, form="/send").status == 303
    assert (acme.read(invoice).currency, acme.read(invoice).balance) == ("EUR", 622285)
