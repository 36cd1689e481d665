"""A page of a PDF as a picture, where somebody chooses by its looks (spec C7)."""

from __future__ import annotations

from io import BytesIO

_COLOURS = 64  # of letters on paper nobody sees a difference, and a phone loads a third


def first_page(pdf: bytes, width: int) -> bytes:
    """The first page as a PNG, *width* pixels wide."""
    # Imported on use: only a child of the press draws pages.
    from pypdfium2 import PdfDocument

    with PdfDocument(pdf) as document:
        page = document[0]
        picture = page.render(scale=width / page.get_width()).to_pil()
    out = BytesIO()
    picture.quantize(_COLOURS).save(out, "PNG", optimize=True)
    return out.getvalue()
