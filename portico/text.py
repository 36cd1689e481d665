"""What people type, made safe to keep: visible characters only, of a stated length."""

from __future__ import annotations

import re
import unicodedata

from portico.refusals import BadInput

# Control characters, lone surrogates, the replacement character that stands for broken bytes,
# and the marks that reverse the direction of what follows (they make one name look like another).
UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffd\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)


def one_line(text: str, field: str, limit: int, *, required: bool = True) -> str:
    """One trimmed line of at most *limit* characters. Raises BadInput naming *field*."""
    # Half of it may be blanks, which are folded.
    text = " ".join(_fit(text, field, limit, 2 * limit, required=required).split())
    if len(text) > limit:
        raise _too_long(field, limit)
    return text


def paragraphs(text: str, field: str, limit: int, *, required: bool = True) -> str:
    """Trimmed text of at most *limit* characters, in NFC. Raises BadInput naming *field*."""
    return _fit(text, field, limit, limit, required=required)


def _fit(text: str, field: str, limit: int, most: int, *, required: bool) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > most:
        raise _too_long(field, limit)
    if UNFIT.search(text):
        raise BadInput({field: "This contains characters that cannot be shown."})
    text = unicodedata.normalize("NFC", text)
    if required and not any(unicodedata.category(c)[0] in "LNPS" for c in text):
        raise BadInput({field: "Please fill this in."})
    return text


def _too_long(field: str, limit: int) -> BadInput:
    return BadInput({field: f"Please keep this to {limit} characters."})


def shown(text: str) -> str:
    """What others wrote, on one line and without what cannot be shown; changed, never refused."""
    return " ".join(UNFIT.sub(" ", text).split())


_BLANKS = " \u00a0\u202f"
_TWO_WAYS = re.compile("([1-9][0-9]{0,2}),([0-9]{3})")
# How numbers are written, each with what parts their thousands.
_WAYS = (
    (re.compile(f"[0-9]{{1,3}}([{_BLANKS}][0-9]{{3}})+([.,][0-9]+)?"), _BLANKS),
    (re.compile(r"[0-9]{1,3}((,[0-9]{3})+\.[0-9]+|(,[0-9]{3}){2,})"), ","),
    (re.compile(r"[0-9]{1,3}((\.[0-9]{3})+,[0-9]+|(\.[0-9]{3}){2,})"), "."),
    (re.compile("[0-9]+,[0-9]+"), ""),
)


def plain_number(text: str, field: str) -> str:
    """A number as people write it (``1 250,50``, ``1,250.50``) in the way of ``1250.50``. What is
    no number stays as it is. Raises BadInput naming *field* where it can be read in two ways."""
    text = text.strip()
    minus, text = text[: text.startswith("-")], text.removeprefix("-")
    if odd := _TWO_WAYS.fullmatch(text):
        sentence = f"Please write {odd[1]}{odd[2]} or {odd[1]}.{odd[2]}: this can be either."
        raise BadInput({field: sentence})
    for shape, groups in _WAYS:
        if shape.fullmatch(text):
            return minus + text.translate(dict.fromkeys(map(ord, groups))).replace(",", ".")
    return minus + text


# What joins the character before it: marks, variation selectors, joiners, skin tones, tags.
_JOINS = re.compile(
    "[\u200c\uff9e\uff9f\ufe00-\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_FLAG = range(0x1F1E6, 0x1F200)
# What makes one of two consonants, in the scripts of India and its neighbours.
_LINKERS = "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2"


def graphemes(text: str) -> int:
    """How many characters a person sees: a letter with its accents, a flag, a family each are
    one. Near enough to Unicode's UAX 29 for counting what somebody wrote."""
    count, half_flag = 0, False
    goes_on: set[str] = set()  # the categories that what came last draws into itself
    for char in text:
        category = unicodedata.category(char)
        if char == "\u200d":
            goes_on |= {"So", "Sm"}
        elif char in _LINKERS:
            goes_on |= {"Lo"}
        elif category not in {"Mn", "Me", "Mc"} and not _JOINS.match(char):
            half_flag = ord(char) in _FLAG and not half_flag
            second_half = ord(char) in _FLAG and not half_flag
            count += not second_half and category not in goes_on
            goes_on = set()
    return count
