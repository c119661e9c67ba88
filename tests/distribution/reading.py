"""Reads SQL far enough to tell which institution each table of a statement is bound to.

A statement is a tree of parentheses; a part that begins with SELECT, WITH, INSERT, UPDATE or DELETE is a scope with its
own FROM list. Tables are linked where their ``institution_id`` is compared (USING, =, row = row), and a group of linked
tables is BOUND where one of them is compared with something that is not a column of a table of the statement: a
parameter, a variable, OLD. ``x IS NULL OR institution_id = x`` does not bind: it may read everybody's rows.

Not a parser of SQL: made for the statements of this program, and each of its findings has a test that plants one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Union

Token = Union[str, "Group"]  # a recursive name cannot be written with |

KEY = "institution_id"
_TOKEN = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"[^"]*"|%\(\w+\)s|::|:=|:\w+|\w+|[^\s\w]""", re.DOTALL)
_BEGINS = {"select", "with", "insert", "update", "delete", "perform"}
# Words after which another statement of a function's body, or another SELECT of a union, may begin.
_PARTS = {";", "union", "except", "intersect", "loop", "then", "else", "begin", "elsif"}
_NO_ALIAS = {
    "where", "on", "using", "join", "left", "right", "full", "inner", "cross", "group", "order", "limit", "offset",
    "for", "set", "returning", "having", "union", "except", "select", "values", "loop", "window", "with", "as",
}  # fmt: skip
_ENDS_FROM = {"where", "group", "order", "set", "returning", "having", "limit", "offset", "window", "for"}


class Group(list[Token]):
    """What stands between two parentheses."""


@dataclass(eq=False)
class Ref:
    """A table, or something that takes its place, in a FROM list. ``of_money``: its rows belong to an institution."""

    name: str
    alias: str
    of_money: bool
    bound: bool = False
    linked: "Ref | None" = None

    def root(self) -> "Ref":
        return self if self.linked is None else self.linked.root()


@dataclass
class Scope:
    """One SELECT, INSERT, UPDATE or DELETE and the FROM list it has."""

    outer: "Scope | None"
    refs: list[Ref] = field(default_factory=list)

    def find(self, alias: str) -> Ref | None:
        for ref in reversed(self.refs):
            if ref.alias == alias:
                return ref
        return self.outer.find(alias) if self.outer else None


@dataclass(frozen=True)
class Finding:
    """``unbound``: reads rows of every institution. ``apart``: joins two tables without their institution."""

    kind: str
    tables: tuple[str, ...]


def findings(sql: str, money: set[str]) -> list[Finding]:
    """What is wrong with one statement, or with a function's body. ``money``: the names of the distributed tables."""
    return _Reading(money).read(_tree(sql))


def _tree(sql: str) -> Group:
    stack = [Group()]
    for match in _TOKEN.finditer(sql):
        token = match[0]
        if token.startswith(("--", "/*")):
            continue
        if token == "(":
            stack.append(Group())
        elif token == ")" and len(stack) > 1:
            closed = stack.pop()
            if "join" in closed and not _is_query(closed):
                stack[-1] += closed  # joins in parentheses, as PostgreSQL writes a view: one list all the same
            else:
                stack[-1].append(closed)
        else:
            stack[-1].append(token.lower() if token[0] != "'" else "''")
    while len(stack) > 1:
        closed = stack.pop()
        stack[-1].append(closed)
    return stack[0]


