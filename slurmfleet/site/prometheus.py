"""A site's Prometheus, or anything that answers its HTTP API: VictoriaMetrics, Thanos, Mimir.

Samples are asked for as range vectors (`selector[150s]`), never as instant vectors: these carry the
moment of the question, look back five minutes and so show a series alive that has stopped. A range
vector has each sample's own moment, and counters come with their history.

Source: prometheus.io/docs/prometheus/latest/querying/api ("Instant queries", "Range vectors");
querying/basics ("Staleness").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Literal

from pydantic import BaseModel, ConfigDict

from slurmfleet.site.http import SiteHttp, understood

NAME_LABEL = "__name__"
QUERY_LIMIT_S = 20.0
_LATEST_EPOCH_S = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One sample of a series; the value may be anything that a float can be, NaN too."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series and its samples within the window that was asked for, the oldest first."""

    labels: Mapping[str, str]
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """Give the metric's name; empty where a function took it away."""
        return self.labels.get(NAME_LABEL, "")


class _Result(BaseModel):
    model_config = ConfigDict(extra="ignore")
    metric: dict[str, str]
    values: list[tuple[float, str]] = []
    value: tuple[float, str] | None = None


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")
    resultType: Literal["matrix", "vector"]  # noqa: N815 its name on the wire
    result: list[_Result]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")
    status: Literal["success"]
    data: _Data


class Prometheus:
    """Asks one server."""

    def __init__(self, http: SiteHttp) -> None:
        """Ask over this door."""
        self._http = http

    async def ask(self, query: str) -> tuple[Series, ...]:
        """Give the series of a query, as of now by the server's clock.

        Raises:
            SiteError: It does not answer, or says that the query makes no sense.
        """
        document = await self._http.post_form(
            "api", "v1", "query", fields={"query": query}, limit_s=QUERY_LIMIT_S
        )
        answer = understood(document, _Answer, self._http.service)
        return tuple(map(_series, answer.data.result))


def _series(result: _Result) -> Series:
    values = result.values or ([result.value] if result.value is not None else [])
    return Series(
        labels=result.metric,
        points=tuple(
            Point(at=datetime.fromtimestamp(epoch_s, tz=UTC), value=_number(text))
            for epoch_s, text in values
            if isfinite(epoch_s) and 0 <= epoch_s <= _LATEST_EPOCH_S
        ),
    )


def _number(text: str) -> float:
    """Read a value; what is no number is NaN, which everybody leaves out."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def selector(
    names: tuple[str, ...], matchers: tuple[str, ...] = (), *, window_s: float = 0.0
) -> str:
    """Give a selector of some metrics, with a window for a range vector."""
    parts = (one_of(NAME_LABEL, names), *matchers)
    window = f"[{round(window_s * 1000)}ms]" if window_s else ""
    return "{" + ",".join(parts) + "}" + window


def equals(label: str, value: str) -> str:
    """Give a matcher; an empty value also matches series without the label."""
    return f"{label}={_quoted(value)}"


def is_told(label: str) -> str:
    """Give a matcher of series that have a label."""
    return f'{label}!=""'


def one_of(label: str, values: tuple[str, ...], *, tail: str = "") -> str:
    """Give a matcher of several values, each taken literally.

    Args:
        label: Its name.
        values: At least one.
        tail: A regular expression that may follow each.
    """
    return f"{label}=~{_quoted('(?:' + '|'.join(map(_literal, values)) + ')' + tail)}"


def _literal(text: str) -> str:
    """Take a text literally in Go's regular expressions."""
    return "".join(one if one.isalnum() or one in "_-:/" else f"\\{one}" for one in text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
