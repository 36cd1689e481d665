"""Ink on a brand colour."""

from __future__ import annotations

from dataclasses import dataclass

_PAPER, _INK = "ffffff", "111111"
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

    @property
    def is_faint(self) -> bool:
        """Whether a button of this colour is hard to see on white paper."""
        return self.on_paper < _EDGE


def judge(colour: str) -> Judgement:
    """What to expect of a brand colour; ``#`` and six small hexadecimal digits."""
    digits = colour[1:]
    on_paper = contrast(digits, _PAPER)
    return Judgement(colour, on_colour(digits), on_paper, contrast(digits, _INK), on_paper)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, each six hexadecimal digits, as WCAG 2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def on_colour(colour: str) -> str:
    """``#fff`` or ``#111``, whichever reads better on six hexadecimal digits (WCAG contrast)."""
    light = luminance(colour)
    return "#fff" if (1.05 / (light + 0.05)) >= ((light + 0.05) / 0.0556) else "#111"


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1, as WCAG 2 defines it."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
