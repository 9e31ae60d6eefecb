"""`python -m rhaii_tui` is `rhaii-tui`."""

from rhaii_tui.cli import main

main()
