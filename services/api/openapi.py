"""The OpenAPI document: FastAPI's, with our errors instead of its own and with examples."""

from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI
from pydantic_core import to_jsonable_python

from services.api.errors import PROBLEM_JSON
from services.api.examples import example_list
from slurmfleet.contracts.ids import CLUSTER_NAME_PATTERN, JOB_ID_PATTERN
from slurmfleet.contracts.text import shown
from slurmfleet.store.examples import CLUSTER, EVENT, JOB

Part = dict[str, Any]

_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
_EXAMPLES: Mapping[str, object] = {
    "/v1/clusters": example_list(CLUSTER),
    "/v1/clusters/{cluster}": shown(CLUSTER),
    "/v1/jobs": {**example_list(JOB), "searched_back_to": None},
    "/v1/jobs/{cluster}/{job}": shown(JOB),
    "/v1/jobs/{cluster}/{job}/timeline": example_list(EVENT),
}
_PATTERNS = {"cluster": CLUSTER_NAME_PATTERN, "job": JOB_ID_PATTERN}
"""Of parts of paths: what else is no name is refused with a code of its own."""

_UNUSED_SCHEMAS = ("HTTPValidationError", "ValidationError")


class RestApp(FastAPI):
    """FastAPI that describes what this gateway does."""

    def openapi(self) -> Part:
        """Give the document; it is made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _mended(super().openapi())
        return self.openapi_schema


def _mended(document: Part) -> Part:
    for path, methods in cast("dict[str, Part]", document["paths"]).items():
        for method, operation in methods.items():
            for parameter in cast("list[Part]", operation.get("parameters", [])):
                if parameter["in"] == "path" and parameter["name"] in _PATTERNS:
                    parameter["schema"]["pattern"] = f"^{_PATTERNS[parameter['name']]}$"
            answers = cast("dict[str, Part]", operation["responses"])
            answers.pop("422", None)
            if "requestBody" in operation:
                answers["413"] = {"description": "invalid_parameter: the body is too large"}
            for status, answer in answers.items():
                if not status.startswith("2"):
                    answer["content"] = {PROBLEM_JSON: _PROBLEM}
            if method == "get" and path in _EXAMPLES:
                answers["200"]["content"]["application/json"]["example"] = to_jsonable_python(
                    _EXAMPLES[path]
                )
    for name in _UNUSED_SCHEMAS:
        document["components"]["schemas"].pop(name, None)
    return document
