"""SPEAK on the command line: parse, call one flow or report, print. ``main`` is the console script ``custody``."""

from ledger.cli.main import main

__all__ = ["main"]
