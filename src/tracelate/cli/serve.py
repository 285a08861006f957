"""Serving a model to other programs: serve."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command(epilog="Example: `tracelate serve models:/en-es@champion --port 5001`")
def serve(
    model: Annotated[
        str,
        typer.Argument(
            help="models:/NAME@alias, models:/NAME/3, a run (its id, 6 or more characters of it, "
            "or its name), or a folder such as models."
        ),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 5001,
    host: Annotated[str, typer.Option(help="0.0.0.0 is open to other machines.")] = "127.0.0.1",
    max_sentences: Annotated[int, typer.Option(min=1, help="Of a request.")] = 256,
    max_characters: Annotated[int, typer.Option(min=1, help="Of a request.")] = 20_000,
    max_sentence_bytes: Annotated[
        int,
        typer.Option(min=1, help="Of a sentence in UTF-8; twice as many take four times as long."),
    ] = 1_000,
    max_beams: Annotated[
        int,
        typer.Option(
            min=1,
            help="Of beam_size and n_best; with more than the model's own beam_size, a request of "
            "several sentences may hold fewer sentences and characters.",
        ),
    ] = 16,
    max_requests: Annotated[
        int, typer.Option(min=1, help="At once; more are answered with 503 and Retry-After.")
    ] = 64,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds until a request's answer; then 503.")
    ] = 60,
) -> None:
    """Translate for other programs over HTTP, as MLflow's scoring server.

    `POST /invocations` takes `{"inputs": ["Could not connect."]}`, and `params` where wished:
    beam_size, length_penalty, n_best, with_scores, with_alignment. `GET /model` says which model
    it is and where it comes from, as does a header of every answer; `GET /health` answers 200.

    The alias is looked up once, at the start. Files that are not those of the model's lineage are
    refused.
    """
    from tracelate.serving.limits import Limits
    from tracelate.serving.server import serve as run_server

    limits = Limits(
        sentences=max_sentences,
        characters=max_characters,
        sentence_bytes=max_sentence_bytes,
        beams=max_beams,
        requests=max_requests,
        timeout_s=timeout,
    )
    run_server(model, host, port, limits, lambda line: typer.echo(line, err=True))
