"""Finding and fixing problems: doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from tracelate.cli.console import print_line

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
) -> None:
    """Find the problems of this folder and of MLflow's store, and print their remedies.

    Finds runs with status RUNNING whose process is gone, models and versions whose files are gone,
    aliases of versions that are gone, locks and checkpoints that were left behind, and results that
    MLflow lacks. Exits with status 1 if a problem remains. A line that begins with ? is a problem
    that may not be one.
    """
    from tracelate.doctor.doctor import find_problems
    from tracelate.doctor.doctor import fix as fix_problems

    problems = find_problems()
    if fix:
        for line in fix_problems(problems):
            print_line(line)
        problems = find_problems()
    for problem in problems:
        hint = "" if problem.fix is None or fix else " (--fix does this)"
        print_line(f"{'✗' if problem.is_certain else '?'} {problem.what}")
        print_line(f"  where: {problem.where}")
        print_line(f"  do:    {problem.remedy}{hint}")
    if any(problem.is_certain for problem in problems):
        raise typer.Exit(1)
    print_line("no problems found" if not problems else "no certain problems found")
