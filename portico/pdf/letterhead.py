"""Who sends: the part of a sheet that is the organization's and not the document's."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_DEFAULT_COLOUR = "#1f5c4d"
_INK = "#1c1f22"

# Room for a logo on paper, in points: about 60 by 18 millimetres.
_LOGO_BOX = (170, 51)
_LOGO_PIXELS = 16_000_000


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo ready for the page: a data URI and its size in points."""

    source: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The organization on its own paper. ``logo`` is a PNG, ``colour`` is ``#rrggbb``."""

    name: str
    address: tuple[str, ...] = ()
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    tax_id: str | None = None
    colour: str = _DEFAULT_COLOUR
    locale: str = "en"
    timezone: str = "UTC"
    payment_instructions: str | None = None
    logo: bytes | None = None

    @property
    def brand(self) -> str:
        """The brand colour for lines and areas; what is no colour becomes Portico's own."""
        return self.colour if _COLOUR.fullmatch(self.colour) else _DEFAULT_COLOUR

    @property
    def brand_text(self) -> str:
        """The brand colour where it can be read on white (WCAG contrast 4.5), else ink."""
        return self.brand if 1.05 / (_luminance(self.brand) + 0.05) >= 4.5 else _INK

    @property
    def on_brand(self) -> str:
        """What reads better on an area of the brand colour: white or black (WCAG contrast)."""
        light = _luminance(self.brand) + 0.05
        return "#ffffff" if 1.05 / light >= light / 0.05 else "#000000"

    def fitted_logo(self) -> Logo | None:
        """The logo in the size it has on paper; None where there is none that can be drawn."""
        if not self.logo:
            return None
        try:
            with Image.open(BytesIO(self.logo), formats=("PNG",)) as picture:
                width, height = picture.size
                if not width * height or width * height > _LOGO_PIXELS:
                    return None
                picture.load()
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
            return None
        scale = min(_LOGO_BOX[0] / width, _LOGO_BOX[1] / height, 0.75)
        source = "data:image/png;base64," + base64.b64encode(self.logo).decode()
        return Logo(source, round(width * scale, 2), round(height * scale, 2))


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
