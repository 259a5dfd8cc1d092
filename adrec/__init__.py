"""ADRec: next-item recommendation by diffusion, and the diagnosis of its embeddings (KDD 2025, arXiv 2505.19544)."""

__version__ = "0.1.0"
