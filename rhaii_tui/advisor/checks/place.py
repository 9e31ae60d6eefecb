"""The zone: is it up, does it offer the machines, does GKE serve it. The static lists are never believed here."""

from __future__ import annotations

from collections.abc import Awaitable

from rhaii_tui.advisor.checks.look import Check, Look
from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.findings import Finding, Next, Status
from rhaii_tui.catalog.target import Target
from rhaii_tui.google.errors import CloudError, Kind

_SHOWN = 6


async def _zone(look: Look, check: Check) -> Finding:
    name = look.target.zone
    try:
        zone = await look.compute.zone(name)
    except CloudError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return check.found(
            look,
            Status.FAIL,
            f"There is no zone {name}.",
            remediation="Choose another zone.",
            next_key=Next.ZONE,
            commands=("gcloud compute zones list",),
            raw=error.raw,
        )
    if zone.status != "UP":
        return check.found(
            look,
            Status.FAIL,
            f"{name} is {zone.status}.",
            meaning="Nothing can be created there now.",
            remediation="Choose another zone, or wait.",
            next_key=Next.ZONE,
        )
    return check.found(look, Status.PASS, f"{name} is UP.")


async def _machine(look: Look, check: Check) -> Finding:
    machine = accelerator_facts(look.target.accelerator).machine_type
    try:
        description = await look.compute.machine_type(look.target.zone, machine)
    except CloudError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return await _not_offered(look, check, machine, look.compute.zones_with_machine(machine))
    return check.found(look, Status.PASS, f"{look.target.zone} offers {machine}.", text=description)


async def _accelerator(look: Look, check: Check) -> Finding:
    name = accelerator_facts(look.target.accelerator).gke_accelerator or ""
    try:
        description = await look.compute.accelerator_type(look.target.zone, name)
    except CloudError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return await _not_offered(look, check, name, look.compute.zones_with_accelerator(name))
    return check.found(look, Status.PASS, f"{look.target.zone} offers {name}.", text=description)


async def _not_offered(look: Look, check: Check, what: str, where: Awaitable[tuple[str, ...]]) -> Finding:
    try:
        zones = await where
    except CloudError:
        zones = ()
    region, usual = look.target.region, accelerator_facts(look.target.accelerator).zone
    continent = region.split("-")[0]
    named = sorted(zones, key=lambda z: (not z.startswith(region), z != usual, not z.startswith(continent), z))
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    offer = f"Choose a zone that does: {', '.join(named[:_SHOWN])}{more}." if named else "Choose another zone."
    return check.found(
        look,
        Status.FAIL,
        f"{look.target.zone} does not offer {what}.",
        meaning="The node pool could not be created there.",
        remediation=offer,
        next_key=Next.ZONE,
    )


async def _gke(look: Look, check: Check) -> Finding:
    info = await look.gke.server_config(look.target.zone)
    version = info.channels.get("REGULAR") or info.default_version
    if not version:
        return check.found(look, Status.UNKNOWN, f"GKE names no version for {look.target.zone}.")
    return check.found(
        look, Status.PASS, f"GKE serves {look.target.zone}; the REGULAR channel is at {version}.", text=version
    )


def checks(target: Target) -> tuple[Check, ...]:
    """Zone, machine type, GPU type where there is one, and GKE."""
    facts = accelerator_facts(target.accelerator)
    found = [
        Check(
            rule="preflight.zone",
            category="place",
            name=f"Zone {target.zone}",
            source=f"compute zones.get {target.zone}",
            run=_zone,
            permission="compute.zones.get",
            commands=(f"gcloud compute zones describe {target.zone} --project {target.project}",),
        ),
        Check(
            rule="preflight.machine-type",
            category="place",
            name=f"Machine type {facts.machine_type}",
            source=f"compute machineTypes.get {target.zone}/{facts.machine_type}",
            run=_machine,
            permission="compute.machineTypes.get",
            commands=(
                f"gcloud compute machine-types describe {facts.machine_type} --zone {target.zone} "
                f"--project {target.project}",
            ),
        ),
        Check(
            rule="preflight.gke",
            category="place",
            name="GKE in the zone",
            source=f"container getServerConfig {target.zone}",
            run=_gke,
            permission="container.clusters.list",
            commands=(f"gcloud container get-server-config --zone {target.zone} --project {target.project}",),
        ),
    ]
    if facts.gke_accelerator:
        found.append(
            Check(
                rule="preflight.accelerator-type",
                category="place",
                name=f"Accelerator {facts.gke_accelerator}",
                source=f"compute acceleratorTypes.get {target.zone}/{facts.gke_accelerator}",
                run=_accelerator,
                permission="compute.acceleratorTypes.get",
                commands=(
                    f"gcloud compute accelerator-types describe {facts.gke_accelerator} --zone {target.zone} "
                    f"--project {target.project}",
                ),
            )
        )
    return tuple(found)
