"""Start: what this is, one picture, three doors."""

import base64
import json

import streamlit as st

from app import loaders, state, ui

PAGE = {"title": "Start", "icon": ":material/home:", "order": 1}

ASSETS = loaders.ROOT / "assets"
TEXT = json.loads((ASSETS / "texts" / "start.json").read_text(encoding="utf-8"))
CSS = """<style>
.start-picture img {width: 100%; height: auto; display: block}
.start-picture img.tall {display: none}
@media (max-width: 760px) {.start-picture img.wide {display: none} .start-picture img.tall {display: block}}
</style>"""


@st.cache_data(show_spinner=False)
def picture(theme: str) -> tuple[str, str]:
    """The picture for the theme as HTML, and its caption."""
    numbers = json.loads((ASSETS / "start.json").read_text(encoding="utf-8"))
    ranks = numbers["effective_rank"]
    first, last = next(iter(ranks.values())), ranks["finetune"]
    caption = (
        f"Each dot is one of the {numbers['items']:,} items of {numbers['dataset']}; dots close together are similar to the model. "
        "The curves show how the embeddings spread over their directions. "
        f"*Effective rank* is the number of directions they use: {first:g} at the random start, {last:g} at the end."
    )
    images = ""
    for shape, file in (("wide", f"start-{theme}.svg"), ("tall", f"start-tall-{theme}.svg")):
        data = base64.b64encode((ASSETS / file).read_bytes()).decode()
        alt = f"Item maps and spectra of the stages of {numbers['run']}"
        images += f'<img class="{shape}" alt="{alt}" src="data:image/svg+xml;base64,{data}">'
    return f'{CSS}<div class="start-picture">{images}</div>', caption


ui.header(TEXT["question"], TEXT["answer"])
if (ASSETS / "start.json").is_file():
    shown, caption = picture("dark" if st.context.theme.type == "dark" else "light")
    st.html(shown)
    st.caption(caption)
for column, (page, door) in zip(st.columns(3), TEXT["doors"].items(), strict=True):
    with column.container(border=True, height="stretch"):
        st.page_link(loaders.ROOT / "pages" / f"{page}.py", label=f"**{door['label']}**", icon=door["icon"], query_params=state.link())
        st.caption(door["text"])
