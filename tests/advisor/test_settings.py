"""Settings: who wins, what is passed over, and what is said when something is wrong."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.clock import Clock
from rhaii_tui.endpoints import Endpoints, google_cloud
from rhaii_tui.settings import SettingsError, resolve
from rhaii_tui.settings.files import literal, read_exports

GPU = {"accelerator": "gpu", "topology": "scale-out"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "RHAII_TUI_HOME": str(home), **more}


def gcloud(home: Path, text: str, name: str = "default") -> None:
    folder = home / ".config" / "gcloud" / "configurations"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "active_config").write_text(name)
    (folder / f"config_{name}").write_text(text)


def practice(folder: Path) -> Endpoints:
    base = "http://127.0.0.1:1"
    return Endpoints(
        "practice:x", base, base, base, base, base, base, Clock(60), project="practice-project",
        pull_secret_file=folder / "p.yaml", trust_env=False,
    )  # fmt: skip


def test_defaults_of_both_accelerators(home: Path) -> None:
    gpu = resolve({**GPU, "project": "my-project"}, google_cloud(), environ(home), home).target()
    assert (gpu.zone, gpu.cluster, gpu.pool, gpu.service) == (
        "us-central1-a", "rhaii-gpu-cluster", "gpu-pool", "qwen-3b-gpu-svc",
    )  # fmt: skip
    assert (gpu.replicas, gpu.namespace, gpu.model) == (3, "rhaii-inference", "Qwen/Qwen2.5-3B-Instruct")
    flags = {"accelerator": "tpu", "topology": "single", "project": "my-project"}
    tpu = resolve(flags, google_cloud(), environ(home), home).target()
    assert (tpu.zone, tpu.pool, tpu.replicas) == ("europe-west4-a", "tpu-pool", 1)
    assert tpu.image == "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5"


def test_precedence_from_flag_to_default(home: Path) -> None:
    """Each source is taken away in turn; the next one wins."""
    gcloud(home, "[core]\nproject = from-gcloud\n[compute]\nzone = us-east1-d\n", "work")
    (home / ".envrc").write_text('export PROJECT_ID="from-envrc"\n')
    (home / "config.toml").write_text('project = "from-toml"\n')
    variables = environ(home, PROJECT_ID="from-environ")

    def project(flags: dict[str, object], env: dict[str, str]) -> tuple[str, str]:
        setting = resolve({**GPU, **flags}, google_cloud(), env, home).values["project"]
        return setting.value, setting.source

    assert project({"project": "from-flag"}, variables) == ("from-flag", "flag --project")
    assert project({}, {**variables, "RHAII_PROJECT": "from-own"}) == ("from-own", "environment RHAII_PROJECT")
    assert project({}, variables) == ("from-environ", "environment PROJECT_ID")
    assert project({}, environ(home)) == ("from-envrc", ".envrc PROJECT_ID")
    (home / ".envrc").unlink()
    assert project({}, environ(home)) == ("from-toml", "config.toml")
    (home / "config.toml").unlink()
    assert project({}, environ(home)) == ("from-gcloud", "gcloud config")
    assert resolve(GPU, google_cloud(), environ(home), home).values["zone"].source == "gcloud config"
    assert "project" not in resolve(GPU, google_cloud(), {"HOME": "/nonexistent", "RHAII_TUI_HOME": "/x"}, home).values


def test_the_practice_cloud_brings_its_own_project(home: Path) -> None:
    """A real project or secret lying about must not be carried into it; a flag may."""
    gcloud(home, "[core]\nproject = real-project\n[compute]\nzone = asia-east1-a\n")
    (home / "redhat-pull-secret.yaml").write_text("kind: Secret")
    env = environ(home, PROJECT_ID="real-project", ZONE="us-central1-b")
    settings = resolve(GPU, practice(home), env, home)
    assert settings.values["project"].value == "practice-project"
    assert settings.values["project"].source == "practice cloud"
    assert settings.get("pull_secret_file") == str(home / "p.yaml")
    assert settings.get("zone") == "us-central1-b"
    assert resolve(GPU, practice(home), environ(home), home).values["zone"].source == "built-in default"
    flagged = resolve({**GPU, "project": "other-project"}, practice(home), env, home)
    assert flagged.get("project") == "other-project"


def test_a_zone_meant_for_the_other_accelerator_is_kept_and_flagged(home: Path) -> None:
    env = environ(home, ZONE="europe-west4-a", PROJECT_ID="my-project")
    settings = resolve(GPU, google_cloud(), env, home)
    assert settings.target().zone == "europe-west4-a"
    assert len(settings.warnings) == 1
    assert "environment ZONE" in settings.warnings[0]
    assert "us-central1-a" in settings.warnings[0]
    assert not resolve({**GPU, "zone": "europe-west4-a"}, google_cloud(), environ(home), home).warnings
    tpu = resolve({"accelerator": "tpu", "topology": "single"}, google_cloud(), env, home)
    assert not tpu.warnings


def test_placeholders_of_the_templates_are_passed_over(home: Path) -> None:
    (home / "env.sh").write_text('export PROJECT_ID="YOUR_PROJECT_ID_HERE"\nexport ACCELERATOR_TYPE=tpu\n')
    settings = resolve({"topology": "single"}, google_cloud(), environ(home), home)
    assert settings.get("accelerator") == "tpu-v6e"
    assert "project" not in settings.values
    assert "placeholder" in settings.warnings[0]
    with pytest.raises(SettingsError, match="No project given"):
        settings.target()


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ({"accelerator": "h100", "topology": "single"}, "Unknown accelerator"),
        ({"accelerator": "gpu", "topology": "wide"}, "Unknown topology"),
        ({"accelerator": "gpu", "topology": "single", "provisioning": "free"}, "Unknown provisioning"),
        ({"accelerator": "gpu", "topology": "single", "zone": "Frankfurt"}, "not a valid zone"),
        ({"accelerator": "gpu", "topology": "single", "replicas": 99}, "not a valid number of replicas"),
        ({"accelerator": "gpu", "topology": "single", "namespace": "My_Space"}, "not a valid namespace"),
    ],
)
def test_bad_input_says_what_why_and_next(home: Path, flags: dict[str, object], what: str) -> None:
    with pytest.raises(SettingsError, match=what) as caught:
        resolve({"project": "my-project", **flags}, google_cloud(), environ(home), home).target()
    assert caught.value.why
    assert caught.value.next


def test_unknown_names_in_the_configuration_file_are_told(home: Path) -> None:
    (home / "config.toml").write_text('zonee = "us-east1-c"\nproject = "from-toml"\n')
    found = resolve(GPU, google_cloud(), environ(home), home)
    (home / "config.toml").unlink()
    assert found.get("project") == "from-toml"
    assert "zonee in config.toml is no setting and is passed over" in found.warnings


def test_files_that_cannot_be_read_are_named(home: Path) -> None:
    (home / "config.toml").write_text("project = ")
    with pytest.raises(SettingsError, match="not valid TOML"):
        resolve(GPU, google_cloud(), environ(home), home)
    (home / "config.toml").unlink()
    (home / ".envrc").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        resolve(GPU, google_cloud(), environ(home), home)


def test_exports_are_parsed_and_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    (tmp_path / ".envrc").write_text(
        f"""# a comment
export A="one two"   # why
export B='single $HOME'
C=plain # note
export D="$(touch {marker})"
export E=`touch {marker}`
export F=$HOME/x
export G="a \\"quoted\\" word"
export H="cut
use nix
"""
    )
    assert read_exports(tmp_path / ".envrc") == {
        "A": "one two",
        "B": "single $HOME",
        "C": "plain",
        "G": 'a "quoted" word',
    }
    assert not marker.exists()


@given(st.text(st.characters(exclude_characters="\n\r\x00"), max_size=30))
def test_what_a_shell_would_read_is_read_or_left_out(text: str) -> None:
    """A value we accept is the one a shell would see; quoting by the standard library is always accepted."""
    assert literal(shlex.quote(text)) in (text, None)
    if "'" not in text:
        assert literal(shlex.quote(text)) == text
    read = literal(text)
    if read is not None:
        try:
            words = shlex.split(text, comments=True)
        except ValueError:
            pytest.fail(f"a shell would not close {text!r}")
        assert (words[0] if words else "") == read
