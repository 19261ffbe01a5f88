"""The page at /docs, made from the OpenAPI document without any script.

It works without a network and gives a browser nothing to run.
"""

from collections.abc import Callable, Mapping
from html import escape
from typing import cast

from fastapi import APIRouter, Response

Document = Mapping[str, object]

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
code{background:#f2f2f4;padding:.1em .3em;border-radius:3px}h2{margin-top:2rem}
table{border-collapse:collapse}td{padding:.15rem .8rem .15rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#16161a;color:#ddd}code{background:#2a2a30}}
"""


def page_routes(document: Callable[[], Document]) -> APIRouter:
    """Give the route of the page.

    Args:
        document: Gives the OpenAPI document.
    """
    router = APIRouter()

    @router.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return Response(docs_page(document()), headers=headers, media_type="text/html")

    return router


def docs_page(document: Document) -> str:
    """Give the page of an OpenAPI document."""
    info = _mapping(document["info"])
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>slurmfleet API</title>",
        f"<style>{_STYLE}</style><h1>slurmfleet API</h1>",
        f"<p>{escape(str(info.get('description', '')))}</p>",
        "<p>The whole of it for programs: <a href=/openapi.json>/openapi.json</a>.</p>",
    ]
    for path, methods in _mapping(document["paths"]).items():
        for method, operation in _mapping(methods).items():
            parts.append(_operation(method, path, _mapping(operation)))
    return "\n".join(parts)


def _operation(method: str, path: str, operation: Document) -> str:
    parameters = cast("list[Document]", operation.get("parameters", []))
    rows = "".join(
        f"<tr><td><code>{escape(str(one['name']))}</code><td>{escape(str(one['in']))}"
        f"<td>{escape(str(one.get('description', '')))}"
        for one in parameters
    )
    return (
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
        f"<p>{escape(str(operation.get('summary', '')))}</p><table>{rows}</table>"
    )


def _mapping(value: object) -> Document:
    return cast("Document", value)
