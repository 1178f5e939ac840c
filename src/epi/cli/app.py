"""The command line: one command a question, one JSON document or a few lines of text, one line an error.

Libraries are imported inside the commands, so that ``epi --help`` is there at once.
"""

import os
import sys
import traceback
import warnings
from ast import literal_eval
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from epi.cli.catalogue import events, pairs
from epi.cli.detect import detect
from epi.cli.download import download
from epi.cli.images import interferogram
from epi.cli.locate import locate
from epi.cli.options import (
    Catalogue,
    Coherence,
    Columns,
    Crs,
    EventId,
    Heading,
    Incidence,
    Json,
    Par,
    Pass,
    Positive,
    Quantity,
    Units,
    Wavelength,
    stated,
)
from epi.cli.snap import snap_graph
from epi.console import clean_stdout, one_line, print_json, say
from epi.errors import MissingPackage, ParameterError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

app = typer.Typer(
    help="From an earthquake in a catalogue to its epicentre in a radar interferogram.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Every command takes --debug, which shows the traceback of an error.",
)

for command in (events, pairs, download, interferogram):
    app.command()(command)
app.command("snap-graph")(snap_graph)
app.command()(locate)
app.command()(detect)


@app.command()
def run(
    event_id: EventId,
    *,
    catalogue: Catalogue = None,
    source: Annotated[
        str, typer.Option(metavar="simulated|asf|cdse|FILE", help="Where the interferogram, or its images, are from.")
    ] = "simulated",
    bursts: Annotated[bool, typer.Option("--bursts", help="Of asf: fetch single bursts, no whole scenes.")] = False,
    profile: Annotated[Literal["quick", "full"], typer.Option(help="Minutes on two cores, or everything.")] = "quick",
    quantity: Quantity = None,
    units: Units = None,
    positive: Positive = None,
    wavelength: Wavelength = None,
    incidence: Incidence = None,
    heading: Heading = None,
    pass_direction: Pass = None,
    columns: Columns = None,
    crs: Crs = None,
    par: Par = None,
    coherence: Coherence = None,
    seed: Annotated[int | None, typer.Option(help="Of every random draw.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Of the chapters; repeatable.")
    ] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder of the run folders.")] = None,
    as_json: Json = False,
) -> None:
    """Run the whole chain for one earthquake: every chapter, executed into its run folder."""
    from epi.catalogue import look_up
    from epi.catalogue.online.search import SOURCES
    from epi.catalogue.online.wanted import Progress
    from epi.cli.bars import Bars
    from epi.insar.readers.files import read_scene
    from epi.run import run_event

    given, file = stated(locals()), source != "simulated" and source not in SOURCES
    if given and not file:
        raise ParameterError(f"--{next(iter(given)).replace('_', '-')} describes a file, but the source is {source}.")
    event, listed = look_up(event_id, catalogue, progress=say)
    if file:
        read_scene(source, event=event, **given)  # what is wrong with it is said before a chapter runs
    done = run_event(
        event.event_id,
        catalogue=listed,
        source=source,
        reader=given,
        profile=profile,
        runs=runs,
        seed=seed,
        parameters=dict(_name_and_value(text) for text in parameter or []),
        bursts=bursts,
        progress=say,
        transfers=Progress() if as_json else Bars(),
    )
    if as_json:
        steps = [
            {"name": step.name, "seconds": step.seconds, "outputs": list(step.outputs)} for step in done.steps.values()
        ]
        return print_json(
            [{"event_id": done.event_id, "run_folder": str(done.path), "redone": done.redone, "steps": steps}]
        )
    say(f"To read it: epi book --run {os.path.relpath(done.path)}")
    print(done.path)


@app.command()
def book(
    *,
    run: Annotated[Path | None, typer.Option(metavar="FOLDER", help="A run folder (default: the book's own.)")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where the pages go.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a book with a warning in it.")] = False,
    as_json: Json = False,
) -> None:
    """Render a run's executed chapters as pages."""
    from epi.book import render

    index = render(run, out=out, strict=strict, progress=say)
    if as_json:
        return print_json([{"index": str(index)}])
    print(index)


@app.command()
def doctor(
    *,
    online: Annotated[bool, typer.Option("--online", help="Also ask the archives whether they are there.")] = False,
    as_json: Json = False,
) -> None:
    """List what is there, what is missing, and the remedy."""
    from epi.doctor import examine

    findings = examine(online=online)
    if as_json:
        print_json([finding.to_dict() for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.state:<8} {finding.name:<16} {finding.found}")
            if finding.state != "ok":
                print(f"{'':<26}→ {finding.remedy}")
    if missing := [finding.name for finding in findings if finding.state == "missing"]:
        raise MissingPackage(
            f"What the book needs is not all there: {', '.join(missing)}. The remedies are listed above."
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    0 done, 1 a stated error (one line on stderr), 2 wrong usage, 130 interrupted.
    """
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    with warnings.catch_warnings(), clean_stdout("--json" in words):
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = lambda message, *_: say(f"Warning: {message}")
        try:
            app(words)
        except SystemExit as end:
            if end.code == INTERRUPTED:
                say("Interrupted: what came is kept, the same command goes on with it.")
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read our output has seen enough
        except Exception as error:
            if debug:
                traceback.print_exc()
            say(one_line(error))
            return 1
    return 0


def _name_and_value(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is a Python literal where it reads as one, else text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise typer.BadParameter(f"'{text}' is not NAME=VALUE.", param_hint="--parameter")
    try:
        return name, literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
