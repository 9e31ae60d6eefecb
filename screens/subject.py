"""Which service a screen is about, so that the screens opened from it are about the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.monitor.discovery import Found


@dataclass(frozen=True, slots=True)
class Subject:
    """A found service and the connection through which it is watched, which stays its screen's own."""

    found: Found
    cluster: Cluster
