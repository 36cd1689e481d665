"""Documents and receipts on paper: complete, safe, legible in every script, and bounded."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import signal
import subprocess
import sys
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import arabic_reshaper
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject

from portico.pdf import (
    DESIGN_VERSION,
    DESIGNS,
    Letterhead,
    Limits,
    NoPress,
    Order,
    PdfFailed,
    Receipt,
    bounded,
    document_pdf,
    receipt_pdf,
    render_in_subprocess,
)
from portico.pdf.render import typeset
from portico.pdf.typefaces import FOLDER, REPLACEMENT, TYPEFACES, coverage_of, drawable
from portico.records.content import DocumentContent, Kind
from tests.crowd import until
from tests.filled import Filled

ROOT = Path(__file__).parents[2]
A4 = (595.27, 841.89)
# A line that runs from the right may hang over by the blank it was broken at.
RIGHT_MARGIN = A4[0] - 18 / 25.4 * 72 + 3

HOUSE = Letterhead(
    name="Halden Joinery",
    address=("Tista Brygge 4", "1767 Halden"),
    email="post@halden.example",
    tax_id="NO 912 345 678 MVA",
    locale="en_GB",
    timezone="Europe/Oslo",
    payment_instructions="Please pay to our account at the bank.",
)

VAT = {"code": "S", "percent": "25", "scheme": "VAT"}


def quote(**changes: object) -> DocumentContent:
    fields: dict[str, object] = {
        "kind": "quote",
        "number": "Q-2026-0142",
        "currency": "EUR",
        "issued_on": "2026-11-12",
        "valid_until": "2026-11-30",
        "seller": {"name": "Halden Joinery"},
        "buyer": {"name": "Fjordhus AS", "address": {"city": "Trondheim", "country": "NO"}},
        "lines": [
            {
                "name": "Oak treads",
                "quantity": "14",
                "price": "185",
                "amount": "2590",
                "tax_categories": [VAT],
            }
        ],
        "taxes": [{"category": VAT, "taxable": "2590", "amount": "647.5"}],
        "totals": {"net": 259000, "tax": 64750, "gross": 323750, "payable": 323750},
    }
    return DocumentContent.model_validate(fields | changes)


def lines(count: int) -> list[dict[str, object]]:
    return [
        {"id": str(n), "name": f"Part {n}", "quantity": "3", "price": "12.345", "amount": "37.04"}
        for n in range(1, count + 1)
    ]


RECEIPT = Receipt(
    action="accepted",
    document="Quote",
    number="Q-2026-0142",
    revision=2,
    content_sha256="5e" * 32,
    total="€3,237.50",
    signatory="Marit Dahl",
    decided_at=dt.datetime(2026, 11, 13, 8, 14, tzinfo=dt.UTC),
    receipt_code="7F3K-99QD-2LMX",
    via="mailed link",
    contact_name="M. Dahl",
    contact_email="marit@fjordhus.example",
    po_number="PO-77",
    note="Please call first.",
    ip="2001:db8::7",
    user_agent="Mozilla/5.0",
)


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def text_of(pdf: bytes) -> str:
    """All the text, each run of blanks as one."""
    return " ".join(" ".join(pages_of(pdf)).split())


def squeezed(text: str) -> str:
    return "".join(text.split())


def fonts_of(page: PageObject) -> DictionaryObject:
    resources = page["/Resources"].get_object()
    assert isinstance(resources, DictionaryObject)
    fonts = resources["/Font"].get_object()
    assert isinstance(fonts, DictionaryObject)
    return fonts


def furthest_right(pdf: bytes) -> float:
    """The greatest x that any drawn text reaches, by the widths of the embedded fonts."""
    reached = [0.0]
    for page in PdfReader(BytesIO(pdf)).pages:
        fonts = fonts_of(page)
        pen = {"line": 0.0, "x": 0.0, "size": 0.0}
        widths: list[float] = []

        def operate(operator, operands, cm, tm, fonts=fonts, pen=pen, widths=widths):
            if operator == b"Tf":
                font = fonts[operands[0]].get_object()
                widths[:] = [float(width) for width in font.get("/Widths", [600] * 256)]
                pen["size"] = float(operands[1])
            elif operator == b"Tm":
                pen["line"] = pen["x"] = float(operands[4])
            elif operator == b"Td":
                pen["line"] = pen["x"] = pen["line"] + float(operands[0])
            elif operator in {b"T*", b"BT"}:
                pen["x"] = pen["line"]
            elif operator == b"Tj":
                drawn = operands[0].original_bytes.rstrip(b" ")  # blanks may hang over
                pen["x"] += sum(widths[byte] for byte in drawn) * pen["size"] / 1000
                reached.append(cm[0] * pen["x"] + cm[4])

        page.extract_text(visitor_operand_before=operate)
    return max(reached)


# What is on the paper


@pytest.mark.parametrize("design", DESIGNS)
def test_a_quote_says_who_what_and_how_much(design):
    text = text_of(document_pdf(quote(title="Stairs"), HOUSE, design=design))
    for said in (
        "Halden Joinery", "Q-2026-0142", "Stairs", "Fjordhus AS", "Norway", "12 Nov 2026",
        "30 Nov 2026", "Oak treads", "185.00", "2,590.00", "VAT 25%", "647.50", "€3,237.50",
        "Page 1 of 1", "NO 912 345 678 MVA",
    ):  # fmt: skip
        assert said in text


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("design", DESIGNS)
def test_every_kind_prints_in_every_design(kind, design):
    assert "Q-2026-0142" in text_of(document_pdf(quote(kind=kind), HOUSE, design=design))


@pytest.mark.parametrize("design", DESIGNS)
def test_nothing_a_content_holds_is_missing(design):
    filled = Filled()
    content = DocumentContent.model_validate(filled.part(DocumentContent, ""))
    house = dataclasses.replace(HOUSE, timezone="UTC")
    text = squeezed(text_of(document_pdf(content, house, design=design)))
    missing = {
        path
        for path, said in filled.printed.items()
        if squeezed(said) not in text
        and not (said.isdigit() and f"{int(said):,}" in text)  # as a number it is grouped
    }
    # With items of their own, the two sums are printed by item.
    assert missing - {".totals.allowances", ".totals.charges"} == set()


def test_discounts_and_charges_without_items_are_printed_as_sums():
    totals = {"allowances": 1111, "charges": 2222, "net": 259000, "payable": 323750}
    text = text_of(document_pdf(quote(totals=totals), HOUSE))
    assert "Discounts -11.11" in text
    assert "Charges 22.22" in text


def test_a_statement_shows_opening_movements_closing_and_age():
    content = quote(
        kind="statement",
        lines=[],
        taxes=[],
        totals={"payable": 62750},
        statement={
            "period": {"start": "2026-10-01", "end": "2026-10-31"},
            "opening": 11100,
            "entries": [
                {"on": "2026-10-03", "kind": "invoice", "number": "F-1", "amount": 61650,
                 "balance": 72750},
                {"on": "2026-10-09", "kind": "payment", "description": "By bank", "amount": -10000,
                 "balance": 62750},
            ],
            "closing": 62750,
            "ageing": [{"label": "Over 90 days", "amount": 222}],
        },
    )  # fmt: skip
    text = text_of(document_pdf(content, HOUSE))
    for said in (
        "Opening balance 111.00", "Invoice F-1", "616.50 727.50", "By bank", "-100.00 627.50",
        "Closing balance €627.50", "Over 90 days", "2.22", "1 Oct 2026 – 31 Oct 2026",
    ):  # fmt: skip
        assert said in text


@pytest.mark.parametrize(
    ("currency", "printed"), [("JPY", "JP¥323,750"), ("KWD", "KWD323.750"), ("EUR", "€3,237.50")]
)
def test_amounts_have_the_decimals_of_their_currency(currency, printed):
    content = quote(currency=currency, taxes=[], lines=[])
    assert printed in squeezed(text_of(document_pdf(content, HOUSE)))


def test_a_long_table_repeats_its_head_and_counts_its_pages():
    pages = pages_of(document_pdf(quote(lines=lines(120)), HOUSE, state_note="Cancelled"))
    assert len(pages) > 3
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in " ".join(page.split())
        assert "Cancelled" in page
    assert all("Description" in page for page in pages[:-1])
    text = " ".join(" ".join(pages).split())
    assert all(f"Part {n} " in text for n in range(1, 121))


def test_metadata_names_the_document_its_author_language_and_day():
    reader = PdfReader(BytesIO(document_pdf(quote(), HOUSE)))
    assert reader.metadata is not None
    assert reader.metadata.title == "Quote Q-2026-0142"
    assert reader.metadata.author == "Halden Joinery"
    assert reader.metadata.creation_date == dt.datetime(2026, 11, 12, tzinfo=dt.UTC)
    assert str(reader.root_object["/Lang"]) == "en-GB"


def test_an_unknown_design_prints_as_the_default_one():
    assert document_pdf(quote(), HOUSE, design="baroque") == document_pdf(quote(), HOUSE)


def test_the_designs_differ():
    drawn = {document_pdf(quote(), HOUSE, design=design) for design in DESIGNS}
    assert len(drawn) == len(DESIGNS) >= 2


# Letterhead


def png(size: tuple[int, int]) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "#1f5c4d").save(out, "PNG")
    return out.getvalue()


def test_a_logo_is_drawn_within_its_box():
    house = dataclasses.replace(HOUSE, logo=png((3000, 300)))
    logo = house.fitted_logo()
    assert logo is not None
    assert (logo.width, logo.height) == (170, 17)
    assert len(PdfReader(BytesIO(document_pdf(quote(), house))).pages[0].images) == 1


@pytest.mark.parametrize("logo", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\nnonsense", png((9, 9))[:45]])
def test_a_broken_logo_leaves_the_name(logo):
    pdf = document_pdf(quote(), dataclasses.replace(HOUSE, logo=logo))
    assert "Halden Joinery" in text_of(pdf)
    assert not PdfReader(BytesIO(pdf)).pages[0].images


@pytest.mark.parametrize("colour", ["red;} @import url(file:///etc/passwd)", "#12345", ""])
def test_a_colour_that_is_none_becomes_the_default(colour):
    assert dataclasses.replace(HOUSE, colour=colour).brand == "#1f5c4d"


def test_a_pale_brand_colour_is_not_used_for_text():
    assert dataclasses.replace(HOUSE, colour="#ffd400").brand_text == "#1c1f22"
    assert dataclasses.replace(HOUSE, colour="#1f5c4d").brand_text == "#1f5c4d"


# Hostile content

MARKUP = (
    "<img src=file:///etc/passwd> <img src=http://127.0.0.1:9/x.png> <pdf:nextpage/> "
    "<pdf:insertpdf src='/etc/passwd'/> @page { size: a5 } {{ 7*7 }} {% raw %} "
    "</style><script>alert(1)</script> &amp; &#65; <!-- --> ]]> <a href='javascript:x'>y</a>"
)


@pytest.mark.parametrize("design", DESIGNS)
def test_markup_in_content_is_text(design):
    content = quote(
        number=MARKUP,
        title=MARKUP,
        buyer={"name": MARKUP, "address": {"lines": [MARKUP]}},
        notes=[MARKUP],
        lines=[{"name": MARKUP, "description": MARKUP, "unit": MARKUP, "quantity": "1"}],
    )
    house = dataclasses.replace(HOUSE, name=MARKUP, address=(MARKUP,), payment_instructions=MARKUP)
    pdf = document_pdf(content, house, design=design, state_note=MARKUP)
    reader = PdfReader(BytesIO(pdf))
    assert squeezed(text_of(pdf)).count(squeezed(MARKUP)) >= 7
    for page in reader.pages:
        assert not page.images
        assert "/Annots" not in page
        assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(A4, 0.01)


def test_the_engine_reads_no_file_but_the_fonts_and_nothing_remote(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(png((20, 20)))
    for source in (secret.as_uri(), str(secret), "http://localhost/x.png"):
        markup = f'<p>before</p><img src="{source}"/><p>after</p>'
        pdf = typeset(markup, "t", HOUSE, dt.date(2026, 1, 1))
        assert not PdfReader(BytesIO(pdf)).pages[0].images
        assert "before after" in text_of(pdf)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("glyph", ["W", "漢", "ش", "\N{COMBINING ACUTE ACCENT}"])
def test_endless_words_wrap_and_stay_on_the_page(design, glyph):
    word, name = glyph * 4_000, glyph * 500
    content = quote(
        number=name,
        title=name,
        buyer={"name": name, "address": {"lines": [name] * 3}},
        buyer_reference=name,
        notes=[word],
        lines=[{"name": name, "description": word, "unit": name, "quantity": "1"}],
    )
    pdf = document_pdf(content, HOUSE, design=design)
    assert 500 < furthest_right(pdf) <= RIGHT_MARGIN
    shown = unicodedata.normalize("NFKC", text_of(pdf)).count(glyph)
    assert shown >= 2 * 4_000 if glyph in "W漢" else len(pdf) > 10_000


def test_greatest_numbers_stay_on_the_page():
    content = quote(
        totals={"net": 10**17, "payable": -(10**17)},
        lines=[
            {"name": "x", "quantity": "999999999999999999.5", "price": "999999999999999999.123"}
        ],
    )
    pdf = document_pdf(content, HOUSE)
    assert "-€1,000,000,000,000,000.00" in squeezed(text_of(pdf))
    assert furthest_right(pdf) <= RIGHT_MARGIN


def test_a_name_cannot_turn_round_what_stands_beside_it():
    text = text_of(document_pdf(quote(buyer={"name": "Fjord\u202ehus\u202d AS"}), HOUSE))
    assert "Fjordhus AS" in text


@given(
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), max_codepoint=0x3FFFF),
        min_size=1,
        max_size=60,
    ).filter(str.strip)
)
@settings(max_examples=40, deadline=None)
def test_any_text_can_be_printed(text):
    pdf = document_pdf(quote(notes=[text], lines=[{"name": f"x{text}"}]), HOUSE)
    assert pdf.startswith(b"%PDF-")


# Scripts

SAMPLES = {
    "latin": "Ærøskøbing Łódź İstanbul Đà Nẵng ß",
    "greek": "Ελληνικά ώρα",
    "cyrillic": "Кириллица Україна ѓќ",
    "chinese": "发票 發票 合同",
    "japanese": "見積書ひらがなカタカナ",
    "korean": "견적서 대한민국",
    "thai": "ใบเสนอราคา",
    "armenian": "Հայաստան",
    "georgian": "საქართველო",
    "currencies": "€ £ $ ¥ ₹ ₽ ₺ ₩ ₪ ₫ ₴ ₦ ₿",
    "signs": "→ ✓ ☐ ± ≤ m² ½ № ™ • … – —",
}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_every_script_is_drawn_and_can_be_copied(sample):
    mixed = f"Begin {sample} end"
    text = text_of(document_pdf(quote(notes=[mixed]), HOUSE))
    assert REPLACEMENT not in text
    assert squeezed(mixed) in squeezed(text)


def test_emoji_are_drawn():
    assert REPLACEMENT not in drawable("😀 🎉 👍 🚀 ✅ 📦 ❤️")[0]
    pdf = document_pdf(quote(notes=["😀 🎉"]), HOUSE)
    fonts = fonts_of(PdfReader(BytesIO(pdf)).pages[0])
    assert any("NotoEmoji" in font.get_object()["/BaseFont"] for font in fonts.values())


@pytest.mark.parametrize("sample", ["עברית שלום", "فاتورة السلام عليكم", "د.ك", "می‌خواهم پژوهش"])
@pytest.mark.parametrize("locale", ["en", "ar"])
def test_right_to_left_scripts_are_drawn(sample, locale):
    house = dataclasses.replace(HOUSE, locale=locale)
    text = unicodedata.normalize("NFKC", text_of(document_pdf(quote(notes=[sample]), house)))
    assert REPLACEMENT not in text
    drawn = set(text)
    assert {char for char in sample if char.isalpha()} <= drawn


def test_joined_arabic_letters_all_have_a_glyph():
    letters = [chr(code) for code in range(0x620, 0x6D4) if chr(code).isalpha()]
    arabic = TYPEFACES[1].coverage()
    shaped = {
        char for letter in letters for char in arabic_reshaper.reshape(f"ب{letter}ب {letter}ب")
    }
    assert {char for char in shaped if not char.isspace() and ord(char) not in arabic} == set()


def test_bold_faces_have_what_the_regular_ones_have():
    for face in TYPEFACES:
        if face.bold:
            assert coverage_of(face.bold) >= face.coverage(), face.family


@pytest.mark.parametrize("face", TYPEFACES, ids=lambda face: face.family)
def test_every_face_draws_blanks_itself(face):
    assert ord(" ") in face.coverage()


def test_fonts_have_their_licences_and_origin_beside_them():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for licence in FOLDER.glob("LICENSE-*"):
        assert licence.name in readme
    for face in TYPEFACES:
        assert face.regular.split("-")[0] in readme
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 8_000_000


def test_what_no_face_has_is_seen_to_be_missing_and_the_shapeless_falls_away():
    text, faces = drawable("a\U00012000b\ufe0fc\u200bd")
    assert text == f"a{REPLACEMENT}bcd"
    assert [face.family for face in faces] == ["portico sans"]


def test_only_what_is_used_is_embedded():
    assert len(document_pdf(quote(), HOUSE)) < 40_000
    assert len(document_pdf(quote(notes=["見積書 فاتورة"]), HOUSE)) < 100_000


# The same bytes


@pytest.mark.parametrize("design", DESIGNS)
def test_the_same_input_gives_the_same_bytes_in_any_process(design):
    order = Order(content=quote(notes=["漢字 فاتورة"]), letterhead=HOUSE, design=design)
    here = order.render()
    assert here == order.render()
    script = (
        "import sys; from portico.pdf import Order\n"
        "order = Order.model_validate_json(sys.stdin.buffer.read())\n"
        "sys.stdout.buffer.write(order.render())"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", script],
        input=order.model_dump_json().encode(),
        capture_output=True,
        cwd=ROOT,
        env={"PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo"},
        check=True,
    ).stdout
    assert here == elsewhere


def test_the_design_version_is_a_short_key():
    assert len(DESIGN_VERSION) == 12
    assert DESIGN_VERSION.isalnum()


# Receipts


def test_a_receipt_carries_the_evidence_and_then_the_document():
    pages = pages_of(receipt_pdf(RECEIPT, quote(), HOUSE))
    first = " ".join(pages[0].split())
    for said in (
        "Quote accepted", "Q-2026-0142, revision 2", "Marit Dahl", "marit@fjordhus.example",
        "13 Nov 2026, 08:14 UTC", "13 Nov 2026, 09:14 CET", "mailed link", "2001:db8::7",
        "Mozilla/5.0", "PO-77", "Please call first.", "7F3K-99QD-2LMX", "5e" * 32, "€3,237.50",
        "flask receipt verify 7F3K-99QD-2LMX",
    ):  # fmt: skip
        assert said in first
    assert "Oak treads" not in first
    assert "Oak treads" in pages[1]


def test_a_reversed_or_recorded_decision_says_so():
    receipt = dataclasses.replace(
        RECEIPT, action="declined", reason="Too dear", via="recorded by staff: Ola",
        recorded_by="Ola Nordmann", reversed_note="Signed by mistake", note=None,
    )  # fmt: skip
    text = text_of(receipt_pdf(receipt, quote(), HOUSE))
    for said in (
        "Quote declined", "Too dear", "recorded by staff: Ola", "Ola Nordmann", "Reversed",
        "Signed by mistake",
    ):  # fmt: skip
        assert said in text


def test_a_receipt_shows_hostile_text_as_text():
    receipt = dataclasses.replace(RECEIPT, signatory=MARKUP, user_agent=MARKUP, note="W" * 2_000)
    pdf = receipt_pdf(receipt, quote(), HOUSE)
    assert squeezed(text_of(pdf)).count(squeezed(MARKUP)) == 2
    assert furthest_right(pdf) <= RIGHT_MARGIN


# Limits


def test_a_child_renders_what_this_process_would():
    for order in (
        Order(content=quote(), letterhead=dataclasses.replace(HOUSE, logo=png((40, 20)))),
        Order(content=quote(), letterhead=HOUSE, design="plain", state_note="Draft"),
        Order(content=quote(), letterhead=HOUSE, receipt=RECEIPT),
        Order(content=quote(), letterhead=HOUSE, picture_width=120),
    ):
        assert render_in_subprocess(order) == order.render()


@pytest.mark.parametrize("limits", [Limits(cpu=1), Limits(wall=1.0), Limits(memory=120, wall=15.0)])
def test_a_rendering_past_its_limits_fails_cleanly(limits):
    order = Order(content=quote(lines=lines(3_000)), letterhead=HOUSE)
    began = time.monotonic()
    with pytest.raises(PdfFailed):
        render_in_subprocess(order, limits)
    assert time.monotonic() - began < 20


def test_a_press_that_was_killed_is_started_again():
    order = Order(content=quote(), letterhead=HOUSE)
    before = render_in_subprocess(order)
    press = bounded._PRESS._process
    assert press is not None
    press.kill()
    press.wait()
    assert render_in_subprocess(order) == before
    assert bounded._PRESS._process is not press


def test_an_order_whose_press_is_ended_meanwhile_goes_to_the_next():
    order = Order(content=quote(lines=lines(200)), letterhead=HOUSE)
    expected = render_in_subprocess(order)
    press = bounded._PRESS._process
    assert press is not None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(render_in_subprocess, order)
        until(lambda: bool(_forks_of(press.pid)), 10)
        os.killpg(press.pid, signal.SIGTERM)  # as a service manager ends all there is
        assert waiting.result(30) == expected
    assert bounded._PRESS._process is not press


def _forks_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_press_that_cannot_be_had_says_nothing_of_the_order():
    began = time.monotonic()
    with ExitStack() as taken:
        for _ in range(2):
            bounded._SLOTS.acquire()
            taken.callback(bounded._SLOTS.release)
        with pytest.raises(NoPress):
            render_in_subprocess(Order(content=quote(), letterhead=HOUSE), Limits(wall=0.2))
    assert time.monotonic() - began < 10


def test_a_press_ends_with_whoever_started_it():
    order = Order(content=quote(), letterhead=HOUSE).model_dump_json()
    script = (
        "import os, signal, sys\n"
        "from portico.pdf import bounded\n"
        "bounded.render_in_subprocess(bounded.Order.model_validate_json(sys.stdin.read()))\n"
        "print(bounded._PRESS._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script],
        input=order,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    until(lambda: not _runs(int(killed.stdout)), 10)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_two_hundred_lines_are_done_soon():
    order = Order(content=quote(lines=lines(200)), letterhead=HOUSE)
    pdf = render_in_subprocess(order, Limits(cpu=20, wall=30))
    assert "Part 200" in text_of(pdf)


# File names
