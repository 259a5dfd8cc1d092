"""Interaction data: sequences, item tables, readers, named data sets and packed batches."""
