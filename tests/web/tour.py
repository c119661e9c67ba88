"""Pictures of pages, small enough to keep.

CUSTODY_TEST_SHOTS    a folder: every picture that the browser tests take is written there
CUSTODY_TEST_TOUR     a folder: only the plain pages of 360 and 1280 px, as ``web/tour/`` has them

``LOOKS``: languages and widths in which pages are looked at. All four with ``scripts/test --full`` and where pictures
are taken; else Chinese on a phone and English on a desk, for a run of minutes.
"""

import os
import re
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page

_COLOURS: Final = 48
_TOUR: Final = re.compile(r"[a-z-]+-(zh|en)-(360|1280)(-plain)?")
_WHOLE: Final = any(os.environ.get(f"CUSTODY_TEST_{name}", "0") != "0" for name in ("FULL", "SHOTS", "TOUR"))
LOOKS: Final = [
    (language, width) for language in ("zh", "en") for width in (360, 1280)
    if _WHOLE or (language == "zh") == (width == 360)
]  # fmt: skip


def shot(page: Page, name: str) -> None:
    """Keep the whole page as ``<name>.png`` in the folders that are named; nothing where none is."""
    places = [
        os.environ.get("CUSTODY_TEST_SHOTS"),
        os.environ.get("CUSTODY_TEST_TOUR") if _TOUR.fullmatch(name) else "",
    ]
    folders = [Path(place) for place in places if place]
    if not folders:
        return
    picture = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB").quantize(_COLOURS)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"{name.removesuffix('-plain')}.png", optimize=True)
