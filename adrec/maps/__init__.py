"""Pictures of item tables in two dimensions, and who is near whom."""
