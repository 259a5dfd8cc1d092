"""What Streamlit Community Cloud starts.

It runs Streamlit by itself, in the repository's root: what ``adrec app`` does by options is done here and in .streamlit/config.toml, which
repeats the app's own settings but for the names that it answers to.
"""

import os
import sys
from pathlib import Path

from streamlit.starlette import App

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("ADREC_MODE", "public")

from app.main import parts  # noqa: E402  (needs the path above)

app = App(ROOT / "app" / "script.py", **parts())
