"""The models, one file each, and the parts that they share. `adrec.models.base` says what a model is."""

DEFAULT = "adrec"
"""The model that is meant where none is named."""
