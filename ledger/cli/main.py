"""The root of the ``custody`` command: finds a command by its noun and turns what it raises into exit codes.

Exit codes: 0 done; 1 refused by a rule, or a check found something; 2 the input cannot be used;
3 held for a person; 4 the environment is not ready. With ``--json`` standard output carries one
JSON object and nothing else; messages go to standard error.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from ledger.errors import BadInput, InvariantBroken, message
from ledger.settings import NotReady

REFUSED, UNUSABLE, HELD, NOT_READY = 1, 2, 3, 4

# noun -> module holding a click command or group of the same name; imported only when asked for.
COMMANDS = {
    "statement": "ledger.cli.statement_release",
    "refund": "ledger.cli.refund_payee",
    "price": "ledger.cli.price",
    "rulebook": "ledger.cli.rulebook",
    "migrate": "ledger.cli.migrate",
    "lessons": "ledger.cli.lesson_evidence",
    "match": "ledger.cli.match_work",
    "cash": "ledger.cli.cash",
    "due": "ledger.cli.due",
    "seal": "ledger.cli.seal",
    "payout": "ledger.cli.payout_move",
    "notify": "ledger.cli.notify",
    "proof": "ledger.cli.proof",
    "reconcile": "ledger.cli.reconcile",
    "close": "ledger.cli.close",
    "reserve": "ledger.cli.reserve",
    "takeover": "ledger.cli.takeover",
    "trial-balance": "ledger.cli.trial_balance",
    "account": "ledger.cli.account",
    "export": "ledger.cli.export",
    "verify": "ledger.cli.verify",
    "winddown": "ledger.cli.winddown",
    "doctor": "ledger.cli.doctor",
    "serve": "ledger.cli.serve",
    "demo": "ledger.cli.demo",
}


class ByNoun(click.Group):
    """A group whose commands are imported on first use, so that ``custody price check`` loads no server code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        if cmd_name not in COMMANDS:
            return None
        found = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        assert isinstance(found, click.Command), f"{cmd_name} is not a click command"
        return found


class WithLater(click.Group):
    """A group some of whose commands live in modules of their own (``later``: command -> module), imported on first
    use: what needs no books loads no code for them.
    """

    def __init__(self, *args: Any, later: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.later])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.later:
            return super().get_command(ctx, cmd_name)
        found = getattr(importlib.import_module(self.later[cmd_name]), cmd_name)
        assert isinstance(found, click.Command), f"{cmd_name} is not a click command"
        return found


@click.group(cls=ByNoun, context_settings={"help_option_names": ["-h", "--help"]})
def custody() -> None:
    """Prepaid fee custody and refund ledger: keeps families' tuition prepayments safe."""


def language() -> str:
    """The language of messages: CUSTODY_LANGUAGE, else the locale; "zh" or "en"."""
    wanted = os.environ.get("CUSTODY_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    return "zh" if wanted.lower().startswith("zh") else "en"


def say(text: str) -> None:
    """One line for a person, on standard error."""
    click.echo(text, err=True)


def answer(result: dict[str, Any], as_json: bool, human: Callable[[dict[str, Any]], None]) -> None:
    """Print a command's result: one JSON object, or what ``human`` makes of it."""
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        human(result)


def main() -> None:
    """Run a command and exit with its code."""
    try:
        code = custody.main(standalone_mode=False)
    except BadInput as fault:
        say(fault.text(language()))
        code = UNUSABLE
    except NotReady as fault:
        say(fault.text(language()))
        code = NOT_READY
    except InvariantBroken as fault:
        say(str(fault))
        code = REFUSED
    except click.ClickException as fault:
        fault.show()
        code = UNUSABLE
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except DBAPIError as fault:
        if not fault.connection_invalidated:
            raise
        say(f"{message('DATABASE_LOST', language())} (DATABASE_LOST)")
        code = NOT_READY
    sys.exit(code if isinstance(code, int) else 0)
