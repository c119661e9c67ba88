"""The books can be spread over machines by institution: read from the catalog, and from every statement of the code.

Every primary key and unique index of a distributed table begins with ``institution_id``; every foreign key between two
of them contains it on both sides, in the same place; no key draws on a sequence that institutions share; every public
function is told the institution first; every statement reads the rows of one institution, or stands in a list here with
its reason, and even then joins two tables only within their institution.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from tests.conftest import Database
from tests.distribution import statements
from tests.distribution.reading import Finding, findings

# Tables that belong to no institution: on every machine a copy of the whole.
REFERENCE = {
    "alembic_version": "which migrations have run",
    "class_rule": "law of the program: written by migrations, the same for everybody",
    "posting_rule": "law of the program: written by migrations, the same for everybody",
    "institution": "the register itself: a few rows, looked up by code",
    "guardian": "a guardian is one person across institutions, found by phone at log-in",
    "statement_file_part": "the bytes of such a file",
    "statement_file": "a file is kept before anybody knows whose accounts it names, refused ones included",
    "login_code": "a phone belongs to no institution",
    "login_session": "a guardian is one person across institutions",
    "token_bucket": "limits of phones, addresses and sessions, which belong to no institution",
    "signing_key": "one key signs the blocks of all institutions",
}
# Functions whose first argument is not the institution.
NOT_TOLD_FIRST = {
    "register_institution": "the institution is being made; its number is in the row",
    "record": "rows of a table of records, institution_id in each; no money table",
    "keep_file_part": "a part of a statement file, which belongs to no institution",
    "take_token": "limits belong to no institution",
    "keep_login_code": "a phone belongs to no institution",
    "try_login_code": "a phone belongs to no institution",
    "begin_session": "a guardian is one person across institutions",
    "see_session": "a guardian is one person across institutions",
    "end_session": "a guardian is one person across institutions",
    "forget_logins": "codes and sessions belong to no institution",
    "keep_signing_key": "keys belong to no institution",
}
# Statements that read every institution on purpose.
EVERYBODY = {
    "books/payout.py _BATCH": "the beginning of a statement; its users add the institution",
    "books/payout.py batches": "the operator's list of payment files, of all institutions unless one is named",
    "books/payout.py find": "an operator names a file by its message id alone",
    "books/register.py funds_by_account": "a statement names a bank account and nothing else",
    "books/register.py accounts": "register of accounts, for an export of everything",
    "books/statement.py find": "a person names a statement by its id, with the account if several have it",
    "books/seal.py last_blocks": "the signer goes round all institutions",
    "books/seal.py _CHECKPOINT": "the beginning of a statement; its users say of which institutions",
    "books/seal.py checkpoints": "verifying and anchoring go round all institutions",
    "books/seal.py checkpoints_after": "anchoring goes round all institutions",
    "books/seal.py signed_through": "an export names the last signed block of each institution",
    "books/seal.py _checkpoints_of": "an export carries the checkpoint of each institution it covers",
    "books/seal.py newest_checkpoints": "the signer goes round all institutions",
    "books/seal.py known_through": "a report over all institutions names the last block of each",
    "flows/verify.py verify": "verifying counts everything",
    "flows/verify.py _behind": "anchors of all institutions, each looked up by its institution's code",
    "flows/verify.py _chains": "verifying goes round all institutions",
    "reports/account.py find": "an account is named by its institution's code, looked up in the register",
    "reports/family.py _CONTRACTS": "a guardian's contracts over all institutions, found by guardian",
    "reports/family.py _DEMO_FAMILIES": "the demo's front page picks a few families of any institution",
    "reports/family_refund.py claims": "a guardian's refunds over all institutions, found by guardian",
    "reports/family.py last_day": "the demo's clock: the last day anything happened",
    "reports/journal.py accounts": "export of the whole journal",
    "reports/journal.py entries": "export of the whole journal",
    "reports/reserve.py _OWED": "the regulator's report over all institutions",
    "reports/reserve.py _CASH": "the regulator's report over all institutions",
    "reports/reserve.py _RECEIPTS": "the regulator's report over all institutions",
    "reports/reserve.py _ENTERED": "the regulator's report over all institutions",
    "reports/reserve.py figures": "the regulator's report over all institutions",
    "reports/trial_balance.py _ALL": "the trial balance of everything",
    "reports/trial_balance.py _KNOWN": "the trial balance of everything, as known at a block of each",
    "reports/trial_balance.py trial_balance": "the trial balance of everything",
    "reports/trial_balance.py by_class": "the trial balance of everything",
    "books/reserve.py PAID": "the beginning of a statement; its users add the institution",
    "posting": "a view; who reads it names the institution",
    "lesson_now": "a view; who reads it names the institution",
    "refund_now": "a view; who reads it names the institution",
    "refund_payee_now": "a view; who reads it names the institution",
    "statement_now": "a view; who reads it names the institution",
    "instruction_now": "a view; who reads it names the institution",
    "contract_move_now": "a view; who reads it names the institution",
    "match_now": "a view of matches as they stand; its users add the institution",
    "_match_undone_fits()": "a trigger on a set of undone matches: it reads the institutions that the set names",
    "_match_parts_fit()": "a trigger on a set of parts: it reads the institutions that the set names",
}


def badly_keyed(conn: Connection) -> list[str]:
    """Unique indexes and primary keys not led by the institution, foreign keys without it, columns from a sequence."""
    reference = {"reference": list(REFERENCE)}
    unique = conn.execute(
        text("""SELECT c.relname || ': unique ' || i.relname
                FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
                LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
                WHERE c.relnamespace = 'ledger'::regnamespace AND (x.indisunique OR x.indisexclusion)
                  AND c.relname <> ALL (:reference) AND a.attname IS DISTINCT FROM 'institution_id'"""),
        reference,
    ).scalars()
    foreign = conn.execute(
        text("""SELECT c.relname || ': foreign key ' || k.conname
                FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
                WHERE k.contype = 'f' AND c.relnamespace = 'ledger'::regnamespace AND r.relname <> ALL (:reference)
                  AND NOT EXISTS (SELECT FROM unnest(k.conkey, k.confkey) p (mine, theirs)
                                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.mine
                                  JOIN pg_attribute b ON b.attrelid = r.oid AND b.attnum = p.theirs
                                  WHERE a.attname = 'institution_id' AND b.attname = 'institution_id')"""),
        reference,
    ).scalars()
    keyless = conn.execute(
        text("""SELECT c.relname || ': no primary key' FROM pg_class c
                WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p')
                  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p')
                UNION ALL
                SELECT c.relname || '.' || a.attname || ': numbered by a sequence' FROM pg_class c
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
                WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
                  AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval%')""")
    ).scalars()
    return [*unique, *foreign, *keyless]


