"""``custody lessons evidence``: what was said and shown of a lesson in dispute, for whoever decides."""

from pathlib import Path
from typing import Any

import click

from ledger.books import evidence as pieces
from ledger.books import lesson as books
from ledger.cli import edge
from ledger.cli.lesson_decision import lessons
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.errors import BadInput
from ledger.settings import read_settings
from ledger.terms.evidence import Evidence

__all__ = ["lessons"]  # the group of ledger.cli.lessons, with this command beside the others
COLUMNS = ("piece", "given_on", "by", "words", "photo", "sha256")
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}


@lessons.command()
@click.argument("lesson", metavar="LESSON")
@click.option("--institution", "code", required=True, metavar="CODE", help="Whose lesson it is.")
@click.option("--out", type=click.Path(path_type=Path), help="A folder for the photos, each under its SHA-256.")
@edge.as_json_option
def evidence(lesson: str, code: str, out: Path | None, as_json: bool) -> int:
    """What both sides said and showed of a LESSON (its id, of `custody lessons waiting`); photos only with --out."""
    settings, lesson_id = read_settings(), edge.row_id(lesson, "UNKNOWN_LESSON", "LESSON")
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            (institution,) = edge.institutions(conn, code)
            number = institution.institution_id
            if lesson_id not in books.by_id(conn, number, [lesson_id]):
                raise BadInput("UNKNOWN_LESSON", field="LESSON", value=edge.visible(lesson))
            rows = []
            for piece in pieces.of_lesson(conn, vault, number, lesson_id):
                rows.append(_row(piece))
                if out is None or piece.media_type is None:
                    continue
                content = pieces.photo(conn, vault, number, lesson_id, piece.evidence_id)
                assert content is not None, "a piece with a type has a photo"
                path = out / f"{piece.sha256}.{_ENDINGS[piece.media_type]}"
                edge.write_file(path, [content], mode=0o600)
                rows[-1]["photo"] = path.name
    answer({"lesson": str(lesson_id), "evidence": rows}, as_json, _print)
    return 0


def _row(piece: Evidence) -> dict[str, Any]:
    return {
        "piece": str(piece.evidence_id), "given_on": piece.given_on.isoformat(), "by": piece.given_by,
        "words": piece.words, "photo": piece.media_type and f"{piece.bytes} bytes", "sha256": piece.sha256,
    }  # fmt: skip


def _print(shown: dict[str, Any]) -> None:
    edge.print_table(COLUMNS, [[row[name] for name in COLUMNS] for row in shown["evidence"]])
