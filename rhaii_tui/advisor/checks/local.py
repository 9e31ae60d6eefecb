"""What lies on this machine: secret files, the operators' entry, and how fresh the prices are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rhaii_tui.advisor.bill import bill
from rhaii_tui.advisor.checks.look import Check, Look
from rhaii_tui.catalog.findings import Finding, Next, Status
from rhaii_tui.catalog.models import model_facts
from rhaii_tui.catalog.prices import shipped
from rhaii_tui.catalog.target import Target
from rhaii_tui.google.billing import live_prices
from rhaii_tui.google.calls import call
from rhaii_tui.google.errors import CloudError
from rhaii_tui.settings import SettingsError, read_hf_token, read_pull_secret

T = TypeVar("T")

_TOOLS = ("kubectl", "helm", "helmfile")
"""What `make deploy-all` of the operators' repository calls."""


async def _pull_secret(look: Look, check: Check) -> Finding:
    path = look.target.pull_secret_file
    if path is None:
        return check.found(
            look,
            Status.FAIL,
            "No pull secret file was given.",
            meaning="Images of registry.redhat.io cannot be pulled without one.",
            remediation="Download a registry service account's secret from access.redhat.com/terms-based-registry "
            "and say --pull-secret-file PATH.",
            next_key=Next.SETTINGS,
        )
    secret = await call(_read, read_pull_secret, path)
    if isinstance(secret, SettingsError):
        return _bad_file(look, check, secret)
    return check.found(
        look,
        Status.PASS,
        f"{path.name} holds a login for {', '.join(secret.registries)}.",
        meaning="Its form is right; whether the registry accepts it is seen at the first pull.",
    )


async def _hf_token(look: Look, check: Check) -> Finding:
    path, model = look.target.hf_token_file, look.target.model
    facts = model_facts(model)
    if path is None:
        if facts is not None and not facts.gated:
            return check.found(look, Status.PASS, f"No token was given, and {model} needs none.")
        gated = facts is not None
        return check.found(
            look,
            Status.FAIL if gated else Status.WARN,
            f"No Hugging Face token was given, and {model} {'is gated' if gated else 'may need one'}.",
            meaning="A gated model cannot be downloaded without a token whose owner accepted the licence.",
            remediation="Create a read token at huggingface.co/settings/tokens and say --hf-token-file PATH.",
            next_key=Next.SETTINGS,
        )
    token = await call(_read, read_hf_token, path)
    if isinstance(token, SettingsError):
        return _bad_file(look, check, token)
    return check.found(
        look,
        Status.PASS,
        f"{path.name} holds a token of the right form.",
        meaning="Only the form was looked at; Hugging Face was not asked.",
    )


def _read(read: Callable[[Path], T], path: Path) -> T | SettingsError:
    """Off the loop: the file may lie on a slow disk."""
    try:
        return read(path)
    except SettingsError as error:
        return error


def _bad_file(look: Look, check: Check, error: SettingsError) -> Finding:
    message = f"{error.what}: {error.why}"
    return check.found(look, Status.FAIL, message, remediation=error.next, next_key=Next.SETTINGS)


async def _operators(look: Look, check: Check) -> Finding:
    command = look.endpoints.operators_command
    directory = look.target.operators_directory or look.endpoints.operators_directory
    program = await call(shutil.which, command[0])
    if directory is None:
        return check.found(
            look,
            Status.FAIL,
            "No folder with the operators' repository was given.",
            meaning=f"The operators are installed with `{' '.join(command)}` in a checkout of rhaii-on-xks.",
            remediation="git clone https://github.com/opendatahub-io/rhaii-on-xks, and say --operators-directory PATH.",
            next_key=Next.SETTINGS,
        )
    if not await call(directory.is_dir):
        return check.found(
            look, Status.FAIL, f"{directory} is not a folder.", remediation="Correct it.", next_key=Next.SETTINGS
        )
    if program is None:
        return check.found(
            look, Status.FAIL, f"{command[0]} is not installed.", remediation=f"Install {command[0]}, then look again."
        )
    if command[0] == "make":
        lacking = [tool for tool in _TOOLS if await call(shutil.which, tool) is None]
        if not await call((directory / "Makefile").is_file):
            return check.found(
                look,
                Status.FAIL,
                f"{directory} holds no Makefile.",
                remediation="Name a checkout of rhaii-on-xks with --operators-directory.",
                next_key=Next.SETTINGS,
            )
        if lacking:
            return check.found(
                look,
                Status.FAIL,
                f"Not installed: {', '.join(lacking)}.",
                meaning="The operators' Makefile calls them.",
                remediation=f"Install {', '.join(lacking)}, then look again.",
            )
    return check.found(look, Status.PASS, f"{' '.join(command)} can be run in {directory}.")


async def _prices(look: Look, check: Check) -> Finding:
    target = look.target
    try:
        live = await live_prices(look.rest, look.endpoints, look.folder)
    except CloudError as error:
        dates = sorted(c.as_of for c in bill(target).components if c.as_of)
        return check.found(
            look,
            Status.WARN,
            f"Prices come from the shipped table of {dates[0] if dates else 'unknown date'}.",
            text=error.message,
            meaning="List prices seldom change, Spot prices may change monthly.",
            remediation="Enable cloudbilling.googleapis.com to read the live catalogue.",
            raw=error.raw,
        )
    the_bill = bill(target, shipped().over(live.prices))
    age = max(0.0, look.endpoints.clock.now() - live.read_at) / 60
    if the_bill.usd_per_hour is None:
        return check.found(
            look,
            Status.WARN,
            f"The price of {target.provisioning} accelerators in {target.region} is unknown.",
            meaning="What this costs cannot be said beforehand.",
            remediation="Look it up before you approve: cloud.google.com/skus.",
        )
    return check.found(
        look,
        Status.PASS,
        f"{the_bill.usd_per_hour:.2f} USD an hour, {the_bill.usd_per_day:.2f} a day, without what has no known price.",
        text=f"{len(live.prices)} live prices read {age:.0f} min ago",
    )


def checks(target: Target) -> tuple[Check, ...]:
    """Files, operators' entry, prices."""
    return (
        Check(
            rule="preflight.pull-secret",
            category="local",
            name="Pull secret",
            source=str(target.pull_secret_file or "--pull-secret-file"),
            run=_pull_secret,
        ),
        Check(
            rule="preflight.hf-token",
            category="local",
            name="Hugging Face token",
            source=str(target.hf_token_file or "--hf-token-file"),
            run=_hf_token,
        ),
        Check(
            rule="preflight.operators",
            category="local",
            name="Operators' entry",
            source=str(target.operators_directory or "--operators-directory"),
            run=_operators,
        ),
        Check(
            rule="preflight.prices",
            category="cost",
            name="Prices",
            source="cloudbilling services.skus.list",
            run=_prices,
            permission="cloudbilling.skus.list",
        ),
    )
