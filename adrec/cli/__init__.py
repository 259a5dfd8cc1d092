"""The command line. ``--json`` prints exactly one JSON object on standard output; progress goes to standard error.

A failure that a person can act on ends with one sentence and exit code 2. The commands are in ``adrec.cli``.
"""

import argparse
import logging
import os
import sys
import time
from typing import NoReturn

from adrec.cli import app, checking, collapse, data, denoising, experiments, lesson, registered, site, training
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
        _report(str(error), own=isinstance(error, ProcessError))
        return 2
    except BrokenPipeError:  # the reader of the output, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # the exit code of a process killed by SIGPIPE
    except OSError as error:
        _report(refusal(error))
        return 2
    except KeyboardInterrupt:
        return 130


def _report(sentence: str, own: bool = False) -> None:
    """Print what went wrong on standard error.

    Processes started by torchrun usually all fail the same way, since they share command line, data and run folder. So only the first on
    a machine reports, and torchrun then ends the others. A process that is not ended failed alone and reports after a delay; one whose
    failure is its ``own`` reports at once.
    """
    another = "TORCHELASTIC_RUN_ID" in os.environ and os.environ["LOCAL_RANK"] != "0"
    if another and not own:
        time.sleep(REPORT_DELAY)
    begin = "\n" if another else ""  # the first process's progress bar may be on this line
    sys.stderr.write(f"{begin}adrec: {sentence}\n")  # in one write: other processes may write to the same stream


REPORT_DELAY = 10
"""Seconds that a process other than the first waits before it reports."""


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message[:1].upper()}{message[1:]}; see '{self.prog} --help'.")


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = Parser(prog="adrec", description="Train, evaluate and explain the diffusion recommender ADRec.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for subject in (app, data, training, experiments, collapse, denoising, lesson, site, checking, registered):
        subject.add(commands)
    return top
