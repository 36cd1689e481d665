"""Other papers a document points to (EN 16931 BT-11 to BT-18, BG-3, BG-24) and embedded files."""

from __future__ import annotations

from portico.records.content import Attachment, Reference
from portico.services.imports.embedded import attachment, decoded
from portico.services.imports.ubl.element import Element

_INVOICED_OBJECT = "130"  # UNCL 1001, by which BT-18 and BT-128 are told from other documents
_PROJECT = "50"

# Where references stand in the four documents, and their type in the content.
_DOCUMENT_REFERENCES = {
    "QuotationDocumentReference": "quotation",
    "RequestForQuotationDocumentReference": "request_for_quotation",
    "OrderDocumentReference": "order",
    "ContractDocumentReference": "contract",
    "Contract": "contract",
    "Contract/ContractDocumentReference": "contract",
    "ProjectReference": "project",
    "DespatchDocumentReference": "despatch",
    "ReceiptDocumentReference": "receipt",
    "StatementDocumentReference": "statement",
    "CatalogueReference": "catalogue",
    "CatalogueDocumentReference": "catalogue",
    "PriceList": "catalogue",
    "AdditionalDocumentReference": "document",
    "DocumentReference": "document",
    "ResponseDocumentReference": "document",
    "TransportDocumentReference": "document",
}
_BILLING_REFERENCES = {
    "InvoiceDocumentReference": "invoice",
    "SelfBilledInvoiceDocumentReference": "invoice",
    "CreditNoteDocumentReference": "credit_note",
    "SelfBilledCreditNoteDocumentReference": "credit_note",
    "DebitNoteDocumentReference": "debit_note",
    "ReminderDocumentReference": "reminder",
    "AdditionalDocumentReference": "document",
}
_LINE_REFERENCES = {
    "DespatchLineReference": "despatch",
    "ReceiptLineReference": "receipt",
    "QuotationLineReference": "quotation",
    "CatalogueLineReference": "catalogue",
    "RequestLineReference": "request_for_quotation",
    "RequestForQuotationLineReference": "request_for_quotation",
}


def document_references(root: Element) -> tuple[Reference, ...]:
    """Every reference of the whole document."""
    found = [r for e in root.all("OrderReference") for r in _order(e)]
    found += [r for e in root.all("BillingReference") for r in _billing(e)]
    found += _plain(root)
    # A line's own paper in invoices is BT-17, the tender or lot; in orders it is a requisition.
    kind = "requisition" if root.tag == "Order" else "tender"
    found += [r for e in root.all("OriginatorDocumentReference") if (r := reference(e, kind))]
    return tuple(dict.fromkeys(found))


def line_references(line: Element) -> tuple[Reference, ...]:
    """References of one line: order lines (BT-132), despatch lines, objects (BT-128)."""
    found = [r for e in line.all("OrderLineReference") for r in _order_line(e)]
    found += [r for e in line.all("BillingReference") for r in _billing(e)]
    for tag, kind in _LINE_REFERENCES.items():
        for element in line.all(tag):
            made = reference(element.one("DocumentReference"), kind)
            made = made or Reference(type=kind)
            found.append(made.model_copy(update={"line": element.name("LineID")}))
    found += _plain(line)
    return tuple(r for r in dict.fromkeys(found) if r != Reference(type=r.type))


def reference(element: Element | None, kind: str) -> Reference | None:
    """One document reference of type *kind*; ``None`` where it says nothing."""
    if element is None:
        return None
    code = element.name("DocumentTypeCode")
    if kind == "document":
        kind = {_INVOICED_OBJECT: "invoiced_object", _PROJECT: "project"}.get(code or "", kind)
    number = element.identifier("ID")
    texts = element.texts(
        "DocumentType", "ContractType", "DocumentDescription", "Description", "XPath"
    )
    outside = "Attachment/ExternalReference"
    texts += element.texts(f"{outside}/Description", f"{outside}/FileName")
    built = element.build(
        Reference,
        type=kind,
        id=number.value if number else "",
        scheme=number.scheme if number else None,
        code=code,
        description="\n".join(dict.fromkeys(texts)) or None,
        issued_on=element.date("IssueDate"),
        uri=element.name(f"{outside}/URI"),
        attachment=_attachment(element, number.value if number else "attachment"),
    )
    return built if built != Reference(type=kind) else None


def _plain(element: Element) -> list[Reference]:
    return [
        made
        for path, kind in _DOCUMENT_REFERENCES.items()
        for found in element.all(path)
        if (made := reference(found, kind))
    ]


def _order(element: Element) -> list[Reference]:
    """BT-13 and BT-14. An order number must be given, so those without one write "NA"."""
    sales = element.name("SalesOrderID")
    found: list[Reference] = []
    order = reference(element, "order")
    customers = element.name("CustomerReference")
    if customers and order:
        order = order.model_copy(update={"description": customers})
    if order and not (sales and order.id == "NA"):
        found.append(order)
    made = element.build(Reference, type="sales_order", id=sales) if sales else None
    found += [made] if made else []
    inner = reference(element.one("DocumentReference"), "order")
    return found + ([inner] if inner else [])


def _order_line(element: Element) -> list[Reference]:
    parent = element.one("OrderReference")
    line = element.name("LineID")
    sales_line = element.name("SalesOrderLineID")
    orders = _order(parent) if parent else []
    found = [r.model_copy(update={"line": line}) for r in orders if r.type == "order"]
    found = found or ([Reference(type="order", line=line)] if line else [])
    sales = [r for r in orders if r.type == "sales_order"]
    if sales_line:
        sales = [r.model_copy(update={"line": sales_line}) for r in sales] or [
            Reference(type="sales_order", line=sales_line)
        ]
    return found + sales


def _billing(element: Element) -> list[Reference]:
    """BG-3, and in UBL the lines of the preceding document too."""
    found = [
        made
        for tag, kind in _BILLING_REFERENCES.items()
        for e in element.all(tag)
        if (made := reference(e, kind))
    ]
    lines = element.names("BillingReferenceLine/ID")
    if lines and found:
        found[0] = found[0].model_copy(update={"line": ", ".join(lines)[:500]})
    elif lines:
        found = [Reference(type="invoice", line=", ".join(lines)[:500])]
    return found


# --- embedded files (BT-125) ------------------------------------------------------------------


def _attachment(element: Element, number: str) -> Attachment | None:
    binary = element.one("Attachment/EmbeddedDocumentBinaryObject")
    if binary is None:
        return None
    data = decoded(binary.raw)
    if data is None:
        binary.fault("The embedded file is not valid base64, so it may be damaged.")
        return None
    if not data:
        binary.warn("The embedded file is empty and was left out.")
        return None
    made = attachment(
        data,
        filename=binary.attribute("filename") or "",
        mime=binary.attribute("mimeCode") or "",
        number=number,
    )
    element.reading.attachments[made.sha256] = data
    return made
