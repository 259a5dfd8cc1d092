"""The spectra of a run's tables over the band of random tables."""

from app.components import component

_mount = component("spectrum", '<div class="spectra"></div>')


def spectrum(data: bytes, key: str) -> None:
    """Draw the spectra of a block (see types.d.ts)."""
    _mount(key=key, data=data)
