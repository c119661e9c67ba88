"""How a message reaches a phone. Pluggable: anything with ``send``."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4


class Sender(Protocol):
    def send(self, phone: str, text: str) -> None:
        """Hand a message over. Raises OSError where it cannot be."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One JSON file a message (``to``, ``text``), for a gateway that takes them from there and removes them. A file has
    its name only when it is whole, and only its owner may read it.
    """

    path: Path

    def send(self, phone: str, text: str) -> None:
        name = uuid4().hex
        part = self.path / f".{name}.part"
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump({"to": phone, "text": text}, file, ensure_ascii=False)
        part.rename(self.path / f"{name}.json")
