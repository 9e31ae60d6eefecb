"""`python -m rhaii_tui.practice serve [--speed 60]`: a practice cloud until stopped."""

from rhaii_tui.practice.serve import main

main()
