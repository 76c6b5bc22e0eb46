"""Blocks of the users' pages without a mark: typed into a shell on this machine."""

import socket
from pathlib import Path

import pytest

from tests.blocks import USER_PAGES, blocks
from tests.shell import Shell, carried_out

HERE = {page: blocks(page, "", "sh", "console", "python") for page in USER_PAGES}
PORT = "8080"
"""That pages use; another program of this machine may have it."""


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.mark.parametrize("page", [page for page in USER_PAGES if HERE[page]], ids=lambda page: page.name)
def test_what_a_page_says_about_one_machine_is_so(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    port = free_port()
    with Shell(folder) as shell:
        carried_out(shell, HERE[page], typed={PORT: port}, shown={port: PORT})
