"""Parties: who sells, buys, pays, receives (EN 16931 BG-4 to BG-13, UBL cac:Party)."""

from __future__ import annotations

from portico.records.content import Address, ContactDetails, Identifier, Party, Period, Property
from portico.services.imports.ubl.element import Element, shortened

_MOST_ADDRESS_LINES = 12
# In the order in which they stand on an envelope.
_BEFORE_STREET = ("MarkAttention", "MarkCare", "Department")
_AFTER_STREET = (
    "AdditionalStreetName", "BuildingName", "BlockName", "PlotIdentification",
    "CitySubdivisionName", "District", "InhouseMail",
)  # fmt: skip
# Contacts that stand beside the party, and what they are for.
_CONTACTS_BESIDE = {
    "DeliveryContact": "Delivery contact",
    "AccountingContact": "Accounting contact",
    "BuyerContact": "Buyer contact",
    "SellerContact": "Seller contact",
    "DespatchContact": "Despatch contact",
}


def party(element: Element | None) -> Party | None:
    """The party in *element*: a cac:Party, or what holds one. ``None`` where it has no name."""
    if element is None:
        return None
    inner = element.one("Party") or element
    names = inner.names("PartyName/Name")
    legal = inner.names("PartyLegalEntity/RegistrationName")
    taxed = inner.names("PartyTaxScheme/RegistrationName")
    people = [found for e in inner.all("Person") if (found := _person(e))]
    identifiers = inner.identifiers("PartyIdentification/ID")
    fallbacks = [person.name for person in people if person.name]
    fallbacks += inner.names("Contact/Name")
    name = next(iter((*names, *legal, *taxed, *fallbacks)), None)
    if name is None:
        return None
    contact, further = _contacts(element, inner, people)
    addresses = inner.each("PostalAddress", "PhysicalLocation/Address")
    registered = inner.one(
        "PartyLegalEntity/RegistrationAddress", "PartyTaxScheme/RegistrationAddress"
    )
    return inner.build(
        Party,
        name=name,
        legal_name=next((found for found in (legal or taxed)[:1] if found != name), None),
        legal_form=inner.name("PartyLegalEntity/CompanyLegalForm"),
        registration=inner.identifier("PartyLegalEntity/CompanyID"),
        tax_ids=_tax_ids(inner),
        endpoint=inner.identifier("EndpointID"),
        identifiers=identifiers,
        address=next(filter(None, map(address, addresses)), None),
        registered_address=address(registered),
        contact=contact,
        further_contacts=tuple(further),
        website=inner.name("WebsiteURI"),
        details=tuple(_details(element, inner, {name, *(legal or taxed)[:1]})),
    )


def address(element: Element | None) -> Address | None:
    """An address (BG-5, BG-8, BG-12, BG-15); ``None`` where it says nothing."""
    if element is None:
        return None
    lines = _address_lines(element)
    if len(lines) > _MOST_ADDRESS_LINES:
        rest = shortened(", ".join(lines[_MOST_ADDRESS_LINES - 1 :]))
        lines = [*lines[: _MOST_ADDRESS_LINES - 1], rest]
    built = element.build(
        Address,
        id=element.identifier("ID"),
        lines=tuple(lines),
        postal_code=element.name("PostalZone"),
        city=element.name("CityName"),
        region=_region(element),
        country=element.name("Country/IdentificationCode", "Country/Name"),
    )
    return built if built != Address() else None


def _address_lines(element: Element) -> list[str]:
    lines = [line for tag in _BEFORE_STREET for line in element.names(tag)]
    street = " ".join(element.names("StreetName", "BuildingNumber"))
    lines += [street] if street else []
    lines += [line for tag in _AFTER_STREET for line in element.names(tag)]
    for tag in ("Floor", "Room", "Postbox"):
        lines += [_labelled(tag, value) for value in element.names(tag)]
    lines += element.names("AddressLine/Line")
    return list(dict.fromkeys(lines))


def _labelled(tag: str, value: str) -> str:
    """A bare number says nothing on an envelope: ``PO box 5467``, but ``Postbus 12`` as it is."""
    label = {"Floor": "Floor", "Room": "Room", "Postbox": "PO box"}[tag]
    return f"{label} {value}" if value[:1].isdigit() else value


def _region(element: Element) -> str | None:
    names = element.names("CountrySubentity", "Region")
    codes = element.names("CountrySubentityCode")
    if names and codes and codes[0] not in names[0]:
        return f"{', '.join(names)} ({codes[0]})"
    return ", ".join(names or codes) or None


def contact(element: Element | None, role: str | None = None) -> ContactDetails | None:
    """A person or department to turn to (BG-6, BG-9); ``None`` where nothing is said."""
    if element is None:
        return None
    others = [
        f"{e.name('Channel', 'ChannelCode') or 'Other'}: {value}"
        for e in element.all("OtherCommunication")
        if (value := e.name("Value"))
    ]
    built = element.build(
        ContactDetails,
        id=element.name("ID"),
        name=element.name("Name"),
        role=role or element.name("JobTitle"),
        phone=element.name("Telephone"),
        fax=element.name("Telefax"),
        email=element.name("ElectronicMail"),
        notes=(*element.texts("Note"), *others),
    )
    return built if built is not None and built != ContactDetails(role=role) else None


