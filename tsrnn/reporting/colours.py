"""Colours of figures and page, each with its counterpart for dark screens."""

from __future__ import annotations

from typing import Any

# Each pair is (on white, on dark). Every one has a contrast of 3 or more against its background, and neighbours
# in the list differ in lightness as well as in hue, so that they stay apart for colour-blind readers
# (after Okabe and Ito 2008, "Color Universal Design", darkened or lightened where their contrast is too low).
MODEL_COLOURS = (
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#ff9955"),
    ("#007a5a", "#3fd0a6"),
    ("#a34b86", "#e6a3cf"),
    ("#866500", "#e3c13f"),
    ("#4a4aa5", "#aeacf6"),
    ("#6f4229", "#cda68e"),
    ("#59656d", "#b3bdc4"),
)
# Printed in grey, or beyond eight models, lines still differ by their dashes.
# Plotly's word, and the same as an SVG dash array for the page's legends.
DASHES = {
    "solid": "none",
    "dash": "8 5",
    "dot": "2.5 3.5",
    "dashdot": "8 3 2.5 3",
    "longdash": "12 4",
    "longdashdot": "12 3 2.5 3",
    "5px,2px": "5 2",
    "2px,5px": "2 5",
}

PAGE = ("#f4f5f7", "#0d0f12")
LINK = ("#0b5cad", "#7cc0ff")
SURFACE = ("#ffffff", "#16191d")
INK = ("#1b1f24", "#e8eaed")
MUTED = ("#5c6670", "#a3adb8")
RULE = ("#e3e6ea", "#2c3238")


def model_colour(index: int) -> str:
    """Return the colour of the model at this position, for a white background.

    >>> model_colour(0) == model_colour(8)
    True
    """
    return MODEL_COLOURS[index % len(MODEL_COLOURS)][0]


def band_colour(index: int) -> str:
    """Return the translucent fill of a model's interval, for a white background.

    >>> band_colour(0)
    'rgba(0,114,178,0.18)'
    """
    return _translucent(model_colour(index), 0.18)


def neutral_band() -> str:
    """Return the translucent fill of what belongs to no model, for a white background."""
    return _translucent(MUTED[0], 0.14)


def model_dash(index: int) -> str:
    """Return the dash of a model's lines, in plotly's words."""
    return list(DASHES)[(index + index // len(MODEL_COLOURS)) % len(DASHES)]


def dark_counterparts() -> dict[str, str]:
    """Return, for every colour that a figure may hold, the colour to use on a dark background."""
    plain = dict((*MODEL_COLOURS, SURFACE, INK, MUTED, RULE))
    bands = {_translucent(light, 0.18): _translucent(dark, 0.24) for light, dark in MODEL_COLOURS}
    return plain | bands | {neutral_band(): _translucent(MUTED[1], 0.18)}


def style_variables() -> dict[str, tuple[str, str]]:
    """Return the page's CSS variables, each as (light, dark)."""
    named: dict[str, Any] = {"page": PAGE, "surface": SURFACE, "ink": INK, "muted": MUTED, "rule": RULE, "link": LINK}
    return named | {f"model-{i}": pair for i, pair in enumerate(MODEL_COLOURS)}


def _translucent(colour: str, alpha: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
