"""Secret files: right ones are read, wrong ones are named, and no content ever shows."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.settings import SettingsError, read_hf_token, read_pull_secret

PASSWORD = "s3cr3t-pass"
AUTH = base64.b64encode(f"12345|me:{PASSWORD}".encode()).decode()
LOGIN = {"auths": {"registry.redhat.io": {"auth": AUTH}}}


def secret(data: str, type_: str = "kubernetes.io/dockerconfigjson", key: str = ".dockerconfigjson") -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ntype: {type_}\ndata:\n  {key}: {data}\n"


def encoded(login: object) -> str:
    return base64.b64encode(json.dumps(login).encode()).decode()


@pytest.mark.parametrize("text", [json.dumps(LOGIN), secret(encoded(LOGIN))], ids=["json", "yaml"])
def test_both_forms_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pull.yaml"
    path.write_text(text)
    found = read_pull_secret(path)
    assert found.registries == ("registry.redhat.io",)
    assert json.loads(found.dockerconfigjson) == LOGIN
    assert AUTH not in repr(found)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "exactly one document"),
        ("just words", "exactly one document"),
        ("a: [", "neither YAML nor JSON"),
        ("kind: ConfigMap", "neither a Kubernetes Secret"),
        (secret(encoded(LOGIN), type_="Opaque"), "type is not"),
        (secret("BASE64_ENCODED_DOCKERCONFIGJSON"), "placeholder"),
        (secret(base64.b64encode(b"{").decode()), "not JSON"),
        (secret(encoded(LOGIN), key="other"), "no data key"),
        (json.dumps({"auths": {}}), "no logins"),
        (json.dumps({"auths": {"quay.io": {"auth": AUTH}}}), "no login for registry.redhat.io"),
        (json.dumps({"auths": {"registry.redhat.io": {"auth": "YOUR_AUTH_HERE"}}}), "placeholder"),
    ],
)
def test_wrong_files_are_named_without_their_content(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "pull.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=why) as caught:
        read_pull_secret(path)
    assert AUTH not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    for read in (read_pull_secret, read_hf_token):
        with pytest.raises(SettingsError):
            read(path)


def test_tokens(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("hf_abcdefghijkl\n")
    token = read_hf_token(path)
    assert token.value == "hf_abcdefghijkl"
    assert "abcdefghijkl" not in repr(token)
    data = base64.b64encode(b"hf_abcdefghijkl").decode()
    path.write_text(secret(data, "Opaque", "token"))
    assert read_hf_token(path).value == "hf_abcdefghijkl"
    path.write_text("YOUR_HF_TOKEN_HERE")
    with pytest.raises(SettingsError, match="no Hugging Face token"):
        read_hf_token(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_hf_token(tmp_path / "missing")
