"""Lines (EN 16931 BG-25 to BG-32), with the lines inside them laid out one after the other."""

from __future__ import annotations

from portico.records.content import Identifier, Line, Property, Reference, TaxCategory
from portico.services.imports.ubl.delivery import delivery
from portico.services.imports.ubl.element import Element, shortened
from portico.services.imports.ubl.money import allowances, line_tax, tax_categories
from portico.services.imports.ubl.parties import party, period
from portico.services.imports.ubl.references import line_references, reference

_LINES = ("InvoiceLine", "CreditNoteLine", "OrderLine", "QuotationLine")
_SUBLINES = ("SubInvoiceLine", "SubCreditNoteLine", "SubLineItem")
_ALTERNATIVES = {
    "BuyerProposedSubstituteLineItem": "Proposed substitute",
    "SellerProposedSubstituteLineItem": "Proposed substitute",
    "SellerSubstitutedLineItem": "Substituted",
    "AlternativeLineItem": "Alternative",
}
_MOST_NAME = 500

_ITEM_FACTS = {
    "BrandName": "Brand",
    "ModelName": "Model",
    "ManufacturersItemIdentification/ID": "Manufacturer's item number",
    "ManufacturerParty/PartyName/Name": "Manufacturer",
    "CatalogueItemIdentification/ID": "Catalogue item number",
    "AdditionalItemIdentification/ID": "Further item number",
    "SellersItemIdentification/ExtendedID": "Seller's item variant",
    "BuyersItemIdentification/ExtendedID": "Buyer's item variant",
    "PackQuantity": "Packs",
    "PackSizeNumeric": "Pack size",
    "AdditionalInformation": "Further information",
    "Keyword": "Keyword",
    "HazardousItem/UNDGCode": "Hazardous goods (UN)",
    "ItemInstance/SerialID": "Serial number",
    "ItemInstance/LotIdentification/LotNumberID": "Lot",
    "ItemInstance/LotIdentification/ExpiryDate": "Expires",
    "ItemInstance/BestBeforeDate": "Best before",
    "ItemInstance/ManufactureDate": "Manufactured on",
    "ItemInstance/RegistrationID": "Registration",
    "Certificate/ID": "Certificate",
    "TransactionConditions/Description": "Conditions",
}
_LINE_FACTS = {
    "TaxPointDate": "Tax point",
    "PaymentPurposeCode": "Payment purpose",
    "InspectionMethodCode": "Inspection",
    "WarrantyInformation": "Warranty",
    "WarrantyValidityPeriod/EndDate": "Warranty until",
    "DiscrepancyResponse/Description": "Reason",
    "LineStatusCode": "Status",
}
_YES_OR_NO = {
    "FreeOfChargeIndicator": "Free of charge",
    "PartialDeliveryIndicator": "Partial delivery allowed",
    "BackOrderAllowedIndicator": "Back order allowed",
}


def lines(root: Element) -> tuple[Line, ...]:
    """All lines in order; parts of a line follow it, with its id in ``parent``."""
    found: list[Line] = []
    for outer in root.each(*_LINES):
        inner = outer.one("LineItem") or outer
        made = _line(outer, inner)
        if made is not None:
            found += [made, *_parts(inner, made.id)]
        found += _alternatives(outer, made)
    return tuple(found)


def _parts(parent: Element, parent_id: str | None) -> list[Line]:
    found: list[Line] = []
    for number, outer in enumerate(parent.each(*_SUBLINES), 1):
        inner = outer.one("LineItem") or outer
        made = _line(outer, inner)
        if made is None:
            continue
        own = made.id or str(number)
        clear = own if _names_its_parent(own, parent_id) else f"{parent_id}.{own}"
        made = made.model_copy(update={"id": clear, "parent": parent_id or "?"})
        found += [made, *_parts(inner, clear)]
    return found


def _names_its_parent(own: str, parent_id: str | None) -> bool:
    """Whether an id such as ``1.2`` or ``1 2`` says by itself that it is a part of ``1``."""
    if not parent_id:
        return True
    rest = own.removeprefix(parent_id)
    return own.startswith(parent_id) and rest != "" and not rest[0].isalnum()


def _alternatives(outer: Element, main: Line | None) -> list[Line]:
    """Substitutes and alternatives are no part of the sum; their title says what they are."""
    found: list[Line] = []
    for tag, label in _ALTERNATIVES.items():
        for element in outer.all(tag):
            made = _line(element, element)
            if made is not None:
                update = {
                    "name": shortened(f"{label}: {made.name}"),
                    "parent": (main.id if main else None) or "?",
                }
                found.append(made.model_copy(update=update))
    return found


