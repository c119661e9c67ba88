"""The house rules, read from the files themselves: floors, sizes, words, and a README that explains every code."""

import ast
import fnmatch
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ledger.cli.main import COMMANDS
from ledger.errors import MESSAGES
from ledger.settings import CLONE

FLOOR_ZERO = "terms"
EDGES = {"web", "cli", "scripts", "migrations"}
# What a floor may import besides itself. Flows are missing from their own row: a flow never calls another.
MAY_IMPORT = {
    FLOOR_ZERO: {FLOOR_ZERO},
    "rules": {FLOOR_ZERO, "rules"},
    "formats": {FLOOR_ZERO, "formats"},
    "vault": {FLOOR_ZERO},
    "books": {FLOOR_ZERO, "books", "vault"},
    "reports": {FLOOR_ZERO, "reports", "books"},
    "flows": {FLOOR_ZERO, "rules", "formats", "vault", "books", "reports"},
    **{edge: {FLOOR_ZERO, "rules", "formats", "vault", "books", "reports", "flows", *EDGES} for edge in EDGES},
}
IMPURE = {
    "rules": {"os", "io", "pathlib", "time", "random", "secrets", "socket", "subprocess", "sqlalchemy", "psycopg"},
    "formats": {"os", "time", "random", "secrets", "socket", "subprocess", "sqlalchemy", "psycopg"},
}
CLOCKS = {"now", "today", "utcnow", "time.time", "time.localtime", "time.gmtime", "uuid1"}
TOP_LEVEL = {"pyproject.toml", "ledger", "web", "migrations", "scripts", "tests", "README.md", "LICENSE"}
EMPTY_WORDS = {"data", "info", "manager", "helper", "util", "utils", "process", "handle", "misc"}
LONGEST_FUNCTION, LONGEST_FILE = 60, 400


