"""OpenAI's completions as vLLM speaks them: requests with their errors, response bodies and event streams."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rhaii_tui.practice.traffic.engine_args import EngineArgs
from rhaii_tui.practice.traffic.exchange import JSON, Answer
from rhaii_tui.practice.traffic.tokens import chat_tokens, tokenize

COMPLETIONS = "/v1/completions"
CHAT = "/v1/chat/completions"
# vLLM's default for completions that do not say how much they want.
_DEFAULT_MAX_TOKENS = 16
_TYPES = {400: "BadRequestError", 404: "NotFoundError"}


class RequestError(Exception):
    """A request that vLLM refuses with an error body."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param

    def answer(self) -> Answer:
        """The error body of vLLM 0.11."""
        error = {"message": self.message, "type": _TYPES[self.status], "param": self.param, "code": self.status}
        return Answer(self.status, json.dumps({"error": error}).encode(), {"content-type": JSON})


@dataclass(frozen=True, slots=True)
class Completion:
    """One generation that was asked for. `tokens` is the tokenized prompt; `salt` seeds the cache's hashes."""

    chat: bool
    tokens: tuple[str, ...]
    max_tokens: int
    min_tokens: int
    ignore_eos: bool
    stream: bool
    usage_at_end: bool
    usage_always: bool
    salt: str


def parse(path: str, body: bytes, args: EngineArgs) -> Completion:
    """Read a completion request for one server. Raises RequestError: 400 malformed or too long, 404 wrong model."""
    try:
        fields = json.loads(body or b"null")
    except ValueError as error:
        text = f"[{{'type': 'json_invalid', 'loc': ('body',), 'msg': 'JSON decode error: {error}'}}]"
        raise RequestError(400, text) from None
    if not isinstance(fields, dict):
        raise RequestError(400, "[{'type': 'missing', 'loc': ('body',), 'msg': 'Field required', 'input': None}]")
    chat = path == CHAT
    tokens = _chat_prompt(fields) if chat else _prompt(fields)
    model = fields.get("model")
    if model is not None and model != args.model:
        raise RequestError(404, f"The model `{model}` does not exist.")
    room = args.max_model_len - len(tokens)
    asked = fields.get("max_completion_tokens") if chat else None
    asked = _count(fields, "max_tokens") if asked is None else _count(fields, "max_completion_tokens")
    max_tokens = asked if asked is not None else (max(room, 1) if chat else _DEFAULT_MAX_TOKENS)
    if room < max_tokens:
        raise RequestError(
            400,
            f"This model's maximum context length is {args.max_model_len} tokens. However, you requested "
            f"{len(tokens) + max_tokens} tokens ({len(tokens)} in the {'messages' if chat else 'prompt'}, {max_tokens} "
            "in the completion). Please reduce the length of the messages or completion.",
        )
    options = fields.get("stream_options") or {}
    return Completion(
        chat=chat,
        tokens=tuple(tokens),
        max_tokens=max_tokens,
        min_tokens=_count(fields, "min_tokens") or 0,
        ignore_eos=fields.get("ignore_eos") is True,
        stream=fields.get("stream") is True,
        usage_at_end=bool(options.get("include_usage")),
        usage_always=bool(options.get("continuous_usage_stats")),
        salt=str(fields.get("cache_salt") or ""),
    )


def _count(fields: dict[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise RequestError(
            400,
            f"[{{'type': 'int_type', 'loc': ('body', '{name}'), 'msg': 'Input should be a valid integer', "
            f"'input': {value!r}}}]",
            name,
        )
    if value < (0 if name == "min_tokens" else 1):
        raise RequestError(400, f"{name} must be at least 1, got {value}.", name)
    return value


def _prompt(fields: dict[str, Any]) -> list[str]:
    prompt = fields.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str | list):
        prompt = prompt[0]
    if isinstance(prompt, str) and prompt:
        return tokenize(prompt)
    if isinstance(prompt, list) and prompt and all(isinstance(token, int) for token in prompt):
        return [f"#{token}" for token in prompt]
    if prompt is None:
        raise RequestError(400, "Either prompt or prompt_embeds must be provided and non-empty.", "prompt")
    raise RequestError(400, "prompt is required: one non-empty text or list of token ids.", "prompt")


def _chat_prompt(fields: dict[str, Any]) -> list[str]:
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError(400, "[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}]")
    turns: list[tuple[str, str]] = []
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RequestError(400, f"[{{'type': 'missing', 'loc': ('body', 'messages', {at}, 'role')}}]", "messages")
        content = message.get("content")
        if isinstance(content, list):
            content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        turns.append((message["role"], str(content or "")))
    return chat_tokens(turns)
