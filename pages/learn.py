"""Learn: the lesson, which begins with three tables of which two are broken."""

import streamlit as st

from adrec.lesson import models, setup
from app import loaders, people, state
from app.components.lesson import lesson
from app.serving import files

PAGE = {"title": "Learn", "icon": ":material/school:", "order": 1}

ROOMY = "<style>[data-testid='stMainBlockContainer'] {padding: 3.7rem 1.5rem 0; max-width: none}</style>"


@st.cache_resource(show_spinner=False)
def data(persons: str | None) -> bytes:
    """All that the browser needs; it fetches the models' weights when it is quiet, and a real person below ``persons`` on request."""
    runs = models.models(loaders.BUNDLED)
    sources = {name: {"run": models.description(run), "url": files.model_url(run, models.STAGE)} for name, run in runs.items()}
    return setup.data(setup.bundled(), "app", sources, persons=persons)


st.html(ROOMY)
door = lesson(data(people.url()))
if door is not None:
    page, parameters = loaders.ROOT / "pages" / f"{door.get('page')}.py", door.get("parameters")
    if page in (loaders.ROOT / "pages").glob("*.py") and isinstance(parameters, dict):
        st.switch_page(page, query_params=state.link(**parameters))
