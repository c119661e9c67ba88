"""Every SQL statement of the program with its place: the strings of its Python, functions and views of a database."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from ledger.settings import CLONE

_SQL = re.compile(r"\b(from|join|update|into)\s+ledger\.", re.IGNORECASE)


def of_python(*folders: str) -> Iterator[tuple[str, str]]:
    """Place ("books/seal.py last_blocks") and text of every string that names a table, f-strings filled in."""
    for folder in folders:
        for path in sorted((CLONE / "ledger" / folder).rglob("*.py")):
            module = ".".join(path.relative_to(CLONE).with_suffix("").parts)
            names = vars(importlib.import_module(module))
            for place, sql in of_file(path, names):
                yield f"{path.relative_to(CLONE / 'ledger')} {place}", sql


def of_database(conn: Connection) -> Iterator[tuple[str, str]]:
    """Name and body of every function of the schema, and of every view, as they are in a migrated database."""
    rows = conn.execute(
        text("""SELECT p.proname || '()', p.prosrc FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
                WHERE p.pronamespace = 'ledger'::regnamespace AND l.lanname IN ('sql', 'plpgsql')
                UNION ALL
                SELECT viewname, definition FROM pg_views WHERE schemaname = 'ledger' ORDER BY 1""")
    )
    yield from ((name, body) for name, body in rows)


def of_checks() -> Iterator[tuple[str, str]]:
    """The promises, one SQL file each."""
    for path in sorted((CLONE / "ledger" / "books" / "checks").glob("*.sql")):
        yield path.name, path.read_text(encoding="utf-8")


def of_file(path: Path, names: dict[str, object]) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for top in tree.body:
        place = getattr(top, "name", None) or (ast.unparse(top.targets[0]) if isinstance(top, ast.Assign) else "")
        parts = {id(value) for node in ast.walk(top) if isinstance(node, ast.JoinedStr) for value in node.values}
        for node in ast.walk(top):
            if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and id(node) not in parts):
                sql = _text(node, names)
                if _SQL.search(sql):
                    yield place, sql


def _text(node: ast.JoinedStr | ast.Constant, names: dict[str, object]) -> str:
    """The string, with what its braces hold where the module knows it; else a word in its place."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    said = ""
    for value in node.values:
        if isinstance(value, ast.FormattedValue):
            try:
                said += str(eval(compile(ast.Expression(value.value), "<sql>", "eval"), dict(names)))
            except NameError:
                said += "something"
        else:
            said += str(getattr(value, "value", ""))
    return said
