"""Figures to measure again, one script each, run by `python -m benchmarks`; nothing here is used in service."""
