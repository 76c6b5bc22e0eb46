"""What the status of a Training or an Evaluation says in figures, as lines for a person."""

from collections.abc import Mapping
from typing import Any

from .words import several

__all__ = ["figures", "in_short"]


def figures(kind: str, status: Mapping[str, Any]) -> list[str]:
    """One fact a line; empty for what is not known yet."""
    return _training(status) if kind == "Training" else _evaluation(status)


def in_short(kind: str, progress: Mapping[str, Any]) -> str:
    """How far it is, in a few words."""
    if kind == "Training":
        loss = f", loss {progress['loss']:g}" if progress.get("loss") is not None else ""
        return f"step {progress.get('step', 0)} of {progress.get('steps', 0)}{loss}"
    return f"{progress.get('trials', 0)} of {progress.get('wanted', 0)} trials"


def _training(status: Mapping[str, Any]) -> list[str]:
    made = []
    if progress := status.get("progress"):
        line = f"{in_short('Training', progress)}, {progress.get('rows', 0)} rows"
        line += f", {progress['dropped']} dropped" if progress.get("dropped") else ""
        if progress.get("tokensPerSecond"):
            line += f", {progress['tokensPerSecond']:g} tokens/s"
        if progress.get("utilisation") is not None:
            line += f", MFU {progress['utilisation']:.0%}"
        made.append(line)
    if checkpoint := status.get("checkpoint"):
        made.append(f"newest checkpoint: step {checkpoint['step']}")
    if pods := status.get("trainers"):
        made.append(
            f"trainers {pods.get('ready', 0)}/{pods.get('replicas', 0)} run, attempt {status.get('attempt', 1)}"
        )
    if status.get("judged"):
        own, taken = status.get("restarts", 0), status.get("disruptions", 0)
        made.append(f"{several(own, 'restart')} by its own fault, {several(taken, 'disruption')} by the cluster's")
    return made


def _evaluation(status: Mapping[str, Any]) -> list[str]:
    made = []
    if progress := status.get("progress"):
        made.append(f"{in_short('Evaluation', progress)}, {progress.get('items', 0)} problems")
    if pods := status.get("samplers"):
        made.append(f"samplers {pods.get('ready', 0)}/{pods.get('replicas', 0)} ready")
    for score in status.get("scores") or ():
        parts = [f"{score['name']}: {score.get('items', 0)} problems"]
        if score.get("lenient") is not None:
            span = f" ({score['low']:.1%} to {score['high']:.1%})" if {"low", "high"} <= score.keys() else ""
            parts.append(f"greedy {score['lenient']:.1%}{span}")
        names = {"strict": "strict", "passAt1": "pass@1", "majority": "maj@k"}
        parts += [f"{words} {score[name]:.1%}" for name, words in names.items() if score.get(name) is not None]
        made.append(", ".join(parts))
    if status.get("averageText"):
        made.append(f"average {status['averageText']}")
    return made
