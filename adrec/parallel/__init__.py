"""Threads and processes that split a computation without changing its result."""
