"""Versions of the stack and of the tools it needs, as the guides pin them. Shown, never compared for behaviour."""

from __future__ import annotations

from rhaii_tui.catalog.load import facts


def components() -> dict[str, str]:
    """What the operators' route installs, by component."""
    return dict(facts("versions")["components"])


def tools() -> dict[str, str]:
    """The least versions of the local tools that the operators' route runs."""
    return dict(facts("versions")["tools"])
