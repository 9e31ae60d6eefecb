"""Settings with provenance: what is wanted, and who said so."""

from __future__ import annotations

from rhaii_tui.settings.errors import SettingsError
from rhaii_tui.settings.folders import config_home, state_home
from rhaii_tui.settings.resolve import resolve
from rhaii_tui.settings.secrets import HuggingFaceToken, PullSecret, read_hf_token, read_pull_secret
from rhaii_tui.settings.values import Setting, Settings

__all__ = [
    "HuggingFaceToken",
    "PullSecret",
    "Setting",
    "Settings",
    "SettingsError",
    "config_home",
    "read_hf_token",
    "read_pull_secret",
    "resolve",
    "state_home",
]
