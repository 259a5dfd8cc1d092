"""An item table watched while somebody's own loop trains it."""

from adrec.monitor.callbacks import keras_callback, lightning_callback, recbole_monitor
from adrec.monitor.watching import Collapsed, CollapseMonitor, Picture

__all__ = ["CollapseMonitor", "Collapsed", "Picture", "keras_callback", "lightning_callback", "recbole_monitor"]