class _Reading:
    def __init__(self, money: set[str]) -> None:
        self.money = money
        self.scopes: list[Scope] = []
        self.named: dict[str, list[Ref]] = {}  # WITH name AS (...): the tables it reads

    def read(self, tree: Group) -> list[Finding]:
        self._scopes(tree, None)
        found = []
        for scope in self.scopes:
            mine = [ref for ref in scope.refs if ref.of_money]
            roots = {ref.root() for ref in mine}
            if any(not root.bound for root in roots):
                kind = "apart" if len(roots) > 1 else "unbound"
                found.append(Finding(kind, tuple(sorted({ref.name for ref in mine}))))
        return found

    def _scopes(self, group: Sequence[Token], outer: Scope | None) -> list[Ref]:
        """Read every part of a group; the tables of money met in it, at any depth."""
        met: list[Ref] = []
        for part in _split(group):
            start = next((n for n, token in enumerate(part) if isinstance(token, str) and token in _BEGINS), None)
            if start is None:
                met += self._inner(part, outer)
            else:
                scope = Scope(outer)
                self.scopes.append(scope)
                met += self._inner(part[:start], outer)
                met += self._one(part[start:], scope)
        return met

    def _inner(self, part: Sequence[Token], scope: Scope | None) -> list[Ref]:
        return [ref for token in part if isinstance(token, Group) for ref in self._scopes(token, scope)]

    def _one(self, part: Sequence[Token], scope: Scope) -> list[Ref]:
        derived = dict(self._derived(part, scope))
        self._from(part, scope, derived)
        self._compare(part, scope)
        return [ref for ref in scope.refs if ref.of_money] + [ref for refs in derived.values() for ref in refs]

    def _derived(self, part: Sequence[Token], scope: Scope) -> Iterator[tuple[int, list[Ref]]]:
        """Read what is written in parentheses first; a name given to it by WITH is remembered."""
        for n, token in enumerate(part):
            if not isinstance(token, Group):
                continue
            if not _is_query(token):
                yield id(token), self._inner_of_inline(token, scope)
                continue
            # a LATERAL sees the tables before it: read their names first
            self._from(part[:n], scope, {}, again=True)
            met = self._scopes(token, scope)
            before = [word for word in part[max(n - 4, 0) : n] if isinstance(word, str) and word != "materialized"]
            if len(before) >= 2 and before[-1] == "as":
                self.named[before[-2]] = met
            yield id(token), met

    def _inner_of_inline(self, group: Group, scope: Scope) -> list[Ref]:
        return [ref for _, refs in self._derived(group, scope) for ref in refs]

    def _from(self, flat: Sequence[Token], scope: Scope, derived: dict[int, list[Ref]], *, again: bool = False) -> None:
        known = {(ref.name, ref.alias): ref for ref in scope.refs}
        scope.refs = []
        listing = False
        for n, token in enumerate(flat):
            if not isinstance(token, str):
                continue
            before = flat[n - 1] if n else ""
            if token in ("from", "join") and before != "distinct":
                listing = True
            elif token == "using" and "delete" in flat[:1]:
                listing = not isinstance(flat[n + 1], Group)
            elif (token == "update" and before not in ("key", "for", "do")) or (token == "into" and before == "insert"):
                listing = False
            elif token in _ENDS_FROM or (token == "," and not listing):
                listing = listing and token == ","
                continue
            elif token != "," or not listing:
                continue
            ref = self._ref(flat, n + 1, derived, inserted=token == "into")
            if ref is not None:
                old = known.get((ref.name, ref.alias))
                scope.refs.append(old or ref)
                if old is not None and not again:
                    old.bound = old.bound or ref.bound

    def _ref(self, flat: Sequence[Token], n: int, derived: dict[int, list[Ref]], *, inserted: bool) -> Ref | None:
        while n < len(flat) and flat[n] in ("lateral", "only"):
            n += 1
        if n >= len(flat):
            return None
        head = flat[n]
        if isinstance(head, Group):
            inside = derived.get(id(head), [])
            ref = Ref("(query)", "", False, bool(inside) and all(one.root().bound for one in inside))
        else:
            qualified = flat[n + 1 : n + 2] == ["."]
            name = str(flat[n + 2]) if qualified and n + 2 < len(flat) else head
            n += 2 if qualified else 0
            called = n + 1 < len(flat) and isinstance(flat[n + 1], Group) and not inserted
            is_named = name in self.named and not qualified
            inside = self.named.get(name, []) if is_named else []
            money = name in self.money and not called and not is_named
            ref = Ref(name, name, money, inserted or (bool(inside) and all(one.root().bound for one in inside)))
            if inserted and n + 1 < len(flat) and isinstance(flat[n + 1], Group):
                ref.bound = KEY in flat[n + 1]
            n += 1 if called else 0
        rest = [token for token in flat[n + 1 : n + 5] if token not in ("with", "ordinality", "as")]
        if rest and isinstance(rest[0], str) and rest[0].isidentifier() and rest[0] not in _NO_ALIAS:
            ref.alias = rest[0]
        return ref

    def _compare(self, flat: Sequence[Token], scope: Scope) -> None:
        words = list(_spelled(flat))
        for n, token in enumerate(words):
            if token != KEY:
                continue
            if words[max(n - 2, 0) : n] == ["using", "("] or _in_using(words, n):
                self._using(words[:n], scope)
            elif words[n - 1] == "." and n >= 2:
                self._qualified(words, n, scope)
            elif words[n + 1 : n + 2] == ["="] and words[n - 1] not in ("or", "select"):
                first = next((ref for ref in scope.refs if ref.of_money or ref.name == "(query)"), None)
                if first:
                    first.root().bound = True

    def _using(self, before: list[str], scope: Scope) -> None:
        """The table last named before it is joined to those before that one."""
        count = 0
        for n, word in enumerate(before):
            count += word in ("join", "from") and before[n - 1] != "distinct"
            count += word == "," and _depth(before[:n]) == 0
        joined = scope.refs[: max(count, 2)]
        for ref in joined[:-1]:
            _link(joined[-1], ref)

    def _qualified(self, words: list[str], n: int, scope: Scope) -> None:
        mine = scope.find(words[n - 2])
        if mine is None:
            return
        other = _other_side(words, n)
        if other is None or words[n - 3] == "or":
            return
        theirs = scope.find(other)
        if theirs is None:
            mine.root().bound = True
        elif theirs is not mine:
            _link(mine, theirs)


