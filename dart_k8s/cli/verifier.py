"""`dart verifier`: the verification server."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The verification server.", rich_markup_mode=None)


@app.callback()
def root() -> None:
    """The verification server."""


@app.command("serve")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 or :: for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes any that is free.", min=0, max=65535)] = 8080,
    processes: Annotated[
        int | None, typer.Option(help="Checkers. Default: one for each core it may use.", min=1)
    ] = None,
    deadline: Annotated[
        float | None, typer.Option(help="Seconds of computer algebra for one comparison.", min=0.05)
    ] = None,
    memory: Annotated[int, typer.Option(help="MiB of address space of a child for computer algebra.", min=64)] = 400,
    queue: Annotated[int, typer.Option(help="Responses in hand; beyond them requests get 429.", min=1)] = 4096,
    drain: Annotated[float, typer.Option(help="Seconds to finish what is in hand after SIGTERM.", min=0)] = 25.0,
    linger: Annotated[
        float, typer.Option(help="Seconds after SIGTERM in which new requests are told to go elsewhere.", min=0)
    ] = 2.0,
    execute: Annotated[bool, typer.Option("--execute", help="Run code of tool-integrated responses as well.")] = False,
    block_seconds: Annotated[
        float, typer.Option(help="Seconds of one block of code; a request may ask for less.", min=0.1, max=20)
    ] = 10.0,
    block_memory: Annotated[
        int, typer.Option(help="MiB of address space of one session, on top of the libraries.", min=64)
    ] = 512,
    block_output: Annotated[
        int, typer.Option(help="Bytes kept of what a block prints, at its start and its end.", min=100, max=100_000)
    ] = 3000,
    sessions: Annotated[int, typer.Option(help="Sessions held; older ones make room.", min=1)] = 64,
    scratch: Annotated[
        str, typer.Option(help="Folder for files of code, on a small file system of its own; for want of namespaces.")
    ] = "",
    unconfined: Annotated[
        bool, typer.Option("--unconfined", help="Run code although this place can't confine it. Nothing is safe then.")
    ] = False,
    allow_network: Annotated[
        bool,
        typer.Option("--allow-network", help="Run code in a pod that can reach the API server or DNS."),
    ] = False,
    isolation_seconds: Annotated[
        float,
        typer.Option(help="Seconds that the network has to close before a pod is refused that would run code.", min=0),
    ] = 20.0,
    log_level: Annotated[str, typer.Option(help="debug (each request), info, warning or error.")] = "info",
) -> None:
    """Serve verification over HTTP: POST /v1/verify, with --execute /v1/execute, /healthz, /readyz, /metrics.

    Logs JSON lines to standard error. SIGTERM finishes what is in hand; exit code 0.
    """
    from dart_k8s.answers.pool import DEADLINE_SECONDS
    from dart_k8s.errors import SpecError
    from dart_k8s.workers.checking import cores
    from dart_k8s.workers.verifier.serve import ServerSettings
    from dart_k8s.workers.verifier.serve import serve as run

    levels = ("debug", "info", "warning", "error")
    if log_level not in levels:
        raise SpecError(f"There is no log level {log_level!r}.", remedy=f"There are {', '.join(levels)}.")
    code = run(
        ServerSettings(
            host=host,
            port=port,
            processes=processes or cores(),
            deadline=deadline or DEADLINE_SECONDS,
            memory=memory << 20,
            queue_items=queue,
            drain=drain,
            linger=linger,
            log_level=log_level,
            execute=execute,
            unconfined=unconfined,
            allow_network=allow_network,
            isolation_seconds=isolation_seconds,
            block_seconds=block_seconds,
            block_memory=block_memory << 20,
            block_output=block_output,
            sessions=sessions,
            scratch=scratch,
        )
    )
    raise typer.Exit(code)
