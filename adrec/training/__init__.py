"""Training: one loop for all stages, and how two losses become one gradient."""
