"""Nothing posted is ever changed, and only the posting function writes money: asked of every table in the catalog."""

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ledger.books import role
from ledger.rules import posting
from tests.conftest import Database
from tests.world import CUSTODY, World

APPEND_ONLY, INSUFFICIENT_PRIVILEGE = "LG001", "42501"
# The tables whose rows the posting function and the sealer move; every other table is insert-only.
MOVED = {"balance", "contract_balance", "item_balance", "hold", "close", "seal_state", "bucket"}
# Claimed, and taken back only while unanswered / emptied by the sealer.
OF_THE_WAY_IN = {"request", "inbox", "unfolded"}
# Who comes in, and how often: no part of the books, thrown away when it counts no more.
OF_THE_DOOR = {"login_code", "login_session", "token_bucket"}


@pytest.fixture(autouse=True)
def books_with_a_row_in_each_money_table(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hold_placed(CUSTODY, world.new_id(), 1_00, contract))
    world.seal()
    world.done(posting.hours_released(world.contract(contract), 1_00))


def tables(conn: Connection) -> dict[str, list[str]]:
    """Every table of the schema with its columns that may be written."""
    rows = conn.execute(
        text("""SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p')
                  AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY c.relname, a.attnum""")
    )
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def statements(table: str, columns: list[str]) -> dict[str, str]:
    return {
        "UPDATE": f'UPDATE ledger."{table}" SET "{columns[0]}" = "{columns[0]}"',
        "DELETE": f'DELETE FROM ledger."{table}"',
        "TRUNCATE": f'TRUNCATE ledger."{table}" CASCADE',
        "INSERT": f'INSERT INTO ledger."{table}" ("{columns[0]}") SELECT "{columns[0]}" FROM ledger."{table}"',
    }


def state(conn: Connection, statement: str) -> str:
    """The SQLSTATE of a statement, "" where it is let through (and undone)."""
    attempt = conn.begin_nested()
    try:
        conn.execute(text(statement))
    except DBAPIError as fault:
        return str(getattr(fault.orig, "sqlstate", ""))
    finally:
        attempt.rollback()
    return ""


def test_the_application_writes_no_table_at_all(module_database: Database) -> None:
    with module_database.app.connect() as conn:
        found = tables(conn)
        assert len(found) > 30
        let_through = {
            (table, verb): code
            for table, columns in found.items()
            for verb, statement in statements(table, columns).items()
            if (code := state(conn, statement)) != INSUFFICIENT_PRIVILEGE
        }
    assert let_through == {}


def test_not_even_the_owner_of_the_books_changes_what_was_posted(module_database: Database) -> None:
    """As the role that owns the tables, whose only fence are the triggers."""
    ledger = role.roles_of("custody_test").ledger
    with module_database.owner.connect() as conn:
        conn.execute(text(f"SET LOCAL ROLE {ledger}"))
        let_through = {
            (table, verb)
            for table, columns in tables(conn).items()
            for verb, statement in statements(table, columns).items()
            if verb != "INSERT" and table != "alembic_version" and state(conn, statement) != APPEND_ONLY
        }
    moved = {(table, "UPDATE") for table in MOVED}
    emptied = {(table, verb) for table in ("inbox", "unfolded") for verb in ("UPDATE", "DELETE")}
    door = {(table, verb) for table in OF_THE_DOOR for verb in ("UPDATE", "DELETE", "TRUNCATE")}
    assert let_through == moved | emptied | door


@pytest.mark.parametrize("replica", [False, True])
def test_not_even_a_superuser_with_triggers_switched_off(module_database: Database, replica: bool) -> None:
    """``session_replication_role = replica`` silences ordinary triggers; these are ENABLE ALWAYS."""
    with module_database.owner.connect() as conn:
        if replica:
            conn.execute(text("SET LOCAL session_replication_role = replica"))
        for table in (
            "journal_entry",
            "transfer",
            "reversal",
            "refusal",
            "block",
            "block_item",
            "posting_rule",
            "fund",
        ):
            for verb in ("UPDATE", "DELETE", "TRUNCATE"):
                assert state(
                    conn, statements(table, ["institution_id" if table != "posting_rule" else "kind"])[verb]
                ) == (APPEND_ONLY), (table, verb)
        for table in MOVED | OF_THE_WAY_IN:
            assert state(conn, statements(table, ["institution_id"])["TRUNCATE"]) == APPEND_ONLY, table
        for table in MOVED | {"request"}:
            assert state(conn, statements(table, ["institution_id"])["DELETE"]) == APPEND_ONLY, table


def test_every_trigger_of_the_ledger_fires_always(module_database: Database) -> None:
    with module_database.owner.connect() as conn:
        quiet = conn.execute(
            text("""SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                    WHERE c.relnamespace = 'ledger'::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'A'""")
        ).all()
    assert quiet == []


def test_the_application_calls_public_functions_only(module_database: Database) -> None:
    with module_database.app.connect() as conn:
        rows = conn.execute(
            text("""SELECT proname, has_function_privilege(oid, 'EXECUTE'), prosecdef,
                           'search_path=ledger, pg_temp' = ANY (proconfig), prorettype = 'trigger'::regtype
                    FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace""")
        ).all()
    callable_ = {name for name, executable, *_ in rows if executable}
    assert {"post", "seal", "balances"} <= callable_
    assert not [name for name in callable_ if name.startswith("_")]
    assert not [name for name, executable, definer, *_ in rows if executable and not definer]
    # what only a pinned function calls runs on that function's path
    assert not [name for name, _, definer, pinned, _ in rows if definer and not pinned]


@pytest.mark.parametrize(
    "call",
    [
        "ledger._apply(1, now(), NULL, NULL, NULL, NULL, true)",
        "ledger._claim(1, NULL)",
        "ledger._record_refusals(1, NULL, NULL, true)",
        "ledger._refuse_change()",
    ],
)
def test_the_application_calls_no_private_function(module_database: Database, call: str) -> None:
    with module_database.app.connect() as conn:
        assert state(conn, f"SELECT {call}") == INSUFFICIENT_PRIVILEGE


def test_a_transfer_cannot_be_slipped_into_an_entry(world: World, module_database: Database) -> None:
    slip = """INSERT INTO ledger.transfer (institution_id, ord, entry_id, amount_fen, debit_class, credit_class)
              SELECT institution_id, 9, entry_id, 1, 'interest', 'payable' FROM ledger.journal_entry"""
    with module_database.app.connect() as conn:
        assert state(conn, slip) == INSUFFICIENT_PRIVILEGE
    assert world.broken() == []


def test_the_application_makes_no_table_and_takes_no_role(module_database: Database) -> None:
    roles = role.roles_of("custody_test")
    with module_database.app.connect() as conn:
        for statement in (
            "CREATE TABLE ledger.mine (x int)",
            "CREATE TEMP TABLE balance (x int)",
            "CREATE FUNCTION ledger.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER TABLE ledger.transfer DISABLE TRIGGER ALL",
            "DROP TRIGGER append_only ON ledger.transfer",
            "SET session_replication_role = replica",
            f"SET ROLE {roles.ledger}",
        ):
            assert state(conn, statement) == INSUFFICIENT_PRIVILEGE, statement
