"""Finding and fixing problems: doctor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tracelate.cli.console import print_json, print_line
from tracelate.cli.options import JsonOption

if TYPE_CHECKING:
    from tracelate.doctor.problem import Problem

app = typer.Typer()


@app.command(epilog="Example: `tracelate doctor --fix`")
def doctor(
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help="Fix what is safe: dead runs, unfinished models, stale locks, results that MLflow "
            "lacks.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Find the problems of this folder and of MLflow's store, and print their remedies.

    Finds runs with status RUNNING whose process is gone, models and versions whose files are gone,
    aliases of versions that are gone, aliases that neither a promotion nor a rollback has moved to
    where they are, locks and checkpoints that were left behind, and results that MLflow lacks.

    Exits with status 1 if a problem remains. A line that begins with ? is a problem that may not be
    one.
    """
    from tracelate.doctor.doctor import find_problems
    from tracelate.doctor.doctor import fix as fix_problems

    problems, fixed = find_problems(), []
    if fix:
        fixed = fix_problems(problems)
        problems = find_problems()
    if as_json:
        found = [{**problem._asdict(), "fix": problem.fix is not None} for problem in problems]
        print_json({"fixed": fixed, "problems": found})
    else:
        _print(fixed, problems, is_fixed=fix)
    if any(problem.is_certain for problem in problems):
        raise typer.Exit(1)


def _print(fixed: Sequence[str], problems: Sequence[Problem], *, is_fixed: bool) -> None:
    for line in fixed:
        print_line(line)
    for problem in problems:
        hint = "" if problem.fix is None or is_fixed else " (--fix does this)"
        print_line(f"{'✗' if problem.is_certain else '?'} {problem.what}")
        print_line(f"  where: {problem.where}")
        print_line(f"  do:    {problem.remedy}{hint}")
    if not any(problem.is_certain for problem in problems):
        print_line("no problems found" if not problems else "no certain problems found")
