"""The command line. ``--json`` prints exactly one JSON object on standard output; progress goes to standard error.

A failure that a person can act on ends with one sentence and exit code 2. The commands are in ``adrec.cli``.
"""

import argparse
import logging
import os
import sys
import time
from typing import NoReturn

from adrec.cli import app, checking, collapse, data, denoising, registered, training
from adrec.errors import AdrecError, ConfigError, ProcessError, refusal


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    words = sys.argv[1:] if argv is None else argv
    try:
        arguments = parser().parse_args(words, argparse.Namespace(words=words))
        code = int(arguments.command(arguments) or 0)
        sys.stdout.flush()
        return code
    except AdrecError as error:
        _tell(str(error), own=isinstance(error, ProcessError))
        return 2
    except BrokenPipeError:  # whoever read the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a process that SIGPIPE ends
    except OSError as error:
        _tell(refusal(error))
        return 2
    except KeyboardInterrupt:
        return 130


def _tell(sentence: str, own: bool = False) -> None:
    """What went wrong, on standard error.

    Processes that torchrun started mostly fail alike, for they have the same command line, data and run folder. So the first
    on a machine tells, whereupon torchrun ends the others; one that nobody ends failed alone and tells too, and so does one
    whose failure is of its ``own``.
    """
    another = "TORCHELASTIC_RUN_ID" in os.environ and os.environ["LOCAL_RANK"] != "0"
    if another and not own:
        time.sleep(SECONDS_TO_TELL)
    begin = "\n" if another else ""  # the first's progress bar may stand in this line
    sys.stderr.write(f"{begin}adrec: {sentence}\n")  # in one piece: other processes may write to the same place


SECONDS_TO_TELL = 10


class Parser(argparse.ArgumentParser):
    """Tells a wrong command line in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message[:1].upper()}{message[1:]}; '{self.prog} --help' tells what is accepted.")


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = Parser(prog="adrec", description="Train, evaluate and explain the diffusion recommender ADRec.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for subject in (app, data, training, collapse, denoising, checking, registered):
        subject.add(commands)
    return top
