"""Whether an item table has collapsed: measures, nulls, evidence and the verdict."""
