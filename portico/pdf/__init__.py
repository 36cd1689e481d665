"""Documents and receipts as PDF. Pure: no request, no database, nothing fetched."""

from portico.pdf.bounded import Limits, NoPress, Order, render_in_subprocess
from portico.pdf.letterhead import Letterhead
from portico.pdf.receipts import Receipt
from portico.pdf.render import (
    DEFAULT_DESIGN,
    DESIGN_VERSION,
    DESIGNS,
    PLAIN_DESIGN,
    PdfFailed,
    document_pdf,
    receipt_pdf,
)

__all__ = [
    "DEFAULT_DESIGN",
    "DESIGNS",
    "DESIGN_VERSION",
    "PLAIN_DESIGN",
    "Letterhead",
    "Limits",
    "NoPress",
    "Order",
    "PdfFailed",
    "Receipt",
    "document_pdf",
    "receipt_pdf",
    "render_in_subprocess",
]
