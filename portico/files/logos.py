"""Pictures from outside, taken apart and drawn anew: what is kept was made here (spec C7)."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageOps

from portico.refusals import BadInput

LARGEST_FILE = 512 * 1024
LARGEST_SIDE = 1200  # pixels, in
_BOX = (400, 160)  # pixels, out: twice what a page or a paper shows
_HEAVY = 24 * 1024  # a customer's first page weighs 40 KB in all
_FORMATS = ("PNG", "JPEG", "WEBP")
# What a decoder says to a file that is broken or lies about itself.
_BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, OverflowError, EOFError,
    MemoryError, struct.error, zlib.error,
)  # fmt: skip


def as_png(data: bytes) -> bytes:
    """A PNG, JPEG or WebP as a small PNG without anything but its pixels.

    Its size is read from the head of the file before a pixel is unpacked, so that a bomb stays
    shut. Raises BadInput.
    """
    if not data:
        raise _refused("Please choose a file.")
    if len(data) > LARGEST_FILE:
        raise _refused(f"A logo has at most {LARGEST_FILE // 1024} KB.")
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as picture:
            if max(picture.size) > LARGEST_SIDE:
                raise _TooLarge
            picture.load()
            return _drawn(picture)
    except (_TooLarge, Image.DecompressionBombError):
        raise _refused(f"A logo is at most {LARGEST_SIDE} pixels wide and high.") from None
    except _BROKEN:
        raise _refused("This is no picture we can read. A logo is a PNG, JPEG or WebP.") from None


class _TooLarge(Exception):
    """The picture's head promises more pixels than are taken."""


def _drawn(picture: Image.Image) -> bytes:
    image = _in_eight_bits(ImageOps.exif_transpose(picture)).convert("RGBA")
    image.thumbnail(_BOX, Image.Resampling.LANCZOS)
    # Pasted onto an empty sheet, nothing of what the file said beside its pixels comes along.
    sheet = Image.new("RGBA", image.size)
    sheet.paste(image)
    png = _saved(sheet)
    if len(png) > _HEAVY:
        png = min(png, _saved(sheet.quantize(method=Image.Quantize.FASTOCTREE)), key=len)
    return png


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Grey in 16 bits, scaled down: converted as it is, nearly all of it would be white."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")


def _saved(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _refused(sentence: str) -> BadInput:
    return BadInput({"logo": sentence})