def _link(one: Ref, other: Ref) -> None:
    first, second = one.root(), other.root()
    if first is not second:
        first.linked = second
        second.bound = second.bound or first.bound


def _split(group: Sequence[Token]) -> Iterator[list[Token]]:
    """The statements of a body and the SELECTs of a union; the branches of a CASE do not part anything."""
    part: list[Token] = []
    cases = 0
    for token in group:
        cases = max(cases + (token == "case") - (token == "end"), 0)
        if isinstance(token, str) and token in _PARTS and not cases:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _is_query(group: Group) -> bool:
    return bool(group) and isinstance(group[0], str) and group[0] in _BEGINS


def _spelled(tokens: Sequence[Token]) -> Iterator[str]:
    """The words of a scope with the parentheses that are no queries written out; queries are left out."""
    for token in tokens:
        if isinstance(token, str):
            yield token
        elif _is_query(token):
            yield "(query)"
        else:
            yield "("
            yield from _spelled(token)
            yield ")"


def _depth(words: list[str]) -> int:
    return words.count("(") - words.count(")")


def _in_using(words: list[str], n: int) -> bool:
    opening = max((at for at in range(n) if words[at] == "("), default=-1)
    return opening > 0 and words[opening - 1] == "using" and ")" not in words[opening:n]


def _other_side(words: list[str], n: int) -> str | None:
    """What ``alias.institution_id`` at n is compared with: an alias, "" for anything else, None where it is not."""
    if words[n + 1 : n + 2] == ["="]:
        return _alias_at(words, n + 2)
    if n >= 3 and words[n - 3] == "=":  # the other side has linked it, or it is a parameter
        return _alias_at(words, n - 6) if words[n - 4] == KEY and words[n - 5] == "." else ""
    if n >= 3 and words[n - 3] == "(" and words[n + 1 : n + 2] == [","]:
        close = n
        while close < len(words) and words[close] != ")":
            close += 1
        if words[close + 1 : close + 3] == ["=", "("]:
            return _alias_at(words, close + 3)
        if close + 1 < len(words) and words[close + 1] == "in":
            return ""
        opening = n - 3
        if words[opening - 1] == "=" and words[opening - 2] == ")":
            return None  # the row before it has compared
    return None


def _alias_at(words: list[str], n: int) -> str:
    return words[n] if words[n + 1 : n + 3] == [".", KEY] else ""
