"""Secret files: read, checked, and never shown. Nothing here puts a secret's content into a message or a repr."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rhaii_tui.settings.errors import SettingsError
from rhaii_tui.settings.files import read_text

REGISTRY = "registry.redhat.io"
_DOCKER_KEY = ".dockerconfigjson"
_DOCKER_TYPE = "kubernetes.io/dockerconfigjson"
_GET_PULL_SECRET = "Download a registry service account's secret from access.redhat.com/terms-based-registry."
_GET_TOKEN = "Create a read token at huggingface.co/settings/tokens."


@dataclass(frozen=True, slots=True)
class PullSecret:
    """A registry login. `dockerconfigjson` is the JSON text; `registries` are host names, which are no secret."""

    registries: tuple[str, ...]
    dockerconfigjson: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HuggingFaceToken:
    """A token whose form is right; whether Hugging Face accepts it is seen when the model is fetched."""

    value: str = field(repr=False)


def read_pull_secret(path: Path) -> PullSecret:
    """From a Kubernetes Secret in YAML or from a plain dockerconfigjson file. Raises SettingsError without content."""
    document = _parse(path, "pull secret", _GET_PULL_SECRET)
    login = document if "auths" in document else _docker_config(path, document)
    auths = login.get("auths")
    if not isinstance(auths, dict) or not auths:
        raise _bad_pull(path, "it has no logins under auths.")
    if REGISTRY not in auths:
        raise _bad_pull(path, f"it has no login for {REGISTRY}, where the images lie.")
    if not _complete(auths[REGISTRY]):
        raise _bad_pull(path, f"its login for {REGISTRY} is empty, a placeholder or not user:password in base64.")
    return PullSecret(tuple(str(name) for name in auths), json.dumps({"auths": auths}, separators=(",", ":")))


def read_hf_token(path: Path) -> HuggingFaceToken:
    """From a Kubernetes Secret in YAML (key token or HF_TOKEN) or a file that holds the token alone."""
    text = read_text(path).strip()
    if "\n" in text or ":" in text:
        document = _parse(path, "Hugging Face token", _GET_TOKEN)
        text = _secret_value(path, document, ("token", "HF_TOKEN")).strip()
    if not text.startswith("hf_") or len(text) < 12 or any(c.isspace() for c in text):
        raise SettingsError(
            f"{path} holds no Hugging Face token", "A token starts with hf_ and has no spaces.", _GET_TOKEN
        )
    return HuggingFaceToken(text)


def _parse(path: Path, what: str, remedy: str) -> dict[str, Any]:
    import yaml

    try:
        documents = [d for d in yaml.safe_load_all(read_text(path)) if d]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path} is no {what} file", f"It is neither YAML nor JSON{where}.", remedy) from None
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise SettingsError(f"{path} is no {what} file", "It must hold exactly one document with keys.", remedy)
    return documents[0]


def _docker_config(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    if document.get("kind") != "Secret":
        raise _bad_pull(path, "it is neither a Kubernetes Secret nor a dockerconfigjson.")
    if document.get("type") != _DOCKER_TYPE:
        raise _bad_pull(path, f"its type is not {_DOCKER_TYPE}.")
    try:
        login = json.loads(_secret_value(path, document, (_DOCKER_KEY,)))
    except ValueError:
        raise _bad_pull(path, f"its {_DOCKER_KEY} is not JSON.") from None
    if not isinstance(login, dict):
        raise _bad_pull(path, f"its {_DOCKER_KEY} is not a JSON object.")
    return login


def _secret_value(path: Path, document: dict[str, Any], keys: tuple[str, ...]) -> str:
    data, plain = document.get("data"), document.get("stringData")
    for key in keys:
        if isinstance(plain, dict) and isinstance(plain.get(key), str):
            return str(plain[key])
        if isinstance(data, dict) and isinstance(data.get(key), str):
            try:
                return base64.b64decode("".join(data[key].split()), validate=True).decode("utf-8")
            except (binascii.Error, UnicodeDecodeError):
                raise SettingsError(
                    f"{path} cannot be used",
                    f"Its data key {key} is not base64 (a placeholder left in?).",
                    "Fill in the real value.",
                ) from None
    raise SettingsError(
        f"{path} cannot be used", f"It has no data key {' or '.join(keys)}.", "Compare it with the template."
    )


def _complete(login: object) -> bool:
    if not isinstance(login, dict):
        return False
    if login.get("username") and login.get("password"):
        return True
    try:
        user, _, password = base64.b64decode(str(login.get("auth", "")), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return bool(user and password)


def _bad_pull(path: Path, why: str) -> SettingsError:
    return SettingsError(f"{path} is no usable pull secret", why[0].upper() + why[1:], _GET_PULL_SECRET)
