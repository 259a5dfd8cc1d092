"""Your embeddings: a verdict on uploaded item tables, or on an example."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import own_data, own_examples, own_results, own_view, ui
from app.texts import say, texts

PAGE = {"title": "Your embeddings", "icon": ":material/upload_file:", "order": 3}

words = texts("own")
ui.header(words["question"])
say(words["answer"])
tables, others, choices = own_view.uploads(own_examples.shown())
if not tables:
    tables, others = own_examples.offer()
if tables:
    question, files = st.container(), st.container()

    def read(accounts: Mapping[str, Any]) -> None:
        with files:
            own_view.read(tables, others, accounts)

    found = own_data.result(tables, others, own_view.chosen(choices, tables, others), read)
    if isinstance(found, own_data.Question):
        with question:
            own_view.ask(found)
    else:
        answers = own_results.results(found)
        own_results.actions(found)
        own_view.answered(answers)
