"""How a node's part of a group is started: `accelerate launch` and what it is told."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from dart_k8s.edges.training.base import Command, Group
from dart_k8s.edges.training.hardware import devices

GROUP = "dart_k8s.workers.train.group"
"""The module that runs accelerate, as a child that ends with its parent."""
RANK = "dart_k8s.workers.train.rank"
"""The module that each process runs."""


def command(job: Path, group: Group, *, deepspeed: bool) -> Command:
    """See `Trainer.command`."""
    cpu = not devices()
    several = group.processes > 1
    settings = job.with_name("accelerate.yaml")
    # A settings file of our own, so that one in the user's home has no say.
    settings.write_text("compute_environment: LOCAL_MACHINE\ndistributed_type: 'NO'\nuse_cpu: false\n", "utf-8")
    arguments = [
        "--config_file", str(settings),
        "--num_machines", str(group.nodes),
        "--machine_rank", str(group.node),
        "--num_processes", str(group.processes),
        "--mixed_precision", "no",
        "--dynamo_backend", "no",
        "--num_cpu_threads_per_process", str(group.threads),
    ]  # fmt: skip
    if several:
        arguments += ["--multi_gpu", "--main_process_port", str(group.port), "--max_restarts", "0"]
    if group.nodes > 1:
        arguments += ["--main_process_ip", group.host, "--rdzv_backend", "static"]
    if cpu and not several and not deepspeed:
        arguments.append("--cpu")
    environment = {"OMP_NUM_THREADS": str(group.threads), "TOKENIZERS_PARALLELISM": "false"}
    if cpu and not deepspeed:
        environment["ACCELERATE_USE_CPU"] = "true"
    if cpu and deepspeed:
        environment |= {"DS_ACCELERATOR": "cpu"}
    if deepspeed and not several:
        # DeepSpeed wants a group even of one, and accelerate makes none for a single process.
        environment |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}
        environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(group.port or free_port())}
    return Command(
        arguments=[sys.executable, "-m", GROUP, *arguments, "-m", RANK, str(job)],
        environment={**os.environ, **environment},
    )


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(arguments: Sequence[str]) -> None:
    """Run `accelerate launch` in this process."""
    from accelerate.commands.launch import launch_command, launch_command_parser

    launch_command(launch_command_parser().parse_args(list(arguments)))


__all__ = ["command", "free_port", "launch"]
