"""Verbs in sections, in the help of a command that has many."""

from typing import Any

from typer.core import TyperGroup

__all__ = ["Sections"]


class Sections(TyperGroup):
    """A group whose help lists its verbs under the headings that they were registered with, in that order."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, Any]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                heading = getattr(command, "rich_help_panel", None)
                sections.setdefault(heading if isinstance(heading, str) else "Commands", []).append((name, command))
        width = max(len(name) for found in sections.values() for name, _ in found)
        for heading, found in sections.items():
            with formatter.section(heading):
                limit = formatter.width - 6 - width
                formatter.write_dl([(name.ljust(width), command.get_short_help_str(limit)) for name, command in found])
