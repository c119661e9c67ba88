"""The command itself: database, world, story, summary, pages."""

import json
import shutil
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from ledger.books.engine import open_engine
from ledger.cli import postgres
from ledger.cli.demo import summary, world
from ledger.cli.demo.days import Story
from ledger.cli.edge import open_vault
from ledger.cli.main import REFUSED
from ledger.cli.migrate import upgrade
from ledger.cli.serve import serve_pages
from ledger.errors import BadInput
from ledger.formats.rulebook import load_rulebooks
from ledger.settings import CLONE, NotReady, read_settings

PUPILS, STATEMENT_DAYS = 2000, 30
RULEBOOKS = CLONE / "ledger" / "rulebooks"


@click.command()
@click.option("--once", is_flag=True, help="End after the summary instead of serving pages.")
@click.option("--reset", is_flag=True, help="Remove the demo database and files first.")
@click.option("--scale", type=click.FloatRange(0.05, 10), default=0.1, show_default=True,
              help="Size of the world: 1 is 2,000 pupils, 60,000 lessons, 30 bank days.")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def demo(once: bool, reset: bool, scale: float, port: int, as_json: bool) -> int:
    """Load the demo world into the embedded database of this clone, run its days, show what came of it."""
    settings = read_settings()
    if settings.database_url or settings.owner_url:
        raise NotReady("DEMO_REFUSES_DATABASE")
    folder = settings.home / "world"
    if reset:
        postgres.remove(settings.home)
        shutil.rmtree(folder, ignore_errors=True)
    with postgres.database(settings) as urls:
        assert urls.owner is not None, "the embedded server has an owner"
        upgrade(urls.owner, make_roles=True)
        engine = open_engine(urls.app)
        sizes = (round(PUPILS * scale), max(round(STATEMENT_DAYS * scale), 6))
        story = Story(
            engine, open_vault(settings), load_rulebooks([RULEBOOKS, RULEBOOKS / "demo"]), folder,
            world.build(sizes[0]), world.statement_days(sizes[1]),
        )  # fmt: skip
        began = time.monotonic()
        _run(story, scale)
        with engine.connect() as conn:
            found = summary.read(conn)
        if as_json:
            click.echo(json.dumps(summary.as_json(found), ensure_ascii=False, indent=2))
        else:
            summary.show(found, Console())
            _files(folder, story, time.monotonic() - began)
        engine.dispose()
        if not once:
            serve_pages(urls.app, settings, port=port, demo=True)
    return 0 if found.sound else REFUSED


def _run(story: Story, scale: float) -> None:
    """Run what is left of the story. A world of another size is refused: it would mix two worlds."""
    mark = story.folder / "scale.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") != str(scale):
        raise BadInput("DEMO_OTHER_SCALE", field="--scale", value=mark.read_text(encoding="utf-8"))
    story.folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(str(scale), encoding="utf-8")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("six months of lessons and money", total=len(story.days) + 1)
        for done, _ in story.run():
            progress.update(task, completed=done)


def _files(folder: Path, story: Story, seconds: float) -> None:
    """Where everything lies, and what was refused on purpose."""
    console = Console()
    planted = ", ".join(f"{count} {code}" for code, count in sorted(story.refused.items())) or "none in this run"
    console.print(f"Refused on purpose: {planted}")
    for name in ("statements", "payments", "reports"):
        found = sorted((folder / name).glob("*")) if (folder / name).exists() else []
        console.print(f"{name}: {len(found)} files in {folder / name}")
    console.print(f"{seconds:.1f} s for the world")