def _person(element: Element) -> ContactDetails | None:
    parts = ("Title", "FirstName", "MiddleName", "FamilyName", "NameSuffix")
    words = [word for part in parts if (word := element.name(part))]
    details = contact(element.one("Contact")) or ContactDetails()
    roles = element.names("JobTitle", "OrganizationDepartment")
    person = details.model_copy(
        update={
            "id": details.id or element.name("ID"),
            "name": shortened(" ".join(words)) or details.name,
            "role": shortened(", ".join(roles)) or details.role,
        }
    )
    return person if person != ContactDetails() else None


def _contacts(
    outer: Element, inner: Element, people: list[ContactDetails]
) -> tuple[ContactDetails | None, list[ContactDetails]]:
    """The main contact and the others. A nameless contact with one person is that person."""
    main = contact(inner.one("Contact"))
    if main and not main.name and len(people) == 1 and not people[0].email:
        person = people.pop()
        main = main.model_copy(
            update={"id": main.id or person.id, "name": person.name, "role": person.role}
        )
    beside = [
        found
        for tag, role in _CONTACTS_BESIDE.items()
        for e in outer.all(tag)
        if (found := contact(e, role))
    ]
    every = [*([main] if main else []), *people, *beside]
    every = list(dict.fromkeys(every))
    return (every[0], every[1:]) if every else (None, [])


def _tax_ids(inner: Element) -> tuple[Identifier, ...]:
    """BT-31, BT-32, BT-48: the number, and the tax it is for (VAT, GST, TAX, ...)."""
    found: list[Identifier] = []
    for scheme in inner.all("PartyTaxScheme"):
        number = scheme.identifier("CompanyID")
        if number is None:
            continue
        tax = scheme.name("TaxScheme/ID")
        # A code list's number (OIOUBL: 63) says less than its name (Moms).
        if tax is None or tax.isdigit():
            tax = scheme.name("TaxScheme/Name", "TaxScheme/TaxTypeCode") or tax
        found.append(Identifier(value=number.value, scheme=tax or number.scheme))
    return tuple(dict.fromkeys(found))


def _details(outer: Element, inner: Element, known: set[str]) -> list[Property]:
    """Facts without a field of their own, so that none is lost."""
    found = inner.details(
        {
            "IndustryClassificationCode": "Industry",
            "PartyTaxScheme/TaxLevelCode": "Tax status",
            "PartyTaxScheme/ExemptionReason": "Tax exemption",
            "PartyLegalEntity/CorporateRegistrationScheme/Name": "Registered at",
            "PartyLegalEntity/CorporateRegistrationScheme/ID": "Registered under",
            "PartyLegalEntity/CorporateStockAmount": "Share capital",
            "PartyLegalEntity/SoleProprietorshipIndicator": "Sole proprietorship",
            "PartyLegalEntity/CompanyLiquidationStatusCode": "Liquidation status",
            "FinancialAccount/ID": "Account",
        }
    )
    if outer.tag.endswith("SupplierParty"):
        labels = {
            "CustomerAssignedAccountID": "Supplier number",
            "AdditionalAccountID": "Further account",
        }
        found += outer.details(labels)
    others = [name for name in inner.names("PartyName/Name") if name not in known]
    found += [Property(name="Also known as", value=name) for name in others]
    for entity in inner.all("PartyLegalEntity")[1:]:
        facts = [*entity.names("RegistrationName", "CompanyID", "CompanyLegalForm")]
        found += [Property(name="Also registered as", value=", ".join(facts))] if facts else []
    for scheme in inner.all("PartyTaxScheme"):
        found += _tax_registration(scheme, known)
    return found


def _tax_registration(scheme: Element, known: set[str]) -> list[Property]:
    name = scheme.name("RegistrationName")
    if name is None or name in known:
        return []
    where = address(scheme.one("RegistrationAddress"))
    parts = [name]
    if where:
        parts += [*where.lines, where.postal_code or "", where.city or "", where.country or ""]
    return [Property(name="Registered for tax as", value=", ".join(p for p in parts if p))]


def period(element: Element | None) -> Period | None:
    """A cac:Period with its times as stated; ``None`` where it says nothing."""
    if element is None:
        return None
    meaning = {"3": "Tax point: issue", "35": "Tax point: delivery", "432": "Tax point: payment"}
    codes = [meaning.get(code, code) for code in element.names("DescriptionCode")]  # BT-8
    codes += [text for e in element.all("DurationMeasure") if (text := e.name_with_unit())]
    built = element.build(
        Period,
        start=element.date("StartDate"),
        start_time=element.name("StartTime"),
        end=element.date("EndDate"),
        end_time=element.name("EndTime"),
        description="\n".join([*element.texts("Description"), *codes]) or None,
    )
    return built if built != Period() else None
