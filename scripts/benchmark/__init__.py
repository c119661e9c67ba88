"""Benchmarks: what is measured beside its yardstick, in one run, on a server of its own: ``scripts/bench --help``."""
