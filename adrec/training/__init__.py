"""Training: the stages as records, one loop, and how two losses become one gradient."""
