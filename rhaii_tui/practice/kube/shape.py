"""The shape of a kind: its tree of fields and types, read from compact data files.

A type is written as a letter (`s` string, `i` integer, `n` number, `b` boolean, `q` quantity, `is` integer or string,
`any`), as `#Name` of a shared type, or as a table: `f` fields of an object with `r` required ones, `m` values of a map,
`l` items of a list with `k` the keys of a map list or `set`; `t` a scalar with limits. `a` marks atomic, `p` objects
that keep unknown fields, `d` a default, `n` nullable, `e` the allowed values.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

Encoded = str | dict[str, Any]
LETTERS = ("s", "i", "n", "b", "q", "is", "any")


class Shape:
    """One node of the tree. `form` is a letter, or "object", "map" or "list"; `name` is a shared type's, or ""."""

    __slots__ = ("_encoded", "_fields", "_items", "_types", "form", "name")

    def __init__(self, encoded: Encoded, types: Types) -> None:
        self._types = types
        self._fields: dict[str, Shape] = {}
        self._items: Shape | None = None
        self.name = ""
        table = {"t": encoded} if isinstance(encoded, str) else encoded
        self._encoded: dict[str, Any] = table
        forms = (form for key, form in (("f", "object"), ("m", "map"), ("l", "list")) if key in table)
        self.form: str = next(forms, "") or table["t"]

    def field(self, name: str) -> Shape | None:
        """The shape of a field of an object or map; None when the schema does not declare it."""
        if self.form == "map":
            return self.items
        if self.form == "any":
            return self
        found = self._fields.get(name)
        if found is None and name in self._encoded.get("f", {}):
            found = self._fields[name] = self._types.shape(self._encoded["f"][name])
        if found is None and self._encoded.get("p"):
            return ANY
        return found

    @property
    def items(self) -> Shape:
        """The shape of a list's items or a map's values."""
        if self._items is None:
            self._items = self._types.shape(self._encoded["m" if "m" in self._encoded else "l"]) if self.form in (
                "map", "list") else ANY  # fmt: skip
        return self._items

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(self._encoded.get("f", ()))

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self._encoded.get("r", ()))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys by which items of a map list are told apart; empty for other lists."""
        return tuple(self._encoded.get("k", ()))

    @property
    def is_set(self) -> bool:
        return bool(self._encoded.get("set"))

    @property
    def atomic(self) -> bool:
        """Whether apply owns the value as a whole."""
        if self.form == "list":
            return not self.keys and not self.is_set
        return self.form not in ("object", "map", "any") or bool(self._encoded.get("a"))

    @property
    def nullable(self) -> bool:
        return bool(self._encoded.get("n")) or self.form == "any"

    def limit(self, name: str) -> Any:
        """A limit (`e` enum, `lo`, `hi`, `minl`, `maxl`, `re`) or default (`d`); None when there is none."""
        return self._encoded.get(name)


class Types:
    """Shared types by name. Shapes of named types are made once, so recursive types are fine."""

    def __init__(self, encoded: dict[str, Encoded]) -> None:
        self._encoded = encoded
        self._shapes: dict[str, Shape] = {}

    def shape(self, encoded: Encoded) -> Shape:
        """The shape that an encoded type stands for."""
        if isinstance(encoded, str) and encoded.startswith("#"):
            name = encoded[1:]
            if name not in self._shapes:
                self._shapes[name] = self.shape(self._encoded[name])
                if self._shapes[name].form == "object":
                    self._shapes[name].name = name
            return self._shapes[name]
        if isinstance(encoded, str):
            if encoded not in self._shapes:
                self._shapes[encoded] = Shape(encoded, self)
            return self._shapes[encoded]
        return Shape(encoded, self)


ANY = Shape("any", Types({}))
OPEN: dict[str, Any] = {"f": {"apiVersion": "s", "kind": "s", "metadata": "#ObjectMeta"}, "p": 1}


@cache
def _data() -> tuple[dict[str, Encoded], dict[str, str]]:
    """All types and the kinds (`apps/v1/Deployment` -> `#Type`) of the data files beside this module."""
    types: dict[str, Encoded] = {}
    kinds: dict[str, str] = {}
    for file in sorted(resources.files(f"{__package__}.schemas").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".json"):
            data = json.loads(file.read_text("utf-8"))
            types |= data["types"]
            kinds |= data["kinds"]
    return types, kinds


def catalogue() -> dict[str, Encoded]:
    """The shared types, as they are written in the data files."""
    return _data()[0]


def kind_type(api_version: str, kind: str) -> str:
    """The name of a kind's type; "" when it is not in the data files."""
    return _data()[1].get(f"{api_version}/{kind}", "").removeprefix("#")


@cache
def _types() -> Types:
    return Types(catalogue())


def known(api_version: str, kind: str) -> Shape | None:
    """The shape of a kind whose schema is in the data files."""
    name = kind_type(api_version, kind)
    return _types().shape(f"#{name}") if name else None


def defined(schema: dict[str, Any]) -> Shape:
    """The shape of a custom kind from its definition's openAPIV3Schema; without one, any fields are fine."""
    encoded = encode(schema) if schema else OPEN
    if isinstance(encoded, dict) and "f" in encoded:
        encoded = encoded | {"f": encoded["f"] | OPEN["f"]}
    return _types().shape(encoded)


_LETTER = {"string": "s", "integer": "i", "number": "n", "boolean": "b"}
_LIMITS = {"enum": "e", "minimum": "lo", "maximum": "hi", "minLength": "minl", "maxLength": "maxl", "pattern": "re",
           "minItems": "minl", "maxItems": "maxl", "default": "d"}  # fmt: skip


def encode(schema: dict[str, Any]) -> Encoded:
    """An OpenAPI v3 structural schema in this module's notation."""
    extra = {short: schema[long] for long, short in _LIMITS.items() if long in schema}
    if schema.get("nullable"):
        extra["n"] = 1
    if schema.get("x-kubernetes-map-type") == "atomic":
        extra["a"] = 1
    kept = schema.get("x-kubernetes-preserve-unknown-fields")
    if schema.get("x-kubernetes-embedded-resource"):
        return "any"
    if schema.get("x-kubernetes-int-or-string"):
        return {"t": "is"} | extra if extra else "is"
    kind = schema.get("type")
    if kind == "object" or (kind is None and "properties" in schema):
        if isinstance(schema.get("additionalProperties"), dict):
            return {"m": encode(schema["additionalProperties"])} | extra
        if "properties" not in schema and (kept or schema.get("additionalProperties")):
            return {"f": {}, "p": 1} | extra
        found: dict[str, Any] = {"f": {name: encode(field) for name, field in schema.get("properties", {}).items()}}
        if schema.get("required"):
            found["r"] = schema["required"]
        return found | ({"p": 1} if kept else {}) | extra
    if kind == "array":
        found = {"l": encode(schema.get("items", {}))}
        if schema.get("x-kubernetes-list-type") == "map":
            found["k"] = schema["x-kubernetes-list-map-keys"]
        elif schema.get("x-kubernetes-list-type") == "set":
            found["set"] = 1
        return found | extra
    letter = _LETTER.get(str(kind), "any")
    return {"t": letter} | extra if extra else letter
