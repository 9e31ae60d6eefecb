"""Response bodies and event streams of OpenAI's completions, as vLLM writes them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from rhaii_tui.practice.traffic.engine import Generation
from rhaii_tui.practice.traffic.engine_args import EngineArgs
from rhaii_tui.practice.traffic.openai import Completion
from rhaii_tui.practice.traffic.tokens import word


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the answer of one completion: `id` is `cmpl-` or `chatcmpl-` and Envoy's request id."""

    id: str
    model: str
    completion: Completion
    tells_cached: bool
    created: int

    @classmethod
    def of(cls, completion: Completion, request_id: str, args: EngineArgs) -> Writer:
        """Cached prompt tokens are told only by a server started with --enable-prompt-tokens-details."""
        name = f"{'chatcmpl' if completion.chat else 'cmpl'}-{request_id}"
        return cls(name, args.model, completion, args.token_details, int(time.time()))

    def usage(self, grown: Generation) -> dict[str, Any]:
        """Token counts so far. As in vLLM, `prompt_tokens_details` is null when nothing was cached."""
        prompt = len(self.completion.tokens)
        told = self.tells_cached and grown.cached
        return {
            "prompt_tokens": prompt,
            "total_tokens": prompt + grown.generated,
            "completion_tokens": grown.generated,
            "prompt_tokens_details": {"cached_tokens": grown.cached} if told else None,
        }

    def body(self, grown: Generation) -> bytes:
        """The whole response."""
        text = "".join(word(index) for index in range(grown.generated))
        choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": grown.reason, "stop_reason": None}
        if self.completion.chat:
            choice["message"] = {"role": "assistant", "content": text, "refusal": None, "tool_calls": []}
        else:
            choice |= {"text": text, "prompt_logprobs": None}
        kind = "chat.completion" if self.completion.chat else "text_completion"
        return json.dumps({**self._head(kind), "choices": [choice], "usage": self.usage(grown)}).encode()

    def opening(self, grown: Generation) -> bytes:
        """The event that names the assistant's role, before the first text of a chat."""
        choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
        return self._event(choice, grown)

    def part(self, grown: Generation) -> bytes:
        """The event of the newest token."""
        text = word(grown.generated - 1)
        choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": grown.reason}
        if self.completion.chat:
            choice["delta"] = {"content": text}
        else:
            choice |= {"text": text, "stop_reason": None}
        return self._event(choice, grown)

    def closing(self, grown: Generation) -> bytes:
        """The event of the usage, if asked for, and the end of the stream."""
        end = b"data: [DONE]\n\n"
        if not self.completion.usage_at_end:
            return end
        return self._line({**self._head(self._chunk()), "choices": [], "usage": self.usage(grown)}) + end

    def _event(self, choice: dict[str, Any], grown: Generation) -> bytes:
        event: dict[str, Any] = {**self._head(self._chunk()), "choices": [choice]}
        if self.completion.usage_always:
            event["usage"] = self.usage(grown)
        return self._line(event)

    def _chunk(self) -> str:
        return "chat.completion.chunk" if self.completion.chat else "text_completion"

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    @staticmethod
    def _line(event: dict[str, Any]) -> bytes:
        return b"data: " + json.dumps(event).encode() + b"\n\n"
