"""Troubleshooting: what was read, which hop is the cause, and how to mend it.

`examine` looks; a `Treatment` previews, applies, tests again and takes back; `for_step` serves a setup that stalls.
"""

from __future__ import annotations

from rhaii_tui.doctor.diagnosis import Diagnosed, Diagnosis
from rhaii_tui.doctor.examination import examine
from rhaii_tui.doctor.fixing import Outcome, Preview
from rhaii_tui.doctor.hops import CHAIN, GROUND, LIFE, PATH, Hop, Link, State
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rule import Change, Fix, Hit, Rule
from rhaii_tui.doctor.stalls import for_step
from rhaii_tui.doctor.treatment import Healing, Treatment

__all__ = [
    "CHAIN",
    "GROUND",
    "LIFE",
    "PATH",
    "Change",
    "Diagnosed",
    "Diagnosis",
    "Fix",
    "Healing",
    "Hit",
    "Hop",
    "Link",
    "Outcome",
    "Place",
    "Preview",
    "Rule",
    "State",
    "Treatment",
    "examine",
    "for_step",
]
