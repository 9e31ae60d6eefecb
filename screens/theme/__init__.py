"""Colours: one accent, four meanings. Every meaning also has a glyph and a word (see `signs`)."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="rhaii-dark",
    primary="#6cb2f0",
    secondary="#8fa3b5",
    accent="#6cb2f0",
    success="#74c991",
    warning="#e0b050",
    error="#f07a72",
    foreground="#d7dde3",
    background="#0f1318",
    surface="#151a21",
    panel="#1e252e",
    dark=True,
    variables={
        "dim": "#8b98a5",
        "rule": "#38424d",
        "block-cursor-background": "#26486a",
        "block-cursor-foreground": "#ffffff",
        "footer-background": "#1e252e",
        "footer-key-foreground": "#6cb2f0",
        "input-selection-background": "#26486a",
        "border": "#38424d",
        "border-blurred": "#38424d",
    },
)

LIGHT = Theme(
    name="rhaii-light",
    primary="#0b5cad",
    secondary="#52606d",
    accent="#0b5cad",
    success="#1c7a3d",
    warning="#8a5a00",
    error="#b3261e",
    foreground="#1b2329",
    background="#fbfbfa",
    surface="#f3f4f4",
    panel="#e7eaec",
    dark=False,
    variables={
        "dim": "#5d6a75",
        "rule": "#b9c1c8",
        "block-cursor-background": "#cfe3f7",
        "block-cursor-foreground": "#10202e",
        "footer-background": "#e7eaec",
        "footer-key-foreground": "#0b5cad",
        "input-selection-background": "#cfe3f7",
        "border": "#b9c1c8",
        "border-blurred": "#b9c1c8",
    },
)

THEMES = (DARK, LIGHT)

FALLBACK_VARIABLES = {"dim": "ansi_default", "rule": "ansi_bright_black"}
"""For themes that are not ours: `$dim` and `$rule` must exist everywhere."""