@cache
def files(*endings: str) -> tuple[Path, ...]:
    """Every file of the project with one of these endings (none: all), without what .gitignore names."""
    ignored = [line.strip().rstrip("/") for line in (CLONE / ".gitignore").read_text().splitlines() if line.strip()]

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path.name == ".git" or any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored):
                continue
            if path.is_dir():
                yield from walk(path)
            else:
                yield path

    return tuple(path for path in walk(CLONE) if not endings or path.name.endswith(endings))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def text_of(path: Path) -> str:
    """The file as text; "" for pictures and the like."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def named(path: Path, line: int | None = None) -> str:
    return f"{path.relative_to(CLONE)}{'' if line is None else f':{line}'}"


def listed(findings: list[str]) -> str:
    return "\n".join(["", *sorted(findings)])


def inside(*folders: str) -> list[Path]:
    """The Python files below these folders of the clone."""
    return [path for path in files(".py") if path.relative_to(CLONE).parts[0] in folders]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(CLONE).with_suffix("").parts).removesuffix(".__init__")


def floor_of(module: str) -> str:
    """The floor a module of ours stands on."""
    parts = module.split(".")
    if parts[0] != "ledger":
        return parts[0]
    return parts[1] if len(parts) > 1 and parts[1] in {*MAY_IMPORT, *EDGES} else FLOOR_ZERO


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports; ``from a import b`` gives a.b when that is a module of ours."""
    ours = {module_of(other) for other in files(".py")}
    package = module_of(path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            for alias in node.names:
                submodule = f"{source}.{alias.name}"
                yield node.lineno, submodule if submodule in ours else source


def test_imports_only_go_down() -> None:
    wrong = []
    for path in inside("ledger", "web", "scripts", "migrations"):
        floor = floor_of(module_of(path))
        for line, target in imports(path):
            if target.split(".")[0] in {"ledger", "web", "scripts", "migrations"} and target != "ledger":
                allowed = MAY_IMPORT[floor] | ({"flows"} if target == "ledger.flows" else set())
                if floor_of(target) not in allowed:
                    wrong.append(f"{named(path, line)} ({floor}) imports {target}")
    assert not wrong, listed(wrong)


def test_no_module_imports_itself_in_a_circle() -> None:
    paths = {module_of(path): path for path in inside("ledger", "web")}
    graph = {name: {target for _, target in imports(path)} & paths.keys() for name, path in paths.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())
    assert done == paths.keys()


def test_what_decides_and_translates_touches_nothing_outside() -> None:
    wrong = []
    for path in inside("ledger"):
        floor = floor_of(module_of(path))
        reached = {(line, target.split(".")[0]) for line, target in imports(path)}
        wrong += [f"{named(path, line)} imports {root}" for line, root in reached if root in IMPURE.get(floor, ())]
        if floor == "rules":
            wrong += [f"{named(path, call.lineno)} opens a file" for call in calls(path) if called(call) == "open"]
    assert not wrong, listed(wrong)


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_only_the_edges_look_at_a_clock() -> None:
    wrong = []
    for path in inside("ledger"):
        if floor_of(module_of(path)) not in EDGES:
            for call in calls(path):
                if called(call) in CLOCKS or called(call).rpartition(".")[2] in CLOCKS:
                    wrong.append(f"{named(path, call.lineno)} {called(call)}")
    clock = re.compile(
        r"\b(now\(\)|(clock|statement|transaction)_timestamp|current_(date|time)|localtime)", re.IGNORECASE
    )
    for path in files(".sql"):
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if clock.search(line.partition("--")[0]):
                wrong.append(f"{named(path, number)} {line.strip()}")
    assert not wrong, listed(wrong)


def test_no_float_comes_near_money() -> None:
    """Waiting times may be floats: their line says ``# float: why``."""
    wrong = []
    for path in inside("ledger"):
        lines = text_of(path).splitlines()
        for node in ast.walk(tree(path)):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            name = isinstance(node, ast.Name) and node.id == "float"
            if (literal or name) and "# float: " not in lines[getattr(node, "lineno", 1) - 1]:
                wrong.append(f"{named(path, getattr(node, 'lineno', 1))} {ast.unparse(node)}")
    assert not wrong, listed(wrong)


def test_functions_and_files_fit_the_eye() -> None:
    wrong = []
    for path in files(".py", ".sql"):
        lines = text_of(path).count("\n")
        if lines > LONGEST_FILE:
            wrong.append(f"{named(path)}: {lines} lines")
    for path in files(".py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    wrong.append(f"{named(path, node.lineno)} {node.name}: {length} lines")
    assert not wrong, listed(wrong)


def test_no_name_says_nothing() -> None:
    wrong = []
    for path in inside("ledger", "web", "scripts", "migrations"):
        names = {path.stem: 1}
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names[node.name] = node.lineno
        for name, line in names.items():
            words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
            if EMPTY_WORDS & set(words):
                wrong.append(f"{named(path, line)} {name}")
    assert not wrong, listed(wrong)


def test_a_switched_off_check_says_why_in_its_line() -> None:
    mark = re.compile(
        "# ("
        + "|".join(["no" + "qa: [A-Z0-9, ]+", "type: " + r"ignore(\[[a-z, -]+\])?", "pragma: " + "no cover"])
        + ")"
    )
    wrong = []
    for path in files(".py"):
        for number, line in enumerate(text_of(path).splitlines(), 1):
            found = mark.search(line)
            if found and len(line[found.end() :].strip()) < 8:
                wrong.append(f"{named(path, number)} {found[0]}")
    assert not wrong, listed(wrong)


def test_the_top_level_is_as_given() -> None:
    found = {path.relative_to(CLONE).parts[0] for path in files()}
    assert {name for name in found if not name.startswith(".")} - TOP_LEVEL == set()


def test_no_registry_host_and_no_machines_path_is_written_down() -> None:
    hosts = ["py" + "pi.org", "python" + "hosted", "npm" + "js.", "deb." + "debian", "index-" + "url"]
    machine = ["/" + name + "/" for name in ("work", "root")] + ["/" + "tmp" + "/" + "[a-z]"]
    pattern = re.compile("|".join([*(re.escape(host) for host in hosts), *(rf"(?<![\w.]){path}" for path in machine)]))
    wrong = []
    for path in files():
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if pattern.search(line):
                wrong.append(f"{named(path, number)} {line.strip()[:80]}")
    assert not wrong, listed(wrong)


def codes_used() -> dict[str, str]:
    """Every code the product can answer with -> one place that does."""
    found: dict[str, str] = {}
    for path in inside("ledger", "web"):
        for call in calls(path):
            name = called(call).rpartition(".")[2]
            given = [word.value for word in call.keywords if word.arg == "code"]
            given += call.args[:1] if name in {"BadInput", "NotReady", "InvariantBroken"} else []
            given += call.args[1:2] if name == "Outcome" else []
            for code in given:
                if isinstance(code, ast.Constant) and str(code.value).isupper():
                    found.setdefault(str(code.value), named(path, call.lineno))
    for path in files(".sql"):
        for code in re.findall(r"'([A-Z]+(?:_[A-Z]+)+)(?:'|: )", text_of(path)):
            found.setdefault(code, named(path))
    return found


def test_every_code_has_its_sentence() -> None:
    silent = [f"{place} {code}" for code, place in codes_used().items() if code not in MESSAGES]
    assert not silent, listed(silent)


def test_every_sentence_has_its_use() -> None:
    product = [
        path for path in (*inside("ledger", "web", "migrations"), *files(".sql", ".html")) if path.name != "errors.py"
    ]
    spoken = "\n".join(text_of(path) for path in product)
    assert [code for code in MESSAGES if not re.search(rf"\b{code}\b", spoken)] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_sentence_is_there_in_both_languages(language: str) -> None:
    def chinese(sentence: str) -> bool:
        return re.search("[\u4e00-\u9fff]", sentence) is not None

    sentences = {code: getattr(message, language) for code, message in MESSAGES.items()}
    assert [
        code for code, sentence in sentences.items() if not sentence or chinese(sentence) != (language == "zh")
    ] == []


def test_the_readme_explains_every_code_and_command() -> None:
    readme = text_of(CLONE / "README.md")
    missing = [code for code in MESSAGES if f"`{code}`" not in readme]
    missing += [f"custody {noun}" for noun in COMMANDS if f"custody {noun}" not in readme]
    assert not missing, listed(missing)
