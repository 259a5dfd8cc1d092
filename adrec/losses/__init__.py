"""The two losses of the method: cross-entropy over the catalogue (in full or sampled) and the squared error of the estimate."""
