"""Log set-up: pretty on a terminal, one JSON object a line everywhere else."""

import logging
import sys
from enum import StrEnum

import structlog
from structlog.typing import FilteringBoundLogger, Processor


class LogFormat(StrEnum):
    """How a log line looks."""

    AUTO = "auto"
    """Pretty where standard error is a terminal, JSON elsewhere."""
    PRETTY = "pretty"
    JSON = "json"


def configure_logs(service: str, *, level: str = "info", fmt: LogFormat = LogFormat.AUTO) -> None:
    """Send every log line of this process to standard error, bound to its service.

    Args:
        service: The process's name, on every line.
        level: debug, info, warning or error.
        fmt: How a line looks.
    """
    pretty = fmt is LogFormat.PRETTY or (fmt is LogFormat.AUTO and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    rendering: list[Processor] = (
        # Local variables of a traceback may hold secrets, and rendering them takes seconds.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if pretty
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    numeric = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)
    _route_library_logs(shared, rendering)


def logger() -> FilteringBoundLogger:
    """Give a logger; its lines carry what is bound to the context."""
    return structlog.get_logger()


def _route_library_logs(shared: list[Processor], rendering: list[Processor]) -> None:
    """Give lines of libraries the same shape; only their warnings and worse."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # asyncssh tells every connection, channel and key exchange at INFO.
    logging.getLogger("asyncssh").setLevel(logging.ERROR)
    # psycopg_pool tells every failed attempt to connect; the store's watch tells the transition.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # nats-py logs a full traceback for every refused reconnect; the bus door tells the transition.
    logging.getLogger("nats").setLevel(logging.CRITICAL)
