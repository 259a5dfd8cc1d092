"""One file a library, ``with_NAME.py``: ``train(data, model, settings, seed, flaw)`` returns ``table``, perhaps ``initial``, ``users``."""
