"""Answers searches as OpenSearch does, over documents that a test gives, through real HTTP.

Knows what we ask of it: `term`, `terms` and `range` filters, sorting, `terms` and `top_hits`
aggregations, and refuses what OpenSearch would refuse.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.harness.site import Asked, Reply, json_reply

Document = Mapping[str, Any]
_PATH = re.compile(r"/([^/]+)/_search")


@dataclass(kw_only=True)
class Documents:
    """Indices with their documents."""

    indices: dict[str, list[Document]] = field(default_factory=dict[str, list[Document]])
    failed_shards: int = 0

    def answer(self, asked: Asked) -> Reply:
        """Answer one request."""
        path = _PATH.fullmatch(unquote(asked.path))
        if asked.method != "POST" or path is None:
            return _error(400, "illegal_argument_exception", "no handler found")
        if path[1] not in self.indices:
            return _error(404, "index_not_found_exception", f"no such index [{path[1]}]")
        body: Any = asked.json()
        found = [one for one in self.indices[path[1]] if _matches(one, body["query"])]
        found = _sorted(found, body.get("sort", []))
        answer: dict[str, Any] = {
            "took": 2,
            "timed_out": False,
            "_shards": {
                "total": 1,
                "successful": 1 - self.failed_shards,
                "skipped": 0,
                "failed": self.failed_shards,
            },
            "hits": _hits(found, body.get("size", 10)),
        }
        if "aggs" in body:
            answer["aggregations"] = _aggregations(found, body["aggs"])
        return json_reply(answer)


def _error(status: int, kind: str, reason: str) -> Reply:
    cause = {"type": kind, "reason": reason}
    return json_reply({"error": {"root_cause": [cause], **cause}, "status": status}, status=status)


def _matches(document: Document, query: Mapping[str, Any]) -> bool:
    ((kind, body),) = query.items()
    if kind == "bool":
        return all(_matches(document, one) for one in body["filter"])
    ((name, value),) = body.items()
    own = document.get(name)
    if kind == "range":
        return own is not None and own >= value["gte"]
    return own in value if kind == "terms" else own == value


def _sorted(documents: Sequence[Document], sort: Sequence[Any]) -> list[Document]:
    ordered = list(documents)
    for one in reversed(sort):
        ((name, how),) = one.items()
        ordered.sort(key=lambda document: document[name], reverse=how["order"] == "desc")
    return ordered


def _hits(documents: Sequence[Document], size: int) -> dict[str, Any]:
    return {
        "total": {"value": len(documents), "relation": "eq"},
        "max_score": None,
        "hits": [
            {"_index": "i", "_id": str(place), "_score": None, "_source": dict(one), "sort": [0]}
            for place, one in enumerate(documents[:size])
        ],
    }


def _aggregations(documents: Sequence[Document], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _aggregation(documents, body) for name, body in wanted.items()}


def _aggregation(documents: Sequence[Document], body: Mapping[str, Any]) -> dict[str, Any]:
    if "top_hits" in body:
        size, sort = body["top_hits"]["size"], body["top_hits"]["sort"]
        return {"hits": _hits(_sorted(documents, sort), size)}
    groups: dict[str, list[Document]] = {}
    for one in documents:
        if body["terms"]["field"] in one:
            groups.setdefault(one[body["terms"]["field"]], []).append(one)
    largest = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    kept = largest[: body["terms"]["size"]]
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": sum(len(one) for _, one in largest[len(kept) :]),
        "buckets": [
            {"key": key, "doc_count": len(one), **_aggregations(one, body.get("aggs", {}))}
            for key, one in kept
        ],
    }
