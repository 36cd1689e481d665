"""Ink on a brand colour."""

from __future__ import annotations


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
