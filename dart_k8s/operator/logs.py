"""The operator's log: one JSON object a line on standard error, by structlog, its one importer in this door."""

import logging
import sys
from collections.abc import Callable

import structlog

__all__ = ["open_log"]

LEVELS = {
    "reconciled": "debug",
    "action-failed": "warning",
    "event-failed": "warning",
    "fault": "error",
    "fold-child-ended": "warning",
    "fold-child-killed": "warning",
    "fold-late": "warning",
    "fold-unreadable": "warning",
    "lease-failed": "warning",
    "lost": "error",
    "status-failed": "warning",
    "unhealthy": "error",
    "watch-failed": "warning",
}
"""Events that are not `info`."""


def open_log(level: str) -> Callable[..., None]:
    """Set the process's logging up, libraries' included, and give the function that logs an event with its facts."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.root.handlers[:] = [handler]
    # Libraries only when something is wrong; urllib3 warns of each connection that a pool has no room to keep.
    logging.root.setLevel(max(number, logging.WARNING))
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    log = structlog.get_logger()

    def tell(event: str, **facts: object) -> None:
        getattr(log, LEVELS.get(event, "info"))(event, **facts)

    return tell
