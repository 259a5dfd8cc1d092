"""ADRec: next-item recommendation by diffusion, and the diagnosis of its embeddings (KDD 2025, arXiv 2505.19544)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adrec.api import Run, diagnose, load_run, train

__version__ = "0.1.0"
__all__ = ["Run", "diagnose", "load_run", "train"]


def __getattr__(name: str) -> Any:
    """Public names are loaded on first use, so importing the package stays fast."""
    if name in __all__:
        from adrec import api

        return getattr(api, name)
    raise AttributeError(f"module 'adrec' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