def not_told_first(conn: Connection) -> list[str]:
    """Public functions that write or read money and are not delegated by their first argument."""
    return list(
        conn.execute(
            text("""SELECT proname FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace AND prosecdef
                    AND (proargnames[1], proargtypes[0]) IS DISTINCT FROM ('p_institution', 'integer'::regtype)
                    ORDER BY 1""")
        ).scalars()
    )


def distributed(conn: Connection) -> set[str]:
    """The tables and views whose rows belong to an institution."""
    names = conn.execute(
        text("""SELECT relname FROM pg_class WHERE relnamespace = 'ledger'::regnamespace
                AND relkind IN ('r', 'p', 'v')""")
    ).scalars()
    return set(names) - REFERENCE.keys()


def reads(conn: Connection, found: "Iterator[tuple[str, str]]") -> list[tuple[str, Finding]]:
    money = distributed(conn)
    return [(place, finding) for place, sql in found for finding in findings(sql, money)]


def test_every_key_begins_with_the_institution(module_database: Database) -> None:
    with module_database.owner.connect() as conn:
        assert badly_keyed(conn) == []
        # and each exemption is still needed: a table that is there, or one of its own keys
        assert set(REFERENCE) <= set(
            conn.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'ledger'")).scalars()
        )


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("CREATE TABLE ledger.bad (institution_id integer, x uuid PRIMARY KEY)", "bad: unique bad_pkey"),
        ("CREATE TABLE ledger.bad (x uuid, institution_id integer, PRIMARY KEY (x, institution_id))",
         "bad: unique bad_pkey"),
        ("CREATE UNIQUE INDEX bad ON ledger.hold (hold_id, institution_id)", "hold: unique bad"),
        ("CREATE UNIQUE INDEX bad ON ledger.hold ((institution_id + 0), hold_id)", "hold: unique bad"),
        ("CREATE TABLE ledger.bad (institution_id integer, x uuid REFERENCES ledger.good (x),"
         " PRIMARY KEY (institution_id))", "bad: foreign key bad_x_fkey"),
        ("CREATE TABLE ledger.bad (institution_id integer, y integer, x uuid, PRIMARY KEY (institution_id, x),"
         " FOREIGN KEY (y, x) REFERENCES ledger.hold)", "bad: foreign key bad_y_x_fkey"),
        ("CREATE TABLE ledger.bad (institution_id integer, x uuid)", "bad: no primary key"),
        ("ALTER TABLE ledger.hold ADD COLUMN n integer GENERATED ALWAYS AS IDENTITY",
         "hold.n: numbered by a sequence"),
    ],
)  # fmt: skip
def test_a_badly_keyed_table_is_found(module_database: Database, statement: str, told: str) -> None:
    with module_database.owner.connect() as conn:
        conn.execute(
            text("CREATE TABLE ledger.good (institution_id integer, x uuid UNIQUE, PRIMARY KEY (institution_id))")
        )
        conn.execute(text(statement))
        assert told in badly_keyed(conn)
        conn.rollback()


