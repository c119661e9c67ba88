"""Everything recomputed: the chain of sealed blocks from the rows as they are, every sum and counter of the books."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final

from sqlalchemy import Connection, text

from ledger import vault
from ledger.books import certificate, seal
from ledger.books.transaction import whole_tables
from ledger.formats import certificate as certificate_words
from ledger.formats import checkpoint as words
from ledger.formats.merkle import Root
from ledger.reports import promises
from ledger.terms.journal import Promise, Violation
from ledger.terms.seal import CLASSES, Anchor, Block, Checkpoint, Fault, SigningKey

# Anchors asked for at once: a file of any length is checked in constant memory.
_ROWS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Verification:
    """What was there and what was found. ``unsealed``: answered requests that wait for the next block."""

    institutions: int
    entries: int
    transfers: int
    blocks: int
    unsealed: int
    checkpoints: int
    faults: tuple[Fault, ...]
    promises: tuple[Promise, ...]

    @property
    def first_fault(self) -> Fault | Violation | None:
        """The first thing that does not hold; None when all is well."""
        found = (fault for promise in self.promises for fault in promise.violations)
        return self.faults[0] if self.faults else next(found, None)


def verify(
    conn: Connection,
    anchors: Iterable[Anchor] = (),
    anchored_keys: Sequence[SigningKey] = (),
    beside: Connection | None = None,
) -> Verification:
    """Check anchors, keys, signatures, every block and every promise; ``conn`` should see one moment.

    ``beside``: another connection that sees the same moment; the promises are then checked there at the same time.
    ``anchors`` and ``anchored_keys``: what the anchor file and others outside remember. Reads as a stream: memory does
    not grow with the books. Of each institution the first fault of its chain is told. Kinds of faults:
    anchor_block_missing, anchor_differs, checkpoint_missing, key_missing, key_changed, key_not_signed, block_missing,
    block_changed, chain_broken, totals_wrong, item_changed, item_missing, item_added, checkpoint_differs,
    signature_wrong, key_unknown, certificate_missing, certificate_changed, certificate_chain_broken.
    """
    counted = conn.execute(
        text("""SELECT (SELECT count(*) FROM ledger.institution) AS institutions,
                       (SELECT count(*) FROM ledger.journal_entry) AS entries,
                       (SELECT count(*) FROM ledger.transfer) AS transfers,
                       (SELECT count(*) FROM ledger.block) AS blocks,
                       (SELECT count(*) FROM ledger.inbox) AS unsealed,
                       (SELECT count(*) FROM ledger.checkpoint) AS checkpoints""")
    ).one()
    with ThreadPoolExecutor(1) as other:
        kept = other.submit(promises.check, beside) if beside is not None else None
        faults = [*behind(conn, anchors), *_keys(seal.signing_keys(conn), anchored_keys), *_chains(conn)]
        found = promises.check(conn) if kept is None else kept.result()
    return Verification(**counted._mapping, faults=tuple(faults), promises=tuple(found))


def behind(conn: Connection, anchors: Iterable[Anchor]) -> Iterator[Fault]:
    """Anchors whose block is missing or another one: an older copy was restored, or history was rewritten."""
    rest = iter(anchors)
    while some := list(islice(rest, _ROWS)):
        yield from _behind(conn, some)


def _behind(conn: Connection, anchors: Sequence[Anchor]) -> Iterator[Fault]:
    rows = conn.execute(
        text("""SELECT a.n, b.hash, k.block_no IS NOT NULL AS signed
                FROM unnest(CAST(:codes AS text[]), CAST(:blocks AS bigint[])) WITH ORDINALITY a (code, block_no, n)
                LEFT JOIN ledger.institution i USING (code)
                LEFT JOIN ledger.block b ON b.institution_id = i.institution_id AND b.block_no = a.block_no
                LEFT JOIN ledger.checkpoint k ON k.institution_id = i.institution_id AND k.block_no = a.block_no
                ORDER BY a.n"""),
        {"codes": [anchor.institution for anchor in anchors], "blocks": [anchor.block for anchor in anchors]},
    )
    for row, anchor in zip(rows, anchors, strict=True):
        where = f"{anchor.institution} block {anchor.block}, signed {words.instant(anchor.signed_at)}"
        if row.hash is None:
            yield Fault("anchor_block_missing", where)
        elif row.hash != anchor.hash:
            yield Fault("anchor_differs", where)
        elif not row.signed:
            yield Fault("checkpoint_missing", where)


def _keys(keys: Sequence[SigningKey], anchored: Sequence[SigningKey]) -> Iterator[Fault]:
    """Every key is signed by the one before it, the first by itself; and the anchor file knows the same keys."""
    for number, key in enumerate(keys, 1):
        signer = keys[max(number - 2, 0)]
        said = words.key_statement(key.number, key.public_key, key.added_at)
        if key.number != number:
            yield Fault("key_missing", f"key {number}")
            return
        if not vault.is_signed(signer.public_key, said, key.signature):
            yield Fault("key_not_signed", f"key {number}")
    known = {key.number: key for key in keys}
    for key in anchored:
        if key.number not in known:
            yield Fault("key_missing", f"key {key.number}")
        elif known[key.number] != key:
            yield Fault("key_changed", f"key {key.number}")


def _chains(conn: Connection) -> Iterator[Fault]:
    """The first fault of each institution's chain, blocks before items before signatures before certificates."""
    keys = {key.number: key.public_key for key in seal.signing_keys(conn)}
    known = conn.execute(
        text("""SELECT i.institution_id, i.code, coalesce(s.block_no, 0) AS last
                FROM ledger.institution i LEFT JOIN ledger.seal_state s USING (institution_id) ORDER BY i.code""")
    ).all()
    for institution_id, code, last in known:
        with whole_tables(conn):
            found = _blocks(conn, institution_id, code, last)
            fault = next(found, None) or next(_signatures(conn, institution_id, code, keys), None)
            fault = fault or next(_certificates(conn, institution_id, code, keys), None)
        if fault is not None:
            yield fault


