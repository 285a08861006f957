"""The chain of a lineage as a tree, and its checks as a list, for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from tracelate.corpus.provenance import CorpusPart
from tracelate.evaluation.lineage import Lineage
from tracelate.lineage.chain import Chain, VersionState
from tracelate.lineage.checks import CheckResult, LineageCheck
from tracelate.metric_table import titled_direction
from tracelate.tracking.runs.run_writer import flatten

CHECK_MARKS: Mapping[CheckResult, str] = {
    "same": "[green]✓ same    [/]",
    "differs": "[red]✗ differs [/]",
    "not here": "[dim]– not here[/]",
}
SHOWN_HASH = 12
"""Number of characters of a hash in the tree; that of the weights is printed in full."""
LONGEST_TAG = 100
"""Number of characters of a tag's value in the tree."""


def print_chain(console: Console, chain: Chain) -> None:
    """Prints the tree of `chain_tree`."""
    console.print(chain_tree(chain))


def chain_tree(chain: Chain) -> Tree:
    """Returns a tree from the weights through training and data to the corpus, then the scores."""
    lineage = chain.lineage
    tree = Tree(f"[bold]{escape(chain.reference)}[/]", guide_style="dim")
    if chain.version is not None:
        _add_version(tree, chain.version)
    model = tree.add(f"[bold]weights[/]  {escape(lineage.weights_sha256)}")
    model.add(f"config     {_hash_of(lineage.model, 'config.json')}")
    model.add(f"tokenizer  {escape(lineage.tokenizer_sha256[:SHOWN_HASH])}")
    training = model.add(_training_line(chain))
    training.add(_commit_line(chain))
    training.add(f"model      {_settings(lineage, 'model')}")
    training.add(f"train      {_settings(lineage, 'train')}")
    branch = training
    for title, files in (
        ("tokenized", lineage.tokenized),
        ("prepared", lineage.prepared),
        ("raw", lineage.raw),
    ):
        branch = branch.add(Group(f"[bold]{title}[/]", _files(files)))
    for part in lineage.corpus_parts:
        branch.add(_corpus_line(part))
    tree.add(_scores(chain))
    for name in lineage.test_sets:
        tree.add(_test_set(lineage, name))
    return tree


def _test_set(lineage: Lineage, name: str) -> RenderableType:
    one = lineage.test_sets[name]
    provenance = one.provenance
    title = (
        f"[bold]test set {escape(name)}[/]  {escape(one.sha256[:SHOWN_HASH])} from "
        f"{escape(provenance.description)}, licence {escape(provenance.licence)}"
    )
    return Group(title, _files({**one.data, **one.evaluation}))


def print_checks(console: Console, checks: Iterable[LineageCheck]) -> None:
    """Prints one line for each check, grouped by place."""
    places: dict[str, list[LineageCheck]] = {}
    for check in checks:
        places.setdefault(check.place, []).append(check)
    for place, made in places.items():
        console.print(f"[bold]{escape(place)}[/]", soft_wrap=True)
        for check in made:
            reason = f"  [dim]{escape(check.reason)}[/]" if check.reason else ""
            line = f"  {CHECK_MARKS[check.verdict]}  {escape(check.what)}{reason}"
            console.print(line, soft_wrap=True)


def _add_version(tree: Tree, version: VersionState) -> None:
    aliases = "".join(f" @{alias}" for alias in version.aliases)
    branch = tree.add(escape(f"version {version.version} of {version.name}{aliases}"))
    for name, value in sorted(version.tags.items()):
        shown = value if len(value) <= LONGEST_TAG else value[: LONGEST_TAG - 1] + "…"
        branch.add(Text(f"{name}  {shown}"))


def _training_line(chain: Chain) -> str:
    training, run = chain.lineage.training, chain.run
    line = f"[bold]run[/]  {escape(training.run_id)}"
    if run is None:
        return f"{line}  experiment {escape(training.experiment)}, not found in MLflow here"
    replacement = f", replaced by {escape(run.run_id)}" if run.run_id != training.run_id else ""
    return (
        f"{line}{replacement}  {escape(f'{run.name}, {run.status}, experiment {run.experiment}')}"
    )


def _commit_line(chain: Chain) -> str:
    training = chain.lineage.training
    if training.commit is None:
        return "commit     none: the model was not trained in a git repository"
    dirty = "  [red]dirty: files differed from it[/]" if training.dirty else ""
    subject = f"  {escape(chain.commit_subject)}" if chain.commit_subject else ""
    return f"commit     {escape(training.commit)}{subject}{dirty}"


def _settings(lineage: Lineage, section: str) -> str:
    settings = flatten(lineage.params[section])
    return escape(", ".join(f"{name} {value}" for name, value in settings))


def _files(sha256_by_name: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, sha256 in sha256_by_name.items():
        table.add_row(escape(name), escape(sha256[:SHOWN_HASH]))
    return table


def _corpus_line(part: CorpusPart) -> str:
    provenance = part.provenance
    hashes = escape(", ".join(one[:SHOWN_HASH] for one in provenance.hashes))
    sums = f", sha256 {hashes}" if hashes else ""
    licence = escape(provenance.licence)
    name = f"{escape(part.name)}: " if part.name else ""
    return f"[bold]corpus[/]  {name}{escape(provenance.description)}{sums}, licence {licence}"


def _scores(chain: Chain) -> RenderableType:
    lineage = chain.lineage
    title = f"[bold]scores[/]  on the test set {escape(lineage.test_sha256[:SHOWN_HASH])}"
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column(overflow="fold")
    if chain.metrics is None:
        title += ", which cannot be read here"
        for name, signature in lineage.signatures.items():
            table.add_row(escape(titled_direction(name)), escape(signature))
        return Group(title, table)
    title += f" of {chain.metrics.test.sentences:,} sentences"
    for score in chain.metrics.scores:
        interval = f"{score.low:.2f} to {score.high:.2f}"
        titled = escape(titled_direction(score.name))
        table.add_row(titled, f"{score.value:.2f}", interval, escape(score.signature))
    return Group(title, table)


def _hash_of(sha256_by_name: Mapping[str, str], ending: str) -> str:
    [sha256] = [one for name, one in sha256_by_name.items() if name.endswith(f"/{ending}")]
    return escape(sha256[:SHOWN_HASH])
