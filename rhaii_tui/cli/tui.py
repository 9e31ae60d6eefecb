"""`rhaii-tui` without a subcommand: the screens."""

from __future__ import annotations

import os
import sys

from rhaii_tui.settings import state_home


def run(practice: bool, speed: float) -> int:
    """Show the screens until the user leaves; the exit code. The cloud is opened behind the first frame."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("rhaii-tui needs a terminal for its screens. Without one, use: rhaii-tui setup --help", file=sys.stderr)
        return 2
    from rhaii_tui.cli.cloud import open_cloud
    from screens.app import RhaiiApp

    app = RhaiiApp(lambda: open_cloud(practice, speed=speed), state_home(os.environ), practice=practice)
    code = app.run()
    return code if code is not None else app.return_code or 0
