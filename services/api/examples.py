"""Answers as they may look, for the OpenAPI document; real rows, so that they cannot go stale."""

from slurmfleet.contracts.text import shown, shown_fields
from slurmfleet.store.examples import CLUSTER, NOW
from slurmfleet.store.read.freshness import freshness_of


def example_list(*items: object) -> dict[str, object]:
    """Give a page of a list, as it goes over the wire."""
    age = shown_fields(freshness_of([CLUSTER], now=NOW))
    return {"items": shown(items), "next_cursor": None, **age}