def test_every_public_function_is_told_the_institution_first(module_database: Database) -> None:
    with module_database.owner.connect() as conn:
        assert set(not_told_first(conn)) == set(NOT_TOLD_FIRST)
        conn.execute(
            text("""CREATE FUNCTION ledger.bad(p_contract uuid) RETURNS bigint LANGUAGE sql SECURITY DEFINER
                    SET search_path = ledger, pg_temp AS 'SELECT 1::bigint'""")
        )
        assert "bad" in not_told_first(conn)
        conn.rollback()


def test_every_statement_reads_one_institution_or_says_why_not(module_database: Database) -> None:
    with module_database.owner.connect() as conn:
        code = list(statements.of_python("books", "reports", "flows"))
        found = reads(conn, iter(code)) + reads(conn, statements.of_database(conn))
        promises = reads(conn, statements.of_checks())
    assert len(code) > 80  # the strings are still found where they stand
    assert [one for one in found + promises if one[1].kind == "apart"] == []
    assert {place for place, _ in found} - EVERYBODY.keys() == set()
    assert EVERYBODY.keys() - {place for place, _ in found} == set(), "listed, and not needed any more"
    assert promises, "a promise is asked of all books at once (custody verify): each of its rows names its institution"


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        ("unbound", "SELECT * FROM ledger.hold"),
        ("unbound", "SELECT * FROM ledger.hold WHERE hold_id = :h"),
        ("unbound", "SELECT * FROM ledger.hold h WHERE h.hold_id = :h ORDER BY h.institution_id"),
        ("unbound", "SELECT * FROM ledger.hold WHERE :x IS NULL OR institution_id = :x"),
        ("unbound", "UPDATE hold SET captured_fen = 1 WHERE hold_id = p_hold"),
        ("unbound", "DELETE FROM request r USING unnest(p_items) i WHERE r.request_key = i.request_key"),
        ("unbound", "INSERT INTO ledger.reversal (entry_id, reversed_by) SELECT a, b"),
        ("unbound", "SELECT 1 WHERE EXISTS (SELECT FROM ledger.hold WHERE hold_id = :h)"),
        ("unbound", "SELECT * FROM ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id)"),
        ("unbound", "SELECT 1 FROM (ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id))"),
        ("unbound", "WITH a AS (SELECT * FROM ledger.hold) SELECT * FROM a WHERE a.institution_id = :i"),
        ("unbound", "SELECT * FROM ledger.institution i JOIN ledger.hold h USING (institution_id) WHERE i.code = :c"),
        ("unbound", """SELECT 1 FROM ledger.hold h CROSS JOIN LATERAL (SELECT FROM ledger.transfer t
                       WHERE t.contract_id = h.contract_id) x WHERE h.institution_id = :i"""),
        ("apart", """SELECT 1 FROM ledger.transfer t JOIN ledger.journal_entry e ON e.entry_id = t.entry_id
                     WHERE t.institution_id = :i"""),
        ("apart", """SELECT 1 FROM ledger.transfer t, ledger.journal_entry e WHERE t.institution_id = :i
                     AND (e.entry_id, e.kind) = (t.entry_id, 'deposit')"""),
        ("apart", """SELECT 1 FROM ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id)
                     LEFT JOIN ledger.hold h ON h.hold_id = e.hold_id WHERE e.institution_id = :i"""),
        ("unbound", """BEGIN IF p_x THEN SELECT h.amount_fen INTO a FROM hold h WHERE h.institution_id = p_i; END IF;
                       PERFORM FROM transfer t WHERE t.contract_id = p_contract; END"""),
    ],
)  # fmt: skip
def test_a_statement_that_forgets_the_institution_is_found(module_database: Database, kind: str, sql: str) -> None:
    with module_database.owner.connect() as conn:
        found = reads(conn, iter([("planted", sql)]))
    assert [finding.kind for _, finding in found] == [kind]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM ledger.hold WHERE institution_id = :i AND hold_id = ANY (CAST(:h AS uuid[]))",
        "SELECT * FROM ledger.hold h WHERE h.institution_id = ANY (:i)",
        "UPDATE hold h SET captured_fen = 0 FROM unnest(p_items) i WHERE h.institution_id = p_institution",
        "SELECT FROM reversal e WHERE (e.institution_id, e.entry_id) = (OLD.institution_id, OLD.entry_id)",
        "INSERT INTO ledger.reversal SELECT p_institution, a, b",
        "WITH a AS (SELECT * FROM ledger.hold WHERE institution_id = :i) SELECT * FROM a JOIN ledger.transfer t"
        " USING (institution_id)",
        """SELECT 1 FROM ledger.hold h CROSS JOIN LATERAL (SELECT FROM ledger.transfer t
           WHERE t.institution_id = h.institution_id) x WHERE h.institution_id = :i""",
        "SELECT count(*) FROM ledger.institution",
    ],
)
def test_a_statement_that_names_it_passes(module_database: Database, sql: str) -> None:
    with module_database.owner.connect() as conn:
        assert reads(conn, iter([("planted", sql)])) == []


def test_a_planted_function_and_a_planted_string_are_read(module_database: Database, tmp_path: Path) -> None:
    with module_database.owner.connect() as conn:
        conn.execute(
            text("""CREATE FUNCTION ledger.bad(p_institution integer) RETURNS bigint LANGUAGE sql
                    AS 'SELECT sum(amount_fen)::bigint FROM ledger.hold'""")
        )
        conn.execute(text("CREATE VIEW ledger.bad_view AS SELECT amount_fen FROM ledger.hold"))
        places = [place for place, _ in reads(conn, statements.of_database(conn))]
        assert {"bad()", "bad_view"} <= set(places)
        conn.rollback()
    file = tmp_path / "bad.py"
    file.write_text(
        'TABLE = "hold"\n\ndef bad(conn):\n    conn.execute(text(f"SELECT {columns} FROM ledger.{TABLE}"))\n'
    )
    assert list(statements.of_file(file, {"TABLE": "hold"})) == [("bad", "SELECT something FROM ledger.hold")]
