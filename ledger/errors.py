"""What may come back instead of success, and its words.

Two exceptions only. ``BadInput``: the input cannot be used; it names where and what, and is raised
before anything is written. ``InvariantBroken``: a bug of ours. Whatever a rule decides (refused,
conflict, replayed, later) is an ``Outcome`` value that flows return, so that it commits.

Every code has one entry in messages.toml: a sentence in each language that says what to do.
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Message:
    en: str
    zh: str


class BadInput(Exception):
    """The input cannot be used. ``where`` is a file, line or path in it; ``field`` the named part."""

    def __init__(self, code: str, *, where: str = "", field: str = "", value: object = None) -> None:
        self.code, self.where, self.field, self.value = code, where, field, value
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """One line: where, field: what is wrong (the offending value cut to 80 characters)."""
        place = ", ".join(part for part in (self.where, self.field) if part)
        shown = "" if self.value is None else f" [{str(self.value)[:80]!r}]"
        return f"{place + ': ' if place else ''}{message(self.code, language)}{shown} ({self.code})"


class InvariantBroken(Exception):
    """A promise of the books does not hold: our bug, never the user's. Nothing is written."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(f"{message(code, 'en')} {detail} ({code})")


class Result(StrEnum):
    DONE = "done"
    REPLAYED = "replayed"
    CONFLICT = "conflict"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item. ``code`` for refused and conflict, ``field`` names the differing field."""

    result: Result
    code: str = ""
    field: str = ""
    entry_id: UUID | None = None
    detail: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the thing asked for stands in the books: done now, or done before (replayed without a refusal)."""
        return self.result in (Result.DONE, Result.REPLAYED) and not self.code


def message(code: str, language: str) -> str:
    """The sentence for a code, in "en" or "zh". An unknown code is shown as it is."""
    found = MESSAGES.get(code)
    return code if found is None else (found.zh if language == "zh" else found.en)


def _read_messages() -> dict[str, Message]:
    text = (Path(__file__).parent / "messages.toml").read_text(encoding="utf-8")
    return {code: Message(**sentences) for code, sentences in tomllib.loads(text).items()}


MESSAGES: Final[dict[str, Message]] = _read_messages()
