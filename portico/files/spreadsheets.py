"""Tables for spreadsheets: CSV that no program takes for formulas (spec C6)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from io import StringIO

BYTE_ORDER_MARK = "\ufeff"  # or a spreadsheet reads UTF-8 as something else
# What a program may take for the beginning of a formula, also behind blanks or quotes, and in
# the wide forms that some programs narrow. A line break or a tab may begin a cell of its own.
_BEGIN = r"[\s\"'`\u200b-\u200f\ufeff]*[=+\-@|%＝＋－＠]"
_FORMULA = re.compile(rf"{_BEGIN}|[\t\r\n]")
# Where the list separator is a semicolon, a program cuts at it in the middle of a quoted cell.
_FORMULA_INSIDE = re.compile(rf"(?<=[;\t\r\n])(?={_BEGIN})")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*\Z", re.ASCII)


def cell(text: str) -> str:
    """*text*, made plain by an apostrophe where it could be run; numbers stay as they are."""
    if _NUMBER.match(text):
        return text
    text = _FORMULA_INSIDE.sub("'", text)
    return f"'{text}" if _FORMULA.match(text) else text


def row(cells: Iterable[object]) -> str:
    """One line of the file, every cell quoted, with the line's end."""
    out = StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([cell(str(one)) for one in cells])
    return out.getvalue()
