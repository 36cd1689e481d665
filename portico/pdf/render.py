"""Documents and receipts as PDF: templates, bundled fonts, nothing fetched from anywhere."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from unicodedata import bidirectional

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portico import formats
from portico.pdf.letterhead import Letterhead
from portico.pdf.receipts import Receipt
from portico.pdf.sheet import Sheet
from portico.records.content import DocumentContent

TEMPLATES = Path(__file__).parents[2] / "templates" / "pdf"

# Each is a template in ``designs/``, with the name that staff choose by (spec C7).
DESIGNS = {"classic": "Classic", "banner": "Banner", "compact": "Compact", "plain": "Plain"}
DEFAULT_DESIGN = "classic"
PLAIN_DESIGN = "plain"

# What reportlab writes as the moment of creation when asked for the same bytes every time.
_FIXED_MOMENT = b"D:20000101000000+00'00'"


class PdfFailed(Exception):
    """A PDF could not be made within its limits. The message is for the log."""


def document_pdf(
    content: DocumentContent,
    letterhead: Letterhead,
    *,
    design: str = DEFAULT_DESIGN,
    state_note: str | None = None,
) -> bytes:
    """The document as a PDF, the same bytes for the same input (spec L5, C7).

    *state_note* is stamped on every page ("Cancelled"). An unknown design becomes the default
    one, so that a setting from another version still prints. Raises PdfFailed.
    """
    sheet = Sheet(content, letterhead.locale, letterhead.timezone)
    template = f"designs/{design if design in DESIGNS else DEFAULT_DESIGN}.html"
    markup = (
        _environment()
        .get_template(template)
        .render(sheet=sheet, letterhead=letterhead, state_note=state_note, **_setting(letterhead))
    )
    return typeset(markup, sheet.name, letterhead, content.issued_on)


def receipt_pdf(receipt: Receipt, content: DocumentContent, letterhead: Letterhead) -> bytes:
    """The evidence of a decision, then the document as it was decided (spec L8).

    Raises PdfFailed.
    """
    sheet = Sheet(content, letterhead.locale, letterhead.timezone)
    markup = (
        _environment()
        .get_template("designs/receipt.html")
        .render(
            sheet=sheet,
            letterhead=letterhead,
            state_note=None,
            receipt=receipt,
            **_setting(letterhead),
        )
    )
    title = f"Receipt {receipt.receipt_code}: {receipt.document} {receipt.number}"
    return typeset(markup, title, letterhead, receipt.decided_at.date())


def warm_up() -> None:
    """Load what any rendering needs: the engine, the fonts that most take, every template."""
    for name in _environment().list_templates():
        _environment().get_template(name)
    typeset("<p>Portico</p>", "Portico", Letterhead("Portico"), dt.date(2026, 1, 1))


def _setting(letterhead: Letterhead) -> dict[str, object]:
    return {
        "direction": formats.direction(letterhead.locale),
        "language": letterhead.locale.replace("_", "-"),
        "moment": lambda value, zone: formats.moment(value, letterhead.locale, zone),
    }


def typeset(markup: str, title: str, letterhead: Letterhead, made_on: dt.date) -> bytes:
    """Markup of our own as a PDF; it can load the bundled fonts and nothing else.

    Raises PdfFailed.
    """
    # Imported on use: a web process asks for file names and starts a child for the rest, and
    # the engine is 50 MB and half a second that it would never need.
    from reportlab import rl_config
    from xhtml2pdf.config.resources import ResourceAccessPolicy
    from xhtml2pdf.pisa import CreatePDF

    from portico.pdf import typefaces

    rl_config.invariant = 1
    text, faces = typefaces.drawable(markup)
    fonts = _environment().get_template("parts/fonts.html").render(faces=faces)
    out = BytesIO()
    done = CreatePDF(
        fonts + text,
        dest=out,
        encoding="utf-8",
        raise_exception=False,
        path=str(typefaces.FOLDER / "sheet.html"),
        context_meta={"title": title, "author": letterhead.name, "subject": "", "keywords": ""},
        resource_policy=ResourceAccessPolicy.server(
            typefaces.FOLDER, allow_remote=False, max_document_bytes=64 * 1024 * 1024
        ),
    )
    if done.err or not out.getvalue().startswith(b"%PDF-"):
        raise PdfFailed(f"the engine reported {done.err} errors")
    # The engine has no way to name another fixed moment, and 1 January 2000 would puzzle people
    # who look at a file's properties. The text is as long, so that no offset moves.
    moment = f"D:{made_on:%Y%m%d}000000+00'00'".encode()
    return out.getvalue().replace(_FIXED_MOMENT, moment)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["runs"] = _runs
    return environment


def _runs(text: str) -> str:
    """Which way a paragraph runs: as its first letter does, and figures alone as in a ledger."""
    for char in text:
        strong = bidirectional(char)
        if strong == "L":
            return "ltr"
        if strong in {"R", "AL"}:
            return "rtl"
    return "ltr"


def _design_version() -> str:
    """A digest of all that decides how a sheet looks: templates, code, fonts, engine."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted([*TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.css"), *here.glob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for path in sorted((here / "fonts").glob("*.ttf")):
        digest.update(f"{path.name} {path.stat().st_size}".encode())
    for library in ("xhtml2pdf", "reportlab"):
        digest.update(version(library).encode())
    return digest.hexdigest()[:12]


# Belongs into the key of every cached PDF: a changed design prints anew.
DESIGN_VERSION = _design_version()
