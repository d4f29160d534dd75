"""Keeps the text of messages text: a control token's name in a request or an answer is encoded as plain characters.

A chat template mixes its own control tokens with the texts of messages, so the processor cannot tell them apart. Names
in messages are therefore replaced by private-use characters before the template is filled, which the tokenizer here
turns into the names' characters. Any other text is encoded exactly as the wrapped tokenizer does.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["LiteralTokenizer", "literal_conversation"]

_FIRST, _LAST = 0xF0000, 0xFFFFD
_RESERVED = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")


def literal_conversation(
    conversation: Sequence[Mapping[str, Any]], control_tokens: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns the conversation with the names of control tokens in its texts replaced by placeholders.

    Args:
        conversation: Messages in the shape of a chat template; not changed.
        control_tokens: As `LiteralTokenizer.control_tokens`.
    """
    return [
        {
            **message,
            "content": [
                part if part["type"] != "text" else {**part, "text": _with_placeholders(part["text"], control_tokens)}
                for part in message["content"]
            ],
        }
        for message in conversation
    ]


class LiteralTokenizer:
    """A tokenizer in a processor's place that turns placeholders into plain characters; else the wrapped one.

    Args:
        tokenizer: A fast tokenizer of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.wrapped = tokenizer
        added = tokenizer.added_tokens_decoder.values()
        names = {token.content for token in added if token.special} | set(tokenizer.all_special_tokens)
        self.control_tokens: tuple[str, ...] = tuple(sorted(names, key=lambda name: (-len(name), name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)

    def __call__(self, text: str | Sequence[str], **options: Any) -> Any:
        """Encodes texts as the wrapped tokenizer does, with the same options."""
        texts = [text] if isinstance(text, str) else list(text)
        if not any(_RESERVED.search(each) for each in texts):
            return self.wrapped(text, **options)
        rows = [{"input_ids": self._ids(each)} for each in texts]
        return self.wrapped.pad(
            rows, padding=options.get("padding", False), return_tensors=options.get("return_tensors")
        )

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = []
        start = 0
        for match in _RESERVED.finditer(text):
            name = self.control_tokens[ord(match.group()) - _FIRST]
            ids += self._encoded(text[start : match.start()], literal=False)
            ids += self._encoded(name, literal=True)
            start = match.end()
        return ids + self._encoded(text[start:], literal=False)

    def _encoded(self, text: str, *, literal: bool) -> list[int]:
        if not text:
            return []
        encoded: list[int] = self.wrapped(text, add_special_tokens=False, split_special_tokens=literal)["input_ids"]
        return encoded


def _with_placeholders(text: str, control_tokens: Sequence[str]) -> str:
    text = _RESERVED.sub("\N{REPLACEMENT CHARACTER}", text)
    for index, name in enumerate(control_tokens):
        if name in text:
            text = text.replace(name, chr(_FIRST + index))
    return text
