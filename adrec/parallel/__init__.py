"""Threads and processes that share a computation without changing its result."""
