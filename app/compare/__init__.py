"""What the Compare page shows: which runs, what they reach at what cost, for whom, and what became of their item tables."""
