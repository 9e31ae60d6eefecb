"""The price table to reckon with: the shipped one, with what the cloud said within the last day on top."""

from __future__ import annotations

from pathlib import Path

from rhaii_tui.catalog.prices import PriceTable, shipped
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.google.billing import kept_prices, live_prices
from rhaii_tui.google.rest import Rest


def known_prices(endpoints: Endpoints, folder: Path) -> PriceTable:
    """Without asking the cloud: reads one small file in `folder`, the state folder."""
    kept = kept_prices(endpoints, folder)
    return shipped().over(kept.prices) if kept else shipped()


async def read_prices(endpoints: Endpoints, project: str, folder: Path) -> PriceTable:
    """Asks the cloud when the file is older than a day. Raises CloudError; the shipped table is then all there is."""
    live = await live_prices(Rest(endpoints, project), endpoints, folder)
    return shipped().over(live.prices)
