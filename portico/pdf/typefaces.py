"""The bundled faces: which scripts each draws, and which of them a text needs."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFontFile

FOLDER = Path(__file__).with_name("fonts")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Embeddings and overrides turn round whatever stands beside them, so that a name could make an
# amount read backwards. Marks, isolates and joiners, which honest text uses, stay.
_OVERRIDES = "\u202a\u202b\u202c\u202d\u202e"
_MARKS = "\u200c\u200d\u200e\u200f\u061c\u2066\u2067\u2068\u2069"


@dataclass(frozen=True, slots=True)
class Typeface:
    """One family, in the words of a CSS ``@font-face``."""

    family: str
    regular: str
    bold: str | None = None

    def coverage(self) -> frozenset[int]:
        """The code points its regular cut has a glyph for."""
        return coverage_of(self.regular)


# The first face that has a character draws it.
TYPEFACES = (
    Typeface("portico sans", "NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    Typeface("portico arabic", "NotoSansArabic-Regular.ttf", "NotoSansArabic-Bold.ttf"),
    Typeface("portico hebrew", "NotoSansHebrew-Regular.ttf", "NotoSansHebrew-Bold.ttf"),
    Typeface("portico thai", "NotoSansThai-Regular.ttf", "NotoSansThai-Bold.ttf"),
    Typeface("portico armenian", "NotoSansArmenian-Regular.ttf", "NotoSansArmenian-Bold.ttf"),
    Typeface("portico georgian", "NotoSansGeorgian-Regular.ttf", "NotoSansGeorgian-Bold.ttf"),
    Typeface("portico cjk", "WenQuanYiMicroHei-CJK.ttf"),
    Typeface("portico symbols", "DejaVuSans-Symbols.ttf"),
    Typeface("portico emoji", "NotoEmoji-Regular.ttf"),
)


def drawable(text: str) -> tuple[str, tuple[Typeface, ...]]:
    """*text* as the bundled faces can draw it, and the faces that it takes.

    Characters that no face has become U+FFFD rather than an empty box; those that have no shape
    of their own (joiners, variation selectors, direction overrides) fall away. A combining mark
    that forms one letter with the one before it is composed.
    """
    text = unicodedata.normalize("NFC", text)
    missing = {char for char in set(text) if not char.isspace() and char not in _MARKS}
    needed = [TYPEFACES[0]]
    missing = {char for char in missing if ord(char) not in TYPEFACES[0].coverage()}
    for face in TYPEFACES[1:]:
        if not missing:
            break
        found = {char for char in missing if ord(char) in face.coverage()}
        if found - _shapeless(found):
            needed.append(face)
        missing -= found
    away = {ord(char): _stand_in(char) for char in missing}
    away |= dict.fromkeys(map(ord, _OVERRIDES), "")
    away |= {ord(char): "" for char in _shapeless(set(text))}
    return text.translate(away), tuple(needed)


def _shapeless(chars: set[str]) -> set[str]:
    """Format characters and variation selectors: nothing is to be drawn for them."""
    return {
        char
        for char in chars
        if char not in _MARKS
        and (
            unicodedata.category(char) == "Cf"
            or "\ufe00" <= char <= "\ufe0f"
            or "\U000e0100" <= char <= "\U000e01ef"
        )
    }


def _stand_in(char: str) -> str:
    return "" if unicodedata.category(char) in {"Cf", "Mn", "Me", "Cc"} else REPLACEMENT


@cache
def coverage_of(file: str) -> frozenset[int]:
    """The code points a font file has a glyph for."""
    return frozenset(TTFontFile(str(FOLDER / file)).charToGlyph)