def _line(outer: Element, line: Element) -> Line | None:
    """One line: *line* holds the facts, *outer* is the same or wraps it (orders, quotations)."""
    item = line.one("Item") or line
    price = line.one("Price", "ItemPriceExtension/Price")
    quantity = line.one("InvoicedQuantity", "CreditedQuantity", "Quantity")
    name, description = _title(item)
    unit = quantity.attribute("unitCode") if quantity else None
    base = price.one("BaseQuantity") if price else None
    base_unit = base.attribute("unitCode") if base else None
    ids = [*outer.names("ID"), *(line.names("ID") if line is not outer else [])]
    wrapped = [outer, line] if line is not outer else [line]
    return line.build(
        Line,
        id=next(iter(ids), None),
        name=name,
        description=description,
        notes=tuple(dict.fromkeys(note for e in wrapped for note in e.texts("Note"))),
        quantity=quantity.number_here() if quantity else None,
        unit=unit,
        price=price.amount("PriceAmount") if price else None,
        base_quantity=base.number_here() if base else None,
        base_unit=base_unit if base_unit != unit else None,
        price_allowances=allowances(price) if price else (),
        allowances=allowances(line),
        amount=line.amount("LineExtensionAmount"),
        tax_categories=_taxes(line, item),
        tax_amount=line_tax(line),
        seller_item_id=item.name("SellersItemIdentification/ID"),
        buyer_item_id=item.name("BuyersItemIdentification/ID"),
        standard_item_id=item.identifier("StandardItemIdentification/ID"),
        classifications=_classifications(item),
        origin_country=item.name("OriginCountry/IdentificationCode", "OriginCountry/Name"),
        properties=tuple(_properties(item, line, ids)),
        period=period(line.one("InvoicePeriod")),
        deliveries=tuple(made for e in line.all("Delivery") if (made := delivery(e))),
        references=_references(wrapped, item),
        accounting_cost=", ".join(line.names("AccountingCost", "AccountingCostCode")) or None,
    )


def _title(item: Element) -> tuple[str, str | None]:
    """Name (BT-153) and description (BT-154). A name is needed, and must fit on a line."""
    names = item.long_names("Name")
    texts = item.texts("Description")
    if not names and texts:
        names = [texts.pop(0)]
    if not names:
        names = item.names("SellersItemIdentification/ID", "StandardItemIdentification/ID")
    if not names:
        return "—", None
    name = shortened(names[0])
    if len(names[0]) > _MOST_NAME:
        texts.insert(0, names[0])
    texts += names[1:]
    return name, "\n".join(dict.fromkeys(texts)) or None


def _taxes(line: Element, item: Element) -> tuple[TaxCategory, ...]:
    found = tax_categories(item, "ClassifiedTaxCategory")
    return found or tax_categories(line, "TaxTotal/TaxSubtotal/TaxCategory")


def _classifications(item: Element) -> tuple[Identifier, ...]:
    """BT-158 with its list and version."""
    found: list[Identifier] = []
    for code in item.each(
        "CommodityClassification/ItemClassificationCode", "CommodityClassification/CommodityCode"
    ):
        value = code.own_name()
        words = [code.attribute("listID"), code.attribute("listVersionID")]
        scheme = " ".join(word for word in words if word) or None
        if value:
            found.append(Identifier(value=value, scheme=scheme))
    return tuple(dict.fromkeys(found))


def _properties(item: Element, line: Element, ids: list[str]) -> list[Property]:
    """BG-32, and facts of item and line without a field of their own."""
    found: list[Property] = []
    for element in item.each("AdditionalItemProperty", "ItemInstance/AdditionalItemProperty"):
        name = element.name("Name", "NameCode") or "—"
        quantity = element.one("ValueQuantity")
        words = element.texts("Value", "ValueQualifier")
        words += [text] if quantity and (text := quantity.name_with_unit()) else []
        made = element.build(Property, name=name, value="\n".join(words))
        found += [made] if made else []
    found += item.details(_ITEM_FACTS)
    found += line.details(_LINE_FACTS)
    found += [Property(name="Line item", value=other) for other in ids[1:] if other != ids[0]]
    for tag, label in _YES_OR_NO.items():
        answer = line.flag(tag)
        found += [] if answer is None else [Property(name=label, value="yes" if answer else "no")]
    found += _people(line)
    return found


def _people(line: Element) -> list[Property]:
    found: list[Property] = []
    for element in line.all("OriginatorParty"):
        made = party(element)
        if made:
            numbers = ", ".join(i.value for i in made.identifiers)
            value = f"{made.name} ({numbers})" if numbers else made.name
            found.append(Property(name="Requested by", value=value))
    return found


def _references(wrapped: list[Element], item: Element) -> tuple[Reference, ...]:
    found = [r for e in wrapped for r in line_references(e)]
    for tag, kind in {
        "ItemSpecificationDocumentReference": "document",
        "CatalogueDocumentReference": "catalogue",
    }.items():
        found += [r for e in item.all(tag) if (r := reference(e, kind))]
    return tuple(dict.fromkeys(found))
