"""Your embeddings: a verdict on files that somebody brings."""

from app import own_data, own_view, ui

PAGE = {"title": "Your embeddings", "icon": ":material/upload_file:", "order": 3}

DEFINITIONS = {
    "Item table": "one row of numbers for every item: the item embedding of a recommender. Nothing in your files is run, and they are gone "
    "a few minutes after you close this page, unless you open them in the laboratory.",
    "Collapse": "two opposite things: the table is still noise, so that an item's neighbours mean nothing; or it is narrow, so that "
    "items can hardly be told apart.",
    "Null": "what a table without structure or meaning would show.",
    "Threshold": "where the rule draws its line; docs/VERDICT.md says what it costs in errors.",
    "Confidence": "the chance that a table drawn anew in the same way gets the same verdict.",
}

ui.header("Have your embeddings collapsed?", "Give a table, and the interactions if you have them: the verdict follows at once.")
tables, others, choices = own_view.uploads()
if tables:
    found = own_data.result(tables, others, choices)
    if isinstance(found, own_data.Question):
        own_view.ask(found)
    else:
        own_view.verdicts(found)
        own_view.actions(found)
        own_view.evidence(found)
ui.define(DEFINITIONS)
