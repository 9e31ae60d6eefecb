"""A deterministic stand-in for the model's tokenizer: about four characters of English per token."""

from __future__ import annotations

import re

# Words are cut into pieces of five letters (with the blank before them), digits stand alone as in Qwen's vocabulary.
_PIECE = re.compile(r" ?[^\W\d_]{1,5}|\d| ?[^\w\s]|_|\s+")

_SENTENCE = (
    " the model answers with words that follow each other in a fixed order so that any run can be told from its past"
    " by its cache and not by what it says ."
)
_WORDS: list[str] = re.findall(r" \S+", _SENTENCE)

END_OF_MESSAGE = "<|im_end|>"


def tokenize(text: str) -> list[str]:
    """The tokens of a text, in order; joined they give the text again."""
    return _PIECE.findall(text)


def word(index: int) -> str:
    """The text of the index-th output token of any answer."""
    return _WORDS[index % len(_WORDS)]


def chat_tokens(messages: list[tuple[str, str]]) -> list[str]:
    """Tokens of (role, content) pairs under Qwen2.5's chat template, with the opening of the assistant's turn."""
    turns = messages
    if not turns or turns[0][0] != "system":
        turns = [("system", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."), *turns]
    tokens: list[str] = []
    for role, content in turns:
        tokens += ["<|im_start|>", role, "\n", *tokenize(content), END_OF_MESSAGE, "\n"]
    return [*tokens, "<|im_start|>", "assistant", "\n"]
