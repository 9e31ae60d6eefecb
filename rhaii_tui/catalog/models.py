"""Models the guides use; any other Hugging Face id may be given, nothing is then known of it."""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ConfigDict

from rhaii_tui.catalog.load import facts

DEFAULT_MODEL = "Qwen/Qwen2.5-3B-Instruct"


class ModelFacts(BaseModel):
    """`weights_gib` at 16 bits; `gated` models need a token and an accepted licence."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    gated: bool
    parameters: float
    weights_gib: float
    note: str = ""


@cache
def model_facts(model: str) -> ModelFacts | None:
    """Facts of a model, None when it is not in the catalogue."""
    entry = facts("models").get(model)
    return ModelFacts(id=model, **entry) if entry else None
