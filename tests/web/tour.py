"""Pictures of pages, small enough to keep.

CUSTODY_TEST_SHOTS    a folder: every picture that the browser tests take is written there
CUSTODY_TEST_TOUR     a folder: only the plain pages of 360 and 1280 px, as ``web/tour/`` has them
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
