"""The command line: its commands, one-line errors and exit codes. It imports no heavy library."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

import typer

from benchmark.commands import compare, export, info, leaderboard, list, predict, rescore, results, run
from benchmark.commands.data import group
from benchmark.commands.regressions import group as regressions
from benchmark.core.blame import blamed
from benchmark.core.errors import UserError
from benchmark.core.source_text import PLUGIN
from benchmark.core.streams import ReaderGone, guard_streams
from benchmark.core.text import one_line
from benchmark.core.trial import seconds
from benchmark.core.version import __version__
from benchmark.core.watch import go_on_watched, is_watched, names_code, say_exit

DONE, FAILED, WRONG_REQUEST, INTERRUPTED = 0, 1, 2, 130

FIRST = """\
Which input representation of an LHC collision works best, with which ML model, at what cost?

First:   python -m benchmark run --task ttbar     makes events, trains, ranks: about 20 minutes on two cores
Then:    python -m benchmark list                 tasks, representations, models, metrics, presets
         python -m benchmark list cnn             the parameters of one of them
         python -m benchmark results              the results so far
         python -m benchmark --help               all commands
"""

# Without rich: its panels break the rule of one line per error, and it takes a tenth of a second at every start.
app = typer.Typer(
    name="benchmark",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.command)
app.command("list")(list.command)
app.command("results")(results.command)
app.command("compare")(compare.command)
app.command("rescore")(rescore.command)
app.command("leaderboard")(leaderboard.command)
app.command("predict")(predict.command)
app.command("export")(export.command)
app.command("info")(info.command)
app.add_typer(group.app, name="data")
app.add_typer(regressions.app, name="regressions")


@app.callback(invoke_without_command=True)
def first(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> int:
    """Compare representations and models on LHC collisions.

    `list` prints tasks, representations, models and metrics, and `list NAME` the parameters of one. After
    `benchmark --install-completion`, names, parameters and presets complete with Tab for the command `benchmark` (not
    for `python -m benchmark`).

    Example: python -m benchmark run --task ttbar
    """
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(FIRST, end="")
    return DONE


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and exit with 0 (done), 1 (a cell failed), 2 (wrong request) or 130 (interrupted)."""
    guard_streams()
    _silence_numbers()
    named = names_code(sys.argv[1:] if arguments is None else arguments)
    try:
        ended = go_on_watched(named, seconds()) if named else None
    except UserError as error:
        ended = _say(str(error), WRONG_REQUEST)
    if ended is not None:
        sys.exit(ended)
    try:
        code = exit_code(arguments)
    except BaseException:
        if not is_watched():
            raise
        sys.excepthook(*sys.exc_info())
        code = FAILED
    if is_watched() or any(name.startswith(PLUGIN) for name in sys.modules):
        # a thread that such a file has started must not keep this process, nor may a handler of it change the exit code
        for stream in (sys.stdout, sys.stderr):
            with suppress(UserError, ReaderGone):
                stream.flush()
        say_exit(code)
        os._exit(code)
    sys.exit(code)


def _silence_numbers() -> None:
    """Print no warnings of numpy about numbers, here and in workers: an error says what is wrong with data."""
    show = warnings.showwarning

    def shown(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not issubclass(category, RuntimeWarning):
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = shown  # libraries put filters of their own before those of a program
    given = os.environ.get("PYTHONWARNINGS", "")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, ("ignore::RuntimeWarning", given)))  # the last one goes first


def exit_code(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code. Errors are one line on standard error."""
    try:
        return _run(arguments)
    finally:
        with suppress(UserError, ReaderGone):  # whatever failed first is said
            sys.stdout.flush()


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with blamed():
            code = app(args=arguments, prog_name="benchmark" if arguments is not None else None, standalone_mode=False)
            sys.stdout.flush()
    except UserError as error:
        return _say(str(error), WRONG_REQUEST)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except ReaderGone:
        return DONE
    except Exception as error:
        # Typer's usage errors. Their class moved between releases, so this tests for their method.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        context = getattr(error, "ctx", None)
        hint = f" Try: {context.command_path} --help" if context is not None else ""
        text = str(message())
        return _say(text + ("" if text.endswith((".", "?")) else ".") + hint, WRONG_REQUEST)
    if code == INTERRUPTED:  # Typer also catches Ctrl-C, without a message
        _say("interrupted; run the same command again to resume", INTERRUPTED)
    return code if isinstance(code, int) else DONE


def _say(message: str, code: int) -> int:
    print(("error: " if code == WRONG_REQUEST else "") + one_line(message), file=sys.stderr)
    return code
