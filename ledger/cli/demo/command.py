"""The command itself: database, world, story, summary, pages."""

import json
import re
import shutil
import time
from fractions import Fraction
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from ledger.books.engine import open_engine
from ledger.cli import postgres, signing
from ledger.cli.demo import summary, world
from ledger.cli.demo.days import steps
from ledger.cli.demo.story import Story
from ledger.cli.edge import open_vault
from ledger.cli.main import REFUSED
from ledger.cli.migrate import upgrade
from ledger.cli.notify import tell
from ledger.cli.reserve import write_report
from ledger.cli.seal import sign
from ledger.cli.serve import serve_pages
from ledger.errors import BadInput
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.settings import NotReady, read_settings
from web.sender import Folder

PUPILS, STATEMENT_DAYS = 2000, 30
# Fewer bank days would end the story before a refund has come back.
DAYS_MIN = 6


@click.command()
@click.option("--once", is_flag=True, help="End after the summary instead of serving pages.")
@click.option("--reset", is_flag=True, help="Remove the demo database and files first.")
@click.option(
    "--scale", default="0.1", show_default=True, help="0.05 to 10; 1 is 2,000 pupils, 60,000 lessons, 30 bank days."
)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def demo(once: bool, reset: bool, scale: str, port: int, as_json: bool) -> int:
    """Load the demo world into the embedded database of this clone, run its days, show what came of it."""
    size = _size(scale)
    settings = read_settings()
    if settings.database_url or settings.owner_url:
        raise NotReady("DEMO_REFUSES_DATABASE")
    folder = settings.home / "world"
    if reset:
        postgres.remove(settings.home)
        shutil.rmtree(folder, ignore_errors=True)
        settings.anchor_file.unlink(missing_ok=True)
    with postgres.database(settings) as urls:
        assert urls.owner is not None, "the embedded server has an owner"
        upgrade(urls.owner, make_roles=True)
        engine = open_engine(urls.app)
        with engine.connect() as conn:
            signing.refuse_behind(conn, settings)
        law = load_rulebooks([BUILT_IN, BUILT_IN / "demo"])
        days = world.statement_days(max(int(STATEMENT_DAYS * size), DAYS_MIN))
        story = Story(engine, open_vault(settings), law, folder, world.build(int(PUPILS * size)), days)
        began = time.monotonic_ns()
        _run(story, size)
        sign(engine, settings, world.instant(days[-1], 20), at_close=True)
        write_report(engine, settings, law, days[-1], world.instant(days[-1], 20), folder / "reports")
        (folder / "messages").mkdir(exist_ok=True)
        for school in story.schools:
            number, at = school.institution.institution_id, world.instant(days[-1], 20)
            tell(engine, story.vault, Folder(folder / "messages"), number, days[-1], at)
        with engine.connect() as conn:
            found = summary.read(conn)
        if as_json:
            click.echo(json.dumps(summary.as_json(found), ensure_ascii=False, indent=2))
        else:
            summary.show(found, Console())
            _files(folder, story, (time.monotonic_ns() - began) // 1_000_000_000)
        engine.dispose()
        if not once:
            click.echo(f"Pages: http://127.0.0.1:{port} - four families to log in as; Ctrl-C ends it", err=as_json)
            serve_pages(urls.app, settings, port=port, demo=True)
    return 0 if found.sound else REFUSED


def _size(text: str) -> Fraction:
    """The size of the world as written. Raises BadInput DEMO_SCALE."""
    size = Fraction(text) if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", text, re.ASCII) else Fraction(0)
    if not Fraction("0.05") <= size <= 10:
        raise BadInput("DEMO_SCALE", field="--scale", value=text)
    return size


def _run(story: Story, size: Fraction) -> None:
    """Run what is left of the story. A world of another size is refused: it would mix two worlds."""
    mark = story.folder / "scale.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") != str(size):
        raise BadInput("DEMO_OTHER_SCALE", field="--scale", value=mark.read_text(encoding="utf-8"))
    story.folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(str(size), encoding="utf-8")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        parts = steps(story)
        task = progress.add_task("six months of lessons and money", total=len(parts))
        for done in story.run(parts):
            progress.update(task, completed=done)


def _files(folder: Path, story: Story, seconds: int) -> None:
    """Where everything lies, and what was refused on purpose."""
    console = Console()
    planted = ", ".join(f"{count} {code}" for code, count in sorted(story.refused.items())) or "none in this run"
    console.print(f"Refused on purpose: {planted}", soft_wrap=True)
    for name in ("statements", "payments", "reports", "messages"):
        found = sorted((folder / name).glob("*")) if (folder / name).exists() else []
        console.print(f"{name}: {len(found)} files in {folder / name}", soft_wrap=True)
    console.print(f"{seconds} s for the world")
