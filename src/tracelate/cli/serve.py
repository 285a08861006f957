"""Serving a model to other programs: serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracelate.cli.alias_warning import alias_warning
from tracelate.cli.console import print_line
from tracelate.cli.options import REFERENCE_HELP
from tracelate.cli.signing_options import TrustedKeyOption, load_key

app = typer.Typer()


@app.command(epilog="Example: `tracelate serve models:/tracelate@champion --port 5001`")
def serve(
    model: Annotated[str, typer.Argument(help=REFERENCE_HELP)],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 chooses a free one.")
    ] = 5001,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 accepts other machines.")
    ] = "127.0.0.1",
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Name under which clients reach this server, as in the Host header; repeatable. "
            "Addresses and localhost need not be named; other names get 421.",
        ),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="Address or network of a proxy whose header X-Forwarded-For names the client, for "
            "fair shares; repeatable. From others, the header is ignored.",
        ),
    ] = None,
    max_sentences: Annotated[
        int, typer.Option(min=1, help="Largest number of sentences in a request.")
    ] = 256,
    max_characters: Annotated[
        int, typer.Option(min=1, help="Largest number of characters in a request.")
    ] = 20_000,
    max_sentence_bytes: Annotated[
        int,
        typer.Option(
            min=1,
            help="Largest length of a sentence in UTF-8; the time grows with its square.",
        ),
    ] = 1_000,
    max_beams: Annotated[
        int,
        typer.Option(
            min=1,
            help="Largest beam_size and n_best of a request. With more beams than the model's own "
            "beam_size, a request of several sentences may have fewer sentences and characters.",
        ),
    ] = 16,
    max_requests: Annotated[
        int,
        typer.Option(
            min=1,
            help="Largest number of requests at once; others get 503 with Retry-After. A client "
            "that has none may have one beyond it, up to twice the number.",
        ),
    ] = 64,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds after which a request gets 503.")
    ] = 60,
    sign_with: Annotated[
        Path | None,
        typer.Option(
            help="Private key that signs a receipt of each answer, in the header "
            "Tracelate-Receipt, which `tracelate verify-receipt` checks."
        ),
    ] = None,
    trusted_key: TrustedKeyOption = None,
) -> None:
    """Serve a model over HTTP, with the interface of MLflow's scoring server.

    `POST /invocations` takes `{"inputs": ["Could not connect."]}` with optional `params`:
    beam_size, length_penalty, n_best, with_scores, with_alignment. Their defaults are the settings
    with which the model was evaluated. `GET /model` returns the model's name, version and lineage;
    a header of every response names the model; `GET /health` returns 200.

    An alias is looked up once, at the start; a warning says if neither a promotion nor a rollback
    has moved it there. A model whose files differ from its lineage is
    refused, also if it lies outside this folder; where trusted keys are set, so is one that none of
    them has signed.
    """
    from tracelate.serving.hosts import check_proxies
    from tracelate.serving.limits import Limits
    from tracelate.serving.server import serve as run_server
    from tracelate.signing.trust import read_trust
    from tracelate.tracking.references.references import resolve

    limits = Limits(
        sentences=max_sentences,
        characters=max_characters,
        sentence_bytes=max_sentence_bytes,
        beams=max_beams,
        requests=max_requests,
        timeout_s=timeout,
    )
    reference = resolve(model)
    run_server(
        reference,
        host,
        port,
        limits,
        lambda line: print_line(line, err=True),
        allowed_hosts=allowed_host or (),
        proxies=check_proxies(trusted_proxy or ()),
        warning=alias_warning(reference),
        trust=read_trust(trusted_key or ()),
        key=load_key(sign_with),
    )
