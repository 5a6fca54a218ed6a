"""Benchmarks: each prints a table whose rows were measured in turn, in one run of one process."""
