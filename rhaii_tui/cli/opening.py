"""Opens the session of a command, or says in words why it cannot be had."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from rhaii_tui.cli.output import Exit, Output

if TYPE_CHECKING:
    from rhaii_tui.deployment.session import Session


async def opened(opening: Awaitable[Session], out: Output) -> Session | int:
    """The session, or the exit code of a refusal that has been told."""
    from rhaii_tui.deployment.session import RunBusy

    try:
        return await opening
    except RunBusy as error:
        return out.refuse(
            "This deployment is being worked on already",
            f"Process {error.pid or 'unknown'} holds run {error.folder.name}.",
            "Wait for it, or end it.",
            code=Exit.FAILED,
        )
    except OSError as error:
        return out.refuse(
            "The state folder cannot be written",
            f"{error}.",
            "Set RHAII_TUI_HOME to a folder you can write to.",
            code=Exit.FAILED,
        )
