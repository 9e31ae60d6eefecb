"""Nobody is told merely to try again where the login is what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from rhaii_tui.endpoints import practice_cloud
from rhaii_tui.monitor.discovery import NothingChosen, Wish, attach

pytestmark = pytest.mark.wire


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (None, "gcloud auth login && gcloud container clusters get-credentials shared-tools --zone us-central1-b"),
        ("by-hand", "oc login"),
    ],
)
def test_a_kubeconfig_with_an_expired_login_says_how_to_log_in_again(
    practice: Any, tmp_path: Path, context: str | None, words: str
) -> None:
    config = yaml.safe_load(Path(practice.line["kubeconfig"]).read_text())
    shared = next(c for c in config["contexts"] if c["name"].endswith("_shared-tools"))
    shared["name"] = context or shared["name"]
    for user in config["users"]:
        user["user"]["token"] = "expired"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    with pytest.raises(NothingChosen) as nothing:
        asyncio.run(attach(practice_cloud(practice.descriptor_path), Wish(kubeconfig=file, context=shared["name"])))
    assert nothing.value.unknown
    assert "401" in nothing.value.why
    assert words in nothing.value.next
