"""ADRec: next-item recommendation by diffusion, and the diagnosis of its embeddings (KDD 2025, arXiv 2505.19544)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adrec.explain.recommending import recommend

__version__ = "0.1.0"
__all__ = ["recommend"]


def __getattr__(name: str) -> Any:
    """``adrec.recommend``, loaded at its first use: importing the package loads nothing."""
    if name == "recommend":
        from adrec.explain.recommending import recommend

        return recommend
    raise AttributeError(f"module 'adrec' has no attribute '{name}'")
