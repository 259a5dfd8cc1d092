"""The method's two losses: cross-entropy over the catalogue (full or sampled) and the squared error of the estimate."""
