"""Your embeddings: a verdict on uploaded item tables."""

from app import own_data, own_view, ui

PAGE = {"title": "Your embeddings", "icon": ":material/upload_file:", "order": 3}

DEFINITIONS = {
    "Item table": "one row of numbers per item: the item embeddings of a recommender. Nothing in your files is executed, and they are "
    "deleted a few minutes after you close this page, unless you open them in the laboratory.",
    "Collapse": "two opposite failures: the table is still noise, so an item's neighbours mean nothing; or it is too narrow, so items "
    "can hardly be told apart.",
    "Null": "the value for a table without structure or meaning.",
    "Threshold": "the value at which the rule decides; docs/VERDICT.md gives its error rates.",
    "Confidence": "the probability that another table produced in the same way gets the same verdict.",
}

ui.header("Have your embeddings collapsed?", "Upload an item table, and the interactions if you have them, to get a verdict.")
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
