"""Two-dimensional maps of item tables, and nearest neighbours."""
