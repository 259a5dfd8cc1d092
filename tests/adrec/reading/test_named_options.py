"""Every option that a sentence names is one that the command line takes."""

import argparse
import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import adrec
from adrec.cli import parser
from adrec.data.options import Options
from adrec.embeddings.files import OPTIONS

ROOT = Path(adrec.__file__).parent
FOLDERS = ("reading", "data", "embeddings", "explain")
OF_OTHERS = ("binary", "save_dataset")
"""What sentences name that belongs to other programs."""
FLAG, PAIR = r"(?<![\w-])--[a-z][a-z-]+", r"(?:say|or|with|as in|such as|use|and|on|\() ([a-z_]+)=[\w+,-]+"


def flags(command: argparse.ArgumentParser) -> Iterator[str]:
    """The options of a command and of all commands inside it."""
    for action in command._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from flags(inner)


def sentences(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """The texts in a module that are no documentation, with the doubts' options as ``say option=``."""
    tree = ast.parse(path.read_text())
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value, node
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Doubt", "TableDoubt") and len(node.args) > 1:
            option = node.args[1]
            if isinstance(option, ast.Constant):
                yield f"say {option.value}=x", node


def test_every_option_that_a_sentence_names_is_one():
    known_flags = set(flags(parser()))
    known = {field.name for field in fields(Options)} | set(OPTIONS) | {flag.lstrip("-") for flag in known_flags} | set(OF_OTHERS)
    wrong, seen = [], 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text, node in sentences(path):
                if " " not in text.strip():
                    continue  # a word of a command, not a sentence
                found = [flag for flag in re.findall(FLAG, text) if flag not in known_flags]
                found += [name for name in re.findall(PAIR, text) if name not in known]
                seen += len(re.findall(FLAG, text)) + len(re.findall(PAIR, text))
                wrong += [f"{path.relative_to(ROOT)}:{node.lineno}: {name}" for name in found]  # type: ignore[attr-defined]
    assert seen > 30
    assert not wrong
