"""C7: what the team sets for its organization, each change in the log under the fields' names."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urljoin

import pytest
import sqlalchemy as sa
from PIL import Image
from pypdf import PdfReader

from portico.db import db
from portico.pdf import DESIGNS
from portico.queries.faces import organization_face
from portico.records.organization import LinkLifetime, Organization
from portico.records.staff import Role
from portico.services import payment_urls, renditions
from tests.cast import CHIYO, MARIT

DAYS = ("remind_quote_days", "remind_invoice_days")
PAGES = ("", "/portal", "/payment", "/branding", "/pdf")


def _halden(stage):
    return next(one for one in stage.acme.rows(Organization) if one.slug == "halden")


def _changes(stage):
    return [row.details["fields"] for row in stage.acme.log() if row.type == "update_organization"]


def test_settings_are_for_those_who_may_set_and_change_their_own_organization(stage):
    address = f"{stage.acme.console}/settings"
    for role in (Role.VIEWER, Role.SALES, Role.ACCOUNTANT):
        staff = stage.acme.staff(role)
        assert {staff.get(address + page).status for page in PAGES} == {403}
    assert "/staff/login" in stage.acme.account(MARIT).get(address).location
    other = stage.acme.staff(Role.OWNER, "brightwater")
    assert other.fill_in(address, {"name": "Ours alone"}, form="/settings").status == 303
    assert _halden(stage).name == "Halden of Acme"
    (row,) = (row for row in stage.acme.log() if row.type == "update_organization")
    assert row.organization_id == stage.acme.customer(CHIYO).organization_id


def test_what_is_set_shows_to_customers_and_what_cannot_be_is_said(stage):
    acme, staff = stage.acme, stage.acme.staff(Role.MANAGER)
    address = f"{acme.console}/settings"
    changed = {"name": "Halden & Sons", "address": "Quay 1\nBergen", "sender_name": "Kari at Halden",
               "timezone": "Europe/Paris", "locale": "de"}  # fmt: skip
    done = staff.fill_in(address, changed, form="/settings")
    assert "The settings are saved" in staff.get(done.location).text
    assert "The settings are saved" not in staff.get(done.location).text
    _quote, link = acme.quote()
    assert stage.letters_to(MARIT)[-1].message["From"].startswith("Kari at Halden <")
    assert "Halden & Sons" in stage.visitor().get(link).text
    before = acme.dump()
    for name, wrong in (
        ("name", ""), ("name", "x" * 201), ("email", "nobody"),
        ("email", "æ@halden.example"), ("locale", "xx"),
        ("timezone", "../etc"), ("sender_name", "A\u0000B"), ("address", "\u202e" * 5000),
        ("phone", "1" * 30_000),
    ):  # fmt: skip
        for htmx in (False, True):
            answer = staff.fill_in(address, {name: wrong}, form="/settings", htmx=htmx)
            assert answer.status == 422, (name, wrong)
            assert answer.tree.xpath(f"//*[@name='{name}' and @aria-invalid]"), name
    assert acme.dump() == before
    assert _changes(stage) == [["address", "locale", "name", "sender_name", "timezone"]]


def test_the_portals_sections_reminders_and_links(both):
    acme, staff = both.acme, both.acme.staff(Role.OWNER)
    address = f"{acme.console}/settings/portal"
    with_orders = {"section": "orders", "remind_quote_days": "9", "next_steps": "We call you."}
    assert staff.fill_in(address, with_orders, form="/portal").status == 303
    found = _halden(both)
    assert (found.sections, found.remind_quote_days) == (["orders"], 9)
    assert found.self_signup
    sent = staff.get(address).form("/portal")[1]
    bare = {name: sent[name] for name in ("csrf_token", "seen", *DAYS)}
    assert staff.post(address, bare | {"section": "cellars"}).status == 303
    assert (_halden(both).sections, _halden(both).self_signup) == ([], False)
    assert _halden(both).next_steps == "We call you."
    for days in ("61", "-1", "many", "9" * 40, ""):
        assert staff.fill_in(address, {"remind_quote_days": days}, form="/portal").status == 422
    lives = {"hours_quote": "72", "until_validity_quote": "on", "hours_invoice": "8784"}
    assert staff.fill_in(address, lives, form="/links").status == 303
    assert staff.fill_in(address, lives, form="/links").status == 303  # and nothing to log
    with acme.scope():
        kept = {
            row.kind: (row.hours, row.until_validity)
            for row in db.session.execute(sa.select(LinkLifetime)).scalars()
        }
    assert kept == {"quote": (72, True), "invoice": (8784, False)}
    acme.quote()
    assert acme.links()[0].life_hours == 72
    for hours in ("0", "8785", "1.5", "x"):
        wrong = staff.fill_in(address, {"hours_invoice": hours}, form="/links", htmx=True)
        assert wrong.status == 422
        assert "from 1 to 8784 hours" in wrong.text
    assert staff.post(f"{address}/links", {"csrf_token": bare["csrf_token"]}).status == 422
    assert _changes(both) == [
        ["next_steps", "remind_quote_days", "sections"],
        ["sections", "self_signup"],
        ["link lifetime of quote", "link lifetime of invoice"],
    ]


def test_ways_to_pay_show_an_example_and_when_they_changed(stage, clock):
    staff = stage.acme.staff(Role.OWNER)
    address = f"{stage.acme.console}/settings/payment"
    page = staff.get(address)
    for wrong, advice in (
        ("http://pay.example/", "https URL"), ("https://{number}.example/", "after the host name"),
        ("javascript:x", "https URL"), ("https://pay.example/{iban}", "one of {number}"),
        ("https://h.example/{number}{", "one of {number}"), ("https://h.example/}", "one of"),
        ("https://[abc/", "host name"), ("https://h]/", "host name"), ("https://[::1", "host name"),
        ("https://.", "host name"), ("https:///x", "host name"), ("https://-h.example/", "host name"),
        ("https://exa℀mple.com/", "as it is"), ("https://h.example/a b", "written as %20"),
        ("https://h.example:99999999/", "65535"), ("https://a:b/", "65535"), ("https://a:0/", "65535"),
        ("https://u:p@h.example/", "password"), ("https://h.example/\u0000", "cannot be shown"),
        ("https://h.example/" + "x" * 983, "1000 characters"),
    ):  # fmt: skip
        answer = staff.fill_in(page, {"payment_url": wrong}, form="/payment")
        assert answer.status == 422, wrong
        [said] = answer.tree.xpath("//*[@id='f-payment_url-error']/text()")
        assert advice in said, wrong
    assert _changes(stage) == []
    for right in ("https://pay.example:8443?n={number}", " https://h.example/" + "x" * 982):
        assert payment_urls.check(right) == right.strip()
    template = "https://pay.example/{number}?a={amount}&c={currency}"
    clock.set(2026, 11, 12, 10)
    changed = {"payment_url": template, "payment_instructions": "To NO00 1234."}
    assert staff.fill_in(address, changed, form="/payment").status == 303
    said = staff.get(address).text
    assert "https://pay.example/INV-2041?a=1250.50&c=EUR" in said
    assert "Last changed 12 Nov 2026, 11:00 CET" in said
    token = staff.get(address).form("/payment")[1]["csrf_token"]
    assert staff.post(address, {"csrf_token": token}).status == 303  # what is not sent stays
    assert _halden(stage).payment_url == template
    stage.deliver()
    (warning,) = stage.letters_to("office@halden.example")
    assert warning.message["Subject"].startswith("How customers pay")


def test_nobody_saves_over_what_a_colleague_saved_meanwhile(both):
    acme = both.acme
    kari, nils = acme.staff(Role.OWNER), acme.staff(Role.MANAGER)
    address = f"{acme.console}/settings"
    for page, form, theirs, ours, stands in (
        ("", "/settings", {"phone": "+47 1"}, {"name": "Halden & Sons"}, "+47 1"),
        ("/portal", "/portal", {"remind_quote_days": "9"}, {"next_steps": "We call."}, "9"),
        ("/portal", "/portal", {"section": "orders"}, {"next_steps": "We write."}, "Orders"),
        ("/portal", "/links", {"hours_quote": "72"}, {"hours_invoice": "48"}, "72 hours"),
        ("/payment", "/payment", {"payment_instructions": "To NO99."},
         {"payment_url": "https://pay.example/"}, "To NO99."),
        ("/branding", "/colour", {"colour": "#aa3344"}, {"colour": "#225588"}, "#aa3344"),
        ("/pdf", "/pdf", {"pdf_design": "banner"}, {"pdf_design": "compact"}, "Banner"),
    ):  # fmt: skip
        opened = nils.get(address + page)
        assert kari.fill_in(address + page, theirs, form=form).status == 303
        before = acme.dump()
        for htmx in (False, True):
            told = nils.fill_in(opened, ours, form=form, htmx=htmx)
            assert told.status == 409, (page, form)
            [note] = told.tree.xpath("//*[@role='alert'][contains(@class, 'warn')]")
            assert note.xpath(".//dd/text()") == [stands]
        assert acme.dump() == before
        ((name, typed),) = ours.items()
        again = told.form(form)[1]
        assert again.get(name, "") == typed  # what was typed is still there
        assert nils.fill_in(told, form=form).status == 303  # and to save it now is a choice


def test_a_second_click_of_the_same_save_is_told_of_no_conflict(stage):
    staff = stage.acme.staff(Role.OWNER)
    opened = staff.get(f"{stage.acme.console}/settings/payment")
    typed = {"payment_instructions": "To NO00 1234."}
    for _click in range(2):
        assert staff.fill_in(opened, typed, form="/payment").status == 303
    assert _changes(stage) == [["payment_instructions"]]
    wrong = staff.fill_in(opened, {"payment_url": "x"}, form="/payment")
    assert wrong.status == 422
    colleague = {"payment_instructions": "To NO99."}
    assert staff.fill_in(opened.url, colleague, form="/payment").status == 303
    # A mistake in between does not make what changed meanwhile seen.
    assert staff.fill_in(wrong, {"payment_url": ""}, form="/payment").status == 409


@pytest.mark.parametrize("has_document", [False, True])
def test_a_design_is_previewed_chosen_and_switched_off(stage, has_document):
    acme, staff = stage.acme, stage.acme.staff(Role.OWNER)
    address = f"{acme.console}/settings/pdf"
    if has_document:
        acme.document(MARIT)
    pictures = {staff.get(f"{address}/{design}.pdf").data for design in DESIGNS}
    assert len(pictures) == len(DESIGNS) >= 4
    for picture in pictures:
        assert picture.startswith(b"%PDF-")
        words = " ".join(one.extract_text() for one in PdfReader(BytesIO(picture)).pages)
        assert ("SAMPLE-1" in words) is not has_document
    page = staff.get(address)
    looks = [staff.get(urljoin(page.url, one)) for one in page.tree.xpath("//label/img/@src")]
    assert len({one.data for one in looks}) == len(DESIGNS)
    for look in looks:
        assert look.headers["Content-Type"] == "image/png"
        assert len(look.data) < 20_000  # all of them load on a phone
        with Image.open(BytesIO(look.data)) as shown:
            assert shown.size == (480, 679)
            assert len(set(shown.convert("L").tobytes())) > 8  # there is something on the paper
    for name in ("../etc", "none", "%00"):
        for kind in ("pdf", "png"):
            assert staff.get(f"{address}/{name}.{kind}").status == 404
    sales = acme.staff(Role.SALES)
    assert sales.get(f"{address}/classic.png").status == 403
    assert staff.fill_in(page, {"pdf_design": "banner"}, form="/pdf").status == 303
    assert _halden(stage).pdf_design == "banner"
    assert staff.fill_in(page, {"pdf_design": "gothic"}, form="/pdf").status == 422
    sent = staff.get(address).form("/pdf")[1]
    bare = {name: sent[name] for name in ("csrf_token", "seen")}
    assert staff.post(address, bare).status == 303
    found = _halden(stage)
    assert (found.pdf_design, found.pdf_templates_enabled) == ("banner", False)
    with acme.scope():
        assert renditions.design_of(organization_face(found)) == "plain"
