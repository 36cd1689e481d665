"""C7: the logo is a picture and nothing else, whatever was uploaded; a colour is judged."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from portico.files import logos
from portico.pdf import Letterhead
from portico.records.content import Kind
from portico.records.organization import Organization
from portico.records.staff import Role
from portico.refusals import BadInput
from portico.web import colours
from tests.cast import MARIT, OLAF


def _picture(size=(600, 300), kind="PNG", mode="RGB", **options):
    out = BytesIO()
    Image.new(mode, size, "#1f5c4d").save(out, kind, **options)
    return out.getvalue()


def _chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _bomb(width, height):
    """A PNG of few bytes that unpacks to a great many."""
    rows = zlib.compress(b"\0" * (width * 3 + 1) * 50, 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    )


def _text_bomb():
    """A PNG whose comment unpacks to 64 MB."""
    comment = b"c\0\0" + zlib.compress(b" " * 64 * 1024 * 1024, 9)
    whole = _picture((4, 4))
    return whole[:33] + _chunk(b"zTXt", comment) + whole[33:]


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HOSTILE = {
    "nothing": b"",
    "svg": SVG,
    "html": b"<!doctype html><script>alert(1)</script>",
    "gif": _picture(kind="GIF"),
    "pdf": b"%PDF-1.7\n",
    "truncated png": _picture()[:200],
    "truncated jpeg": _picture(kind="JPEG")[:400],
    "head alone": _picture()[:33],
    "a bomb": _bomb(20_000, 20_000),
    "a comment that is one": _text_bomb(),
    "too wide": _picture((1201, 10)),
    "no size": _bomb(0, 0),
    "too heavy": _picture() + b"\0" * logos.LARGEST_FILE,
    "random": bytes(range(256)) * 40,
}


def _logo(stage):
    return next(one for one in stage.acme.rows(Organization) if one.slug == "halden").logo_sha256


def test_nothing_but_a_picture_becomes_a_logo(stage):
    address = f"{stage.acme.console}/settings/branding"
    sales = stage.acme.staff(Role.SALES)
    token = sales.get(f"{stage.acme.console}/you").form("/password")[1]["csrf_token"]
    file = {"csrf_token": token, "logo": (BytesIO(_picture()), "logo.png")}
    assert sales.post(f"{address}/logo", file).status == 403
    staff = stage.acme.staff(Role.OWNER)
    page = staff.get(address)
    for name, data in HOSTILE.items():
        answer = staff.fill_in(page, {"logo": (BytesIO(data), f"{name}.png")}, form="/logo")
        assert answer.status == 422, name
        assert answer.tree.xpath("//input[@name='logo' and @aria-invalid]"), name
    photo = {"logo": (BytesIO(b"\0" * 6 * 2**20), "IMG_2041.jpg")}
    answer = staff.fill_in(page, photo, form="/logo")
    assert answer.status == 422
    assert answer.tree.xpath("//*[@id='f-logo-error']/text()") == ["A logo has at most 512 KB."]
    assert staff.fill_in(page, form="/logo").status == 422
    assert staff.fill_in(page, {"logo": "no file"}, form="/logo").status == 422
    assert _logo(stage) is None
    assert [row for row in stage.acme.log() if row.type == "update_organization"] == []


def test_a_logo_shows_wherever_the_organization_does_and_goes_again(stage):
    acme, staff = stage.acme, stage.acme.staff(Role.MANAGER)
    address = f"{acme.console}/settings/branding"
    _quote, link = acme.quote()
    pdf = stage.visitor().get(f"{link}/pdf").data
    invoice = acme.mailed(acme.document(OLAF, Kind.INVOICE), OLAF)
    kept = []
    hidden = PngImagePlugin.PngInfo()
    hidden.add_text("comment", "<script>")
    for data in (
        _picture(pnginfo=hidden),
        _picture((300, 300), "JPEG"),
        _picture((500, 900), "WEBP"),
    ):
        done = staff.fill_in(address, {"logo": (BytesIO(data), "../x.svg")}, form="/logo")
        assert done.status == 303
        kept.append(_logo(stage))
        source = f"https://acme.portal.example/brand/{kept[-1]}/logo.png"
        answer = stage.visitor().get(source)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
        assert "immutable" in answer.headers["Cache-Control"]
        assert b"script" not in answer.data
        with Image.open(BytesIO(answer.data)) as shown:
            assert shown.format == "PNG"
            assert shown.width <= 400
            assert shown.height <= 160
    assert len(set(kept)) == 3
    # The one before is gone, and another tenant has none of it.
    assert (
        stage.visitor().get(f"https://acme.portal.example/brand/{kept[0]}/logo.png").status == 404
    )
    assert stage.visitor().get(f"{stage.bolt.public_url}/brand/{kept[2]}/logo.png").status == 404
    shown_at = f"/brand/{kept[2]}/logo.png"
    entrance = f"{acme.portal}/login?org=halden"
    for page in (stage.visitor().get(link), stage.visitor().get(entrance),
                 acme.account(MARIT).get(f"{acme.portal}/dashboard"), staff.get(address)):  # fmt: skip
        assert shown_at in page.source
    assert b"/Subtype /Image" in stage.visitor().get(f"{link}/pdf").data
    assert b"/Subtype /Image" not in pdf
    assert b"/Subtype /Image" in stage.visitor().get(f"{invoice}/pdf").data
    acme.mailed(acme.document(MARIT, Kind.CREDIT_NOTE), MARIT)
    letter = stage.letters_to(MARIT)[-1].message.as_string()
    assert "logo.png" not in letter
    assert staff.fill_in(address, form="/remove").status == 303
    assert _logo(stage) is None
    assert shown_at not in stage.visitor().get(link).source
    fields = [r.details["fields"] for r in acme.log() if r.type == "update_organization"]
    assert fields == [["logo"]] * 4


def test_a_colour_is_looked_at_before_it_is_kept(stage):
    staff = stage.acme.staff(Role.OWNER)
    address = f"{stage.acme.console}/settings/branding"
    part = staff.get(f"{address}/colour?colour=%23ffee00", htmx=True)
    assert "hard to see on white paper" in part.text
    assert "17.5 to 1, used" in part.text
    assert "hard to see on the dark ground" not in part.text
    dark = staff.get(f"{address}/colour?colour=%231c2126", htmx=True).text
    assert "hard to see on the dark ground" in dark
    assert "1.0 to 1" in dark
    looked = staff.fill_in(address, {"colour": "#FFEE00", "do": "preview"}, form="/colour")
    assert looked.status == 200
    assert looked.tree.xpath("//input[@name='colour']/@value") == ["#ffee00"]
    for wrong in ("red", "#fff", "#12345g", "url(x)", "#1f5c4d;}", "x" * 10_000):
        assert staff.fill_in(address, {"colour": wrong}, form="/colour", htmx=True).status == 422
        assert staff.get(f"{address}/colour?colour={wrong}").status == 200
    assert staff.fill_in(address, {"colour": "#AA3344"}, form="/colour").status == 303
    assert "/brand/aa3344.css" in staff.get(address).source


@pytest.mark.parametrize(
    ("colour", "ink", "faint", "in_the_dark"),
    [
        ("#000000", "#fff", False, True),
        ("#ffffff", "#000", True, False),
        ("#1f5c4d", "#fff", False, True),
        ("#c05a1e", "#000", False, False),
    ],
)
def test_contrast_is_what_the_standard_says(colour, ink, faint, in_the_dark):
    found = colours.judge(colour)
    assert (found.ink, found.is_faint) == (ink, faint)
    assert found.is_faint_in_the_dark is in_the_dark
    assert colours.contrast("000000", "ffffff") == pytest.approx(21)


def test_what_is_written_on_a_colour_can_be_read_whatever_it_is():
    for grey in range(256):
        digits = f"{grey:02x}" * 3
        on_pages, on_paper = colours.on_colour(digits), Letterhead("Halden", colour=f"#{digits}")
        assert colours.contrast(digits, on_pages[1:] * 2) >= 4.5
        assert colours.contrast(digits, on_paper.on_brand[1:]) >= 4.5


def test_pictures_keep_their_shape_and_weigh_little():
    noisy = Image.effect_noise((1200, 600), 90).convert("RGB")
    out = BytesIO()
    noisy.save(out, "JPEG", quality=60)
    png = logos.as_png(out.getvalue())
    with Image.open(BytesIO(png)) as shown:
        assert shown.size == (320, 160)
    grey = Image.new("I;16", (40, 40), 0x8000)
    out = BytesIO()
    grey.save(out, "PNG")
    with Image.open(BytesIO(logos.as_png(out.getvalue()))) as shown:
        assert shown.convert("RGB").getpixel((20, 20)) == (128, 128, 128)
    turned = Image.new("RGB", (300, 100), "white")
    exif = Image.Exif()
    exif[0x0112] = 6
    out = BytesIO()
    turned.save(out, "JPEG", exif=exif)
    with Image.open(BytesIO(logos.as_png(out.getvalue()))) as shown:
        assert shown.height > shown.width
        assert not shown.getexif()
    with pytest.raises(BadInput):
        logos.as_png(SVG)
