"""The entry point: collects the verbs and turns errors into one line and an exit code.

Verb modules import only typer and the standard library at the top; everything else inside the function that needs it,
so that `mimetic2 --help` stays quick and works without any extra.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from typing import Annotated, Any

import typer

import mimetic2
from mimetic2.errors import Mimetic2Error

# Threads that wait by spinning stop each other where another program has a core: ten times slower, measured. It must be
# said before a library starts its threads; results are the same. numpy's products are so small here that a second
# thread costs more than it saves (`threshold` and `plan` with one: a quarter and a sixth of the CPU time); torch has
# threads of its own.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

app = typer.Typer(
    name="mimetic2",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="How many training images of a concept does a text-to-image model need before it imitates it?",
)

# In the order of the pipeline. Each module has a function `register(app)`.
VERBS: tuple[str, ...] = (
    "demo",
    "init",
    "run",
    "plan",
    "concepts",
    "count",
    "fetch",
    "calibrate",
    "verify",
    "captionless",
    "generate",
    "embed",
    "score",
    "threshold",
    "predict",
    "report",
    "compare",
    "audit",
    "pack",
    "ratings",
    "lab",
    "validate",
    "doctor",
    "convert",
    "clean",
)

# Typer brings a click of its own in newer versions and uses the installed one in older: both are reached through Typer.
_ClickException: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")

_MACHINE = frozenset(
    (
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
    )
)
"""Failures of a file system that its user can mend; others, such as a file that is not there, were to be foreseen."""

_INTERRUPTED, _STOPPED = "interrupted; run the same command again to go on where it stopped", 130

_debug = False


def _version(value: bool) -> None:
    if value:
        print(mimetic2.__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options that stand before the verb."""
    global _debug
    _debug = debug


for _verb in VERBS:
    importlib.import_module(f"mimetic2.cli.{_verb}").register(app)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code that the outcome has."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code instead of exiting."""
    global _debug
    _debug = False
    try:
        code = app(args=arguments, standalone_mode=False, prog_name="mimetic2")
    except typer.Abort:
        return _fail(_INTERRUPTED, _STOPPED)
    except _ClickException as error:
        if not error.format_message().strip():  # a verb was missing: its help, printed already, is the answer
            return 2
        context = getattr(error, "ctx", None)
        verb = context.command_path.removeprefix("mimetic2").strip() if context else ""
        where = f"{verb}: " if verb else ""
        return _fail(f"{where}{error.format_message()}", 2)
    except Mimetic2Error as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail(_INTERRUPTED, _STOPPED)
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.errno not in _MACHINE:
            return _fail(_bug(error), 1)
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}cannot be read or written ({error.strerror})", 2)
    except Exception as error:
        return _fail(_bug(error), 1)
    if code == _STOPPED:  # Ctrl-C: Typer catches it and gives the code without a word
        return _fail(_INTERRUPTED, _STOPPED)
    return code if isinstance(code, int) else 0


def _bug(error: Exception) -> str:
    return f"this is a bug in mimetic2, please report it ({type(error).__name__}: {error})"


def _fail(message: str, code: int) -> int:
    if _debug:
        traceback.print_exc()
    print("mimetic2: " + " ".join(message.split()), file=sys.stderr)
    return code
