"""Who probably looked: a person, or a machine that opens every link in a mail (spec L17).

A label is a guess with its reason beside it; nothing is ever decided or refused because of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ua_parser import parse

from portico.records.activity import Label

# Mail security gateways, link unfurlers and plain HTTP clients, by how they name themselves.
_MACHINES = re.compile(
    r"bot\b|crawl|spider|scan|preview|fetch|monitor|proofpoint|mimecast|barracuda|ironport|"
    r"safelinks|urldefense|forcepoint|trendmicro|fireeye|symantec|sophos|cloudmark|zscaler|"
    r"microsoft office|ms-office|skypeuripreview|slack|whatsapp|telegram|facebookexternalhit|"
    r"linkedin|twitter|discord|googleimageproxy|google-safety|yahoomailproxy|"
    r"curl/|wget/|python|okhttp|go-http|java/|apache-http|libwww|axios|node|headless|phantom",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Device:
    type: str | None = None  # desktop, mobile or tablet
    browser: str | None = None
    platform: str | None = None


@lru_cache(maxsize=2048)
def label_of(
    method: str, user_agent: str | None, hints: tuple[str, ...], preview: bool
) -> tuple[Label, str]:
    """The label and the reason for it.

    *hints* are what the door saw: ``prefetch`` (the client said it fetches ahead),
    ``no-language`` (no Accept-Language), ``navigate`` (Sec-Fetch-Mode: navigate).
    """
    if preview:
        return Label.PREVIEW, "opened by the team as a preview"
    if method == "HEAD":
        return Label.SCANNER, "asked for the headers only"
    if "prefetch" in hints:
        return Label.SCANNER, "fetched ahead, not opened"
    if not user_agent:
        return Label.SCANNER, "did not name a browser"
    machine = _MACHINES.search(user_agent)
    if machine:
        return Label.SCANNER, f"names itself a machine ({machine.group().lower().strip('/')})"
    if method == "GET" and "no-language" in hints and "navigate" not in hints:
        return Label.SCANNER, "a browser would state its language"
    if method == "GET" and "navigate" not in hints:
        return Label.PERSON, "looks like a browser (an older one)"
    return Label.PERSON, "a browser opened it"


@lru_cache(maxsize=2048)
def device_of(user_agent: str | None) -> Device:
    """Device type, browser and platform, as far as the user agent tells."""
    if not user_agent:
        return Device()
    result = parse(user_agent[:1000])
    browser = result.user_agent.family if result.user_agent else None
    platform = result.os.family if result.os else None
    family = result.device.family if result.device else ""
    return Device(_type_of(user_agent, family, platform), _cut(browser), _cut(platform))


def _type_of(user_agent: str, family: str, platform: str | None) -> str:
    if (
        "iPad" in family
        or "Tablet" in user_agent
        or ("Android" in user_agent and "Mobile" not in user_agent)
    ):
        return "tablet"
    if platform in {"iOS", "Android", "Windows Phone"} or "Mobi" in user_agent:
        return "mobile"
    return "desktop"


def _cut(text: str | None) -> str | None:
    return text[:100] if text else None
