"""``custody demo``: a world of 40 institutions in which families' money goes in, is earned, comes back and is
reconciled.
"""

from ledger.cli.demo.command import demo

__all__ = ["demo"]
