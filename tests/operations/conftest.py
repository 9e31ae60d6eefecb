"""What all of these tests hold: the practice cloud as the product sees it, and as anybody else does."""

from __future__ import annotations

from pathlib import Path

import pytest
from wire import Running, Wire

from rhaii_tui.endpoints import Endpoints, practice_cloud


@pytest.fixture
def endpoints(practice: Running) -> Endpoints:
    return practice_cloud(Path(practice.line["descriptor"]))


@pytest.fixture
def wire(practice: Running) -> Wire:
    return Wire(practice)