def _blocks(conn: Connection, institution_id: int, code: str, last: int) -> Iterator[Fault]:
    """Every block against the one before it, and against its items hashed anew."""
    before: Block | None = None
    for block in seal.blocks(conn, institution_id, code):
        where = f"{code} block {block.number}"
        number = 1 if before is None else before.number + 1
        if block.number != number:
            yield Fault("block_missing", f"{code} block {number}")
        if block.hash != block.hash_again:
            yield Fault("block_changed", where)
        if block.previous != (before.hash if before else b""):
            yield Fault("chain_broken", where)
        if before is not None and (block.sealed_at < before.sealed_at):
            yield Fault("chain_broken", where)
        if block.tree_size != block.entries + (before.tree_size if before else 0):
            yield Fault("totals_wrong", where)
        before = block
    if (before.number if before else 0) != last:
        yield Fault("block_missing", f"{code} block {last}")
    yield from _items(conn, institution_id, code)
    if before is not None:
        yield from _totals(conn, before)


def _items(conn: Connection, institution_id: int, code: str) -> Iterator[Fault]:
    """Every item hashed anew: its own leaf, the number of items of its block, and the root over them."""
    parts = seal.sealed_leaves(conn, institution_id)
    part = next(parts, None)
    for block in seal.blocks(conn, institution_id, code):
        where = f"{code} block {block.number}"
        tree = Root()
        while part is not None and part.block <= block.number:
            if part.missing is not None and part.missing <= (part.changed or part.missing):
                yield Fault("item_missing", f"{where}, entry {part.missing}")
            if part.changed is not None:
                yield Fault("item_changed", f"{where}, entry {part.changed}")
            tree.add_part(part.leaves)
            part = next(parts, None)
        if tree.count != block.entries:
            kind = "item_missing" if tree.count < block.entries else "item_added"
            yield Fault(kind, f"{where}: {tree.count} items of {block.entries}")
        if tree.value() != block.root:
            yield Fault("item_changed", where)
    if part is not None:
        yield Fault("item_added", f"{code} block {part.block}")
    changed = seal.waiting_changed(conn, institution_id)
    if changed is not None:
        yield Fault("item_changed", f"{code} not sealed yet, entry {changed}")


def _totals(conn: Connection, last: Block) -> Iterator[Fault]:
    """The totals signed with the last block are what the buckets add up to."""
    rows = conn.execute(
        text("""SELECT class::text, sum(debit_fen)::bigint AS debit, sum(credit_fen)::bigint AS credit
                FROM ledger.bucket WHERE institution_id = :i GROUP BY 1"""),
        {"i": last.institution_id},
    )
    sums = {row[0]: (row.debit, row.credit) for row in rows}
    for name, debit, credit in zip(CLASSES, last.totals[::2], last.totals[1::2], strict=True):
        if sums.get(name.value, (0, 0)) != (debit, credit):
            yield Fault("totals_wrong", f"{last.code} block {last.number}: {name.value}")


def _signatures(conn: Connection, institution_id: int, code: str, keys: dict[int, bytes]) -> Iterator[Fault]:
    """Every checkpoint says what its block is, and is signed by a key of the list."""
    rest = seal.checkpoints(conn, institution_id)
    signed = next(rest, None)
    for block in seal.blocks(conn, institution_id, code):
        while signed is not None and signed.block <= block.number:
            kind = _fault_of(signed, block, keys) if signed.block == block.number else "checkpoint_differs"
            if kind:
                yield Fault(kind, f"{code} checkpoint of block {signed.block}")
            signed = next(rest, None)
    if signed is not None:
        yield Fault("checkpoint_differs", f"{code} checkpoint of block {signed.block}")


def _fault_of(signed: Checkpoint, block: Block, keys: dict[int, bytes]) -> str:
    if signed.statement != words.statement(block, signed.key, signed.signed_at):
        return "checkpoint_differs"
    if signed.key not in keys:
        return "key_unknown"
    return "" if vault.is_signed(keys[signed.key], signed.statement, signed.signature) else "signature_wrong"


def _certificates(conn: Connection, institution_id: int, code: str, keys: dict[int, bytes]) -> Iterator[Fault]:
    """The certificates of each fund: every one names the one before, says what its row says, and is signed."""
    found = certificate.certificates(conn, institution_id)
    for fund_no, chain in groupby(found, key=lambda one: one.fund_no):
        wrong = certificate_words.fault_of(list(chain), keys, vault.is_signed)
        if wrong is not None:
            yield Fault(wrong[0], f"{code} fund {fund_no} certificate {wrong[1]}")
