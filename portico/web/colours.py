"""Ink on a brand colour."""

from __future__ import annotations

from dataclasses import dataclass

# White or pure black: one of them reads on any colour at 4.58 to 1 or more; with a softer black
# there are greys on which neither does.
_PAPER, _INK = "ffffff", "000000"
_DARK_PAPER = "1c2126"
# WCAG 2.2: text needs 4.5 to 1, the edge of a button 3 to 1.
_EDGE = 3.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well a brand colour can be read with and seen, as contrast ratios from 1 to 21."""

    colour: str  # with its hash sign
    ink: str  # what Portico writes with on it
    white_text: float
    black_text: float
    on_paper: float
    on_dark_paper: float

    @property
    def is_faint(self) -> bool:
        """Whether a button of this colour is hard to see on white paper."""
        return self.on_paper < _EDGE

    @property
    def is_faint_in_the_dark(self) -> bool:
        """Whether a button of this colour alone is hard to see on the dark pages."""
        return self.on_dark_paper < _EDGE


def judge(colour: str) -> Judgement:
    """What to expect of a brand colour; ``#`` and six small hexadecimal digits."""
    digits = colour[1:]
    on_paper = contrast(digits, _PAPER)
    return Judgement(
        colour=colour,
        ink=on_colour(digits),
        white_text=on_paper,
        black_text=contrast(digits, _INK),
        on_paper=on_paper,
        on_dark_paper=contrast(digits, _DARK_PAPER),
    )


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, each six hexadecimal digits, as WCAG 2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def on_colour(colour: str) -> str:
    """``#fff`` or ``#000``, whichever reads better on six hexadecimal digits (WCAG contrast)."""
    return "#fff" if contrast(colour, _PAPER) >= contrast(colour, _INK) else "#000"


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1, as WCAG 2 defines it."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
