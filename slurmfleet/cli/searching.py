"""A page of jobs, asked for until it is full: a search for text may come back short."""

from pydantic import JsonValue

from slurmfleet.cli.ages import moment_text
from slurmfleet.cli.answers import JobList
from slurmfleet.cli.client import ApiClient, Params, understood
from slurmfleet.cli.output import Output

_JOBS = "/v1/jobs"


async def search_jobs(
    api: ApiClient, params: Params, output: Output, *, limit: int, cursor: str = ""
) -> JsonValue:
    """Give the API's page of jobs; of several short ones the items together.

    A person is told how far the search has come, on stderr; whoever has seen enough presses Ctrl-C.

    Raises:
        CliError: The API refused or was not reached.
    """
    found: list[JsonValue] = []
    with output.waiting("Searching") as tell:
        while True:
            document = await api.get(
                _JOBS, {**params, "limit": limit - len(found), "cursor": cursor}
            )
            page = understood(document, JobList)
            whole = document if isinstance(document, dict) else {}
            items = whole.get("items")
            found += items if isinstance(items, list) else []
            if page.searched_back_to is None or page.next_cursor is None or len(found) >= limit:
                return {**whole, "items": found}
            tell(f"Searching: {len(found)} found back to {moment_text(page.searched_back_to)}")
            cursor = page.next_cursor
