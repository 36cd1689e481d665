"""Where and when goods go (EN 16931 BG-13 to BG-15; UBL cac:Delivery, cac:DeliveryTerms)."""

from __future__ import annotations

from portico.records.content import Delivery, Property
from portico.services.imports.ubl.element import Element
from portico.services.imports.ubl.parties import address, contact, party, period

_DETAILS = {
    "ID": "Delivery",
    "ActualDeliveryTime": "Delivery time",
    "LatestDeliveryDate": "Latest delivery date",
    "LatestDeliveryTime": "Latest delivery time",
    "EstimatedDeliveryPeriod/StartDate": "Expected from",
    "EstimatedDeliveryPeriod/EndDate": "Expected until",
    "CarrierParty/PartyName/Name": "Carrier",
    "NotifyParty/PartyName/Name": "Notify",
    "Shipment/ID": "Shipment",
    "Shipment/ShippingPriorityLevelCode": "Shipping priority",
    "Shipment/SpecialInstructions": "Shipping instructions",
    "Shipment/DeliveryInstructions": "Delivery instructions",
    "DeliveryLocation/Conditions": "Conditions",
    "Despatch/ActualDespatchDate": "Despatched on",
    "Despatch/RequestedDespatchDate": "Despatch requested on",
}


def delivery(element: Element) -> Delivery | None:
    """One delivery; ``None`` where it says nothing."""
    to = element.one("DeliveryParty")
    receiver = party(to)
    place = element.one(
        "DeliveryAddress", "DeliveryLocation/Address", "AlternativeDeliveryLocation/Address"
    )
    location = "DeliveryLocation"
    built = element.build(
        Delivery,
        party=receiver.name if receiver else None,
        party_identifiers=receiver.identifiers if receiver else (),
        contact=receiver.contact if receiver else contact(to.one("Contact") if to else None),
        location=element.name(f"{location}/Name", f"{location}/Description"),
        location_id=element.identifier(f"{location}/ID"),
        address=address(place) or (receiver.address if receiver else None),
        delivered_on=element.date("ActualDeliveryDate"),
        requested=period(element.one("RequestedDeliveryPeriod")),
        promised=period(element.one("PromisedDeliveryPeriod")),
        terms=tuple(t for e in element.all("DeliveryTerms") for t in terms(e)),
        tracking_id=element.name("TrackingID", "Shipment/Consignment/CarrierAssignedID"),
        details=tuple(_details(element)),
    )
    return built if built != Delivery() else None


def terms(element: Element) -> list[str]:
    """Delivery terms, each fact a line of its own: ``FOT``, the special terms, the place."""
    place = element.one("DeliveryLocation")
    return [
        *element.texts("ID", "SpecialTerms", "LossRisk"),
        *element.names("LossRiskResponsibilityCode"),
        *(place.names("ID", "Name", "Description", "Address/CityName") if place else []),
    ]


def deliveries(root: Element) -> tuple[Delivery, ...]:
    """All deliveries. Terms that stand beside a single delivery belong to it."""
    found = [made for e in root.all("Delivery") if (made := delivery(e))]
    beside = tuple(t for e in root.all("DeliveryTerms") for t in terms(e))
    if beside and len(found) == 1:
        found = [found[0].model_copy(update={"terms": (*found[0].terms, *beside)})]
    elif beside:
        found.append(Delivery(terms=beside))
    return tuple(found)


def _details(element: Element) -> list[Property]:
    found = element.details(_DETAILS)
    for tag, label in {"Quantity": "Quantity", "MinimumQuantity": "Least quantity"}.items():
        quantity = element.one(tag)
        amount = quantity.name_with_unit() if quantity else None
        found += [Property(name=label, value=amount)] if amount else []
    return found
