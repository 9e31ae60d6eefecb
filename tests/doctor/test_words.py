"""What is said of a fix that ended half-way: what was done of it, why it ended, and that it can be taken back."""

from __future__ import annotations

from doctor_stage import Stage

from rhaii_tui.catalog.shapes import Accelerator, Shape, Topology
from rhaii_tui.doctor import Healing, Hop
from rhaii_tui.doctor.diagnosis import judge
from rhaii_tui.doctor.fixing import Outcome
from screens import troubleshoot_pages as pages


def test_a_fix_that_broke_off_can_be_taken_back_and_one_that_never_began_cannot() -> None:
    found = judge(Stage(Shape(Accelerator.GPU_T4, Topology.SINGLE)).snapshot())
    half = Healing(Outcome(False, ("patched it",), "No room."), False, found)
    text, sign = pages.told(Hop.ENGINE, half, undoable=True)
    assert (text, sign) == ("Broke off after: patched it. No room. u takes it back.", "FAIL")
    nothing = Healing(Outcome(False, (), "No room."), False, found)
    assert pages.told(Hop.ENGINE, nothing, undoable=True) == ("Not applied: No room.", "FAIL")
