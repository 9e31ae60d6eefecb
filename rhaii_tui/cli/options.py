"""`rhaii-tui options`: the decision table, six shapes side by side. Asks no cloud, so it needs no account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rhaii_tui.advisor.options import Option
    from rhaii_tui.catalog.prices import PriceTable
    from rhaii_tui.catalog.shapes import Accelerator

_JSON = typer.Option(False, "--json", help="One JSON list with every component, source and date.")
_PLAIN = typer.Option(False, "--plain", help="Plain lines (the default).")
_REGION = typer.Option(None, "--region", help="Prices of this region instead of each accelerator's own default.")
_ZONE = typer.Option(None, "--zone", help="The same, by zone.")
_PROVISIONING = typer.Option("on-demand", "--provisioning", help="on-demand, spot or flex-start.")


def run(
    as_json: bool = _JSON,
    plain: bool = _PLAIN,
    region: str | None = _REGION,
    zone: str | None = _ZONE,
    provisioning: str = _PROVISIONING,
) -> None:
    """What each of the six shapes costs, does and needs, with the source and date of every figure."""
    import re

    from rhaii_tui.advisor.options import options
    from rhaii_tui.catalog.prices import Provisioning
    from rhaii_tui.catalog.shapes import Accelerator

    if provisioning not in [p.value for p in Provisioning]:
        _refuse(f"{provisioning!r} is no way to buy nodes. Say on-demand, spot or flex-start.")
    if zone and not re.fullmatch(r"[a-z]+-[a-z]+[0-9]+-[a-z][a-z0-9]*", zone):
        _refuse(f"{zone!r} is not a zone. A zone looks like us-central1-a.")
    if region and not re.fullmatch(r"[a-z]+-[a-z]+[0-9]+", region):
        _refuse(f"{region!r} is not a region. A region looks like us-central1.")
    if region and zone and zone.rsplit("-", 1)[0] != region:
        _refuse(f"{zone} does not lie in {region}. Say one of the two.")
    if as_json and plain:
        _refuse("--json and --plain exclude each other. Say one of the two.")
    where = region or (zone.rsplit("-", 1)[0] if zone else None)
    regions: dict[Accelerator, str] = dict.fromkeys(Accelerator, where) if where else {}
    rows = options(regions, provisioning, prices=_prices())
    if as_json:
        typer.echo(json.dumps([row.record() for row in rows], indent=1))
        return
    for row in rows:
        for line in _lines(row):
            typer.echo(line)


def _prices() -> PriceTable:
    """Live prices when an earlier preflight on Google Cloud left them here within a day, else the shipped table."""
    import os

    from rhaii_tui.advisor.prices import known_prices
    from rhaii_tui.endpoints import google_cloud
    from rhaii_tui.settings import state_home

    return known_prices(google_cloud(), state_home(os.environ))


def _lines(row: Option) -> list[str]:
    day = "price unknown" if row.bill.usd_per_day is None else f"{row.bill.usd_per_day:.2f} USD a day"
    lines = [f"{row.shape.id}  {row.accelerators} {row.unit}(s) in {row.region}, {row.provisioning.value}: {day}"]
    for c in row.bill.components:
        hourly = "price unknown" if c.usd_per_hour is None else f"{c.usd_per_hour:.4f} USD/h"
        dated = f"  ({c.source}, {c.as_of})" if c.as_of else ""
        lines.append(f"  {c.name}: {c.quantity:g} {c.unit}, {hourly}{dated}")
    for what, facts in (("throughput", row.throughput), ("latency", row.latency)):
        if not facts:
            lines.append(f"  {what}: nothing known")
        lines += [f"  {what}: {f.text}, {f.provenance} ({f.source})" for f in facts]
    lines += [f"  quota: {q.metric} {q.need} {q.unit}" + (f" ({q.note})" if q.note else "") for q in row.quota]
    lines.append(f"  zones: {', '.join(row.zones) or 'none known in ' + row.region}")
    lines += [f"  note: {note}" for note in row.notes]
    return [*lines, ""]


def _refuse(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(2)
