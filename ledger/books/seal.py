"""Sealed blocks, the signatures over them and the keys that sign: reading them, and keeping new ones."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, text

from ledger.terms.proof import Signed
from ledger.terms.seal import Block, Checkpoint, SealedLeaves, SigningKey

# Rows fetched at once: an institution of any size is read in constant memory.
_ROWS = 5_000
_PARTS = 16


def last_blocks(conn: Connection, institution_id: int | None = None) -> list[Block]:
    """The last block of every institution that has one (or of one institution), by number of the institution."""
    rows = conn.execute(
        text("""SELECT i.institution_id, i.code, b.*
                FROM ledger.institution i
                JOIN ledger.seal_state s USING (institution_id)
                CROSS JOIN LATERAL (SELECT x.block_no, x.entries, x.tree_size, x.root, x.previous, x.hash,
                                           x.hash AS hash_again, x.sealed_at, x.totals
                                    FROM ledger.block x WHERE x.institution_id = i.institution_id
                                                          AND x.block_no = s.block_no) b
                WHERE CAST(:only AS integer) IS NULL OR i.institution_id = CAST(:only AS integer) ORDER BY 1"""),
        {"only": institution_id},
    )
    return [_block(row.institution_id, row.code, row) for row in rows]


def blocks_between(conn: Connection, institution_id: int, code: str, first: int, last: int) -> list[Block]:
    """Some blocks of an institution in order, as they are."""
    rows = conn.execute(
        text("""SELECT block_no, entries, tree_size, root, previous, hash, hash AS hash_again, sealed_at, totals
                FROM ledger.block WHERE institution_id = :i AND block_no BETWEEN :first AND :last ORDER BY block_no"""),
        {"i": institution_id, "first": first, "last": last},
    )
    return [_block(institution_id, code, row) for row in rows]


def blocks(conn: Connection, institution_id: int, code: str) -> Iterator[Block]:
    """Every block of an institution in order, its hash reckoned anew."""
    rows = conn.execute(
        text("SELECT * FROM ledger.blocks_again(:i)").execution_options(stream_results=True, yield_per=_ROWS),
        {"i": institution_id},
    )
    for row in rows:
        yield _block(institution_id, code, row)


def sealed_leaves(conn: Connection, institution_id: int) -> Iterator[SealedLeaves]:
    """Every sealed item in the order of the books, hashed anew from the rows as they are now."""
    rows = conn.execute(
        text("SELECT block_no, leaves, missing, changed FROM ledger.sealed_leaves(:i)").execution_options(
            stream_results=True, yield_per=_PARTS
        ),
        {"i": institution_id},
    )
    for row in rows:
        yield SealedLeaves(*row)


def waiting_changed(conn: Connection, institution_id: int) -> str | None:
    """The first answered request not sealed yet that is not what it was when it was answered: its entry id."""
    found = conn.scalar(text("SELECT ledger.waiting_changed(:i)"), {"i": institution_id})
    return None if found is None else str(found)


def block_of(conn: Connection, institution_id: int, entry_id: UUID) -> int | None:
    """The block an answered request lies in: 0 while it waits for one, None where there is no such request."""
    found = conn.scalar(
        text("""SELECT block_no FROM ledger.block_item WHERE institution_id = :i AND entry_id = :e
                UNION ALL SELECT 0 FROM ledger.inbox WHERE institution_id = :i AND entry_id = :e"""),
        {"i": institution_id, "e": entry_id},
    )
    return None if found is None else int(found)


def leaf_content(conn: Connection, institution_id: int, entry_id: UUID) -> bytes:
    """The bytes of a sealed item that its leaf is the hash of, from the rows as they are now."""
    found = conn.scalar(text("SELECT ledger.leaf_content(:i, :e)"), {"i": institution_id, "e": entry_id})
    return b"" if found is None else bytes(found)


def leaves(conn: Connection, institution_id: int, block: int) -> list[tuple[UUID, bytes]]:
    """Entry and leaf of each item of a block in their order, hashed anew."""
    rows = conn.execute(
        text("SELECT entry_id, leaf FROM ledger.block_leaves(:i, :block)"), {"i": institution_id, "block": block}
    )
    return [(entry_id, leaf) for entry_id, leaf in rows]


_CHECKPOINT = """SELECT k.institution_id, k.block_no, k.key_no, k.signed_at, k.statement, k.signature
                 FROM ledger.checkpoint k"""


def checkpoints(conn: Connection, institution_id: int | None = None) -> Iterator[Checkpoint]:
    """Every signed block (of one institution), by institution and block, as a stream."""
    rows = conn.execute(
        text(f"""{_CHECKPOINT} WHERE CAST(:only AS integer) IS NULL OR institution_id = CAST(:only AS integer)
                 ORDER BY 1, 2""").execution_options(stream_results=True, yield_per=_ROWS),
        {"only": institution_id},
    )
    for row in rows:
        yield Checkpoint(*row)


def checkpoints_after(conn: Connection, newest: Mapping[str, int]) -> Iterator[Checkpoint]:
    """Every signed block that comes after the one named of its institution (by code), as a stream."""
    rows = conn.execute(
        text(f"""{_CHECKPOINT} JOIN ledger.institution i USING (institution_id)
                 LEFT JOIN unnest(CAST(:codes AS text[]), CAST(:blocks AS bigint[])) n (code, block_no) USING (code)
                 WHERE k.block_no > coalesce(n.block_no, 0) ORDER BY 1, 2""").execution_options(
            stream_results=True, yield_per=_ROWS
        ),
        {"codes": list(newest), "blocks": list(newest.values())},
    )
    for row in rows:
        yield Checkpoint(*row)


def checkpoint_over(conn: Connection, institution_id: int, block: int) -> Checkpoint | None:
    """The first signed block that is this one or a later one."""
    row = conn.execute(
        text(f"{_CHECKPOINT} WHERE institution_id = :i AND block_no >= :block ORDER BY block_no LIMIT 1"),
        {"i": institution_id, "block": block},
    ).one_or_none()
    return None if row is None else Checkpoint(*row)


def signed_through(conn: Connection, blocks: Mapping[str, int] | None = None) -> Signed:
    """The last signed block of every institution; or ``blocks`` (by code), where each of them is signed.

    A block that is not signed is left out of ``checkpoints``; 0 stands for none.
    """
    rows = conn.execute(
        text("""SELECT i.code, i.institution_id, coalesce(n.block_no, k.block_no, 0) AS block_no
                FROM ledger.institution i
                LEFT JOIN unnest(CAST(:codes AS text[]), CAST(:blocks AS bigint[])) n (code, block_no) USING (code)
                LEFT JOIN LATERAL (SELECT max(c.block_no) AS block_no FROM ledger.checkpoint c
                                   WHERE c.institution_id = i.institution_id) k ON CAST(:codes AS text[]) IS NULL
                WHERE CAST(:codes AS text[]) IS NULL OR n.code IS NOT NULL ORDER BY 1"""),
        {
            "codes": None if blocks is None else list(blocks),
            "blocks": None if blocks is None else list(blocks.values()),
        },
    ).all()
    known = {row.institution_id: row.block_no for row in rows}
    signed = _checkpoints_of(conn, known)
    return Signed(known, {row.code: row.block_no for row in rows}, tuple(signed), tuple(signing_keys(conn)))


def _checkpoints_of(conn: Connection, known: Mapping[int, int]) -> Sequence[Checkpoint]:
    rows = conn.execute(
        text(f"""{_CHECKPOINT}
                 JOIN unnest(CAST(:institutions AS integer[]), CAST(:blocks AS bigint[])) n (institution_id, block_no)
                   ON n.institution_id = k.institution_id AND n.block_no = k.block_no ORDER BY 1"""),
        {"institutions": list(known), "blocks": list(known.values())},
    )
    return [Checkpoint(*row) for row in rows]


def newest_checkpoints(conn: Connection) -> dict[int, Checkpoint]:
    """The last signed block of every institution that has one, by number of the institution."""
    rows = conn.execute(
        text("""SELECT DISTINCT ON (institution_id) institution_id, block_no, key_no, signed_at, statement, signature
                FROM ledger.checkpoint ORDER BY institution_id, block_no DESC""")
    )
    return {row.institution_id: Checkpoint(*row) for row in rows}


def keep_checkpoint(conn: Connection, checkpoint: Checkpoint) -> None:
    """Keep a signature; one that is there already stays as it is."""
    conn.execute(
        text("SELECT ledger.keep_checkpoint(:i, :block, :key, :at, :statement, :signature)"),
        {
            "i": checkpoint.institution_id, "block": checkpoint.block, "key": checkpoint.key,
            "at": checkpoint.signed_at, "statement": checkpoint.statement, "signature": checkpoint.signature,
        },
    )  # fmt: skip


def lock_signing(conn: Connection) -> None:
    """One signer at a time, so that the list of keys begins once and grows in order."""
    conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('signing', 9))"))


def signing_keys(conn: Connection) -> list[SigningKey]:
    """The keys that sign or signed, oldest first."""
    rows = conn.execute(text("SELECT key_no, public_key, added_at, signature FROM ledger.signing_key ORDER BY 1"))
    return [SigningKey(*row) for row in rows]


def keep_signing_key(conn: Connection, key: SigningKey) -> None:
    """Add a key to the list."""
    conn.execute(
        text("SELECT ledger.keep_signing_key(:key, :public, :at, :signature)"),
        {"key": key.number, "public": key.public_key, "at": key.added_at, "signature": key.signature},
    )


def known_through(conn: Connection, at: datetime) -> dict[int, int]:
    """What the books knew at an instant: per institution the last block sealed at or before it; 0 for none."""
    rows = conn.execute(
        text("""SELECT i.institution_id, coalesce(b.block_no, 0) AS block_no FROM ledger.institution i
                LEFT JOIN LATERAL (SELECT x.block_no FROM ledger.block x
                                   WHERE x.institution_id = i.institution_id AND x.sealed_at <= :at
                                   ORDER BY x.block_no DESC LIMIT 1) b ON true"""),
        {"at": at},
    )
    return {row.institution_id: row.block_no for row in rows}


def _block(institution_id: int, code: str, row: "Row[tuple[object, ...]]") -> Block:
    return Block(
        institution_id, code, row.block_no, row.entries, row.tree_size, row.root, row.previous, row.hash,
        row.hash_again, row.sealed_at, tuple(row.totals),
    )  # fmt: skip
