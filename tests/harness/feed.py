"""A client of the event stream that remembers what it was told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx


class Feed:
    """Events of `/v1/events` as they arrive; reconnects and resumes by the last id."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._last_id = "0"
        self._stop = threading.Event()
        self.events: list[dict[str, Any]] = []

    def of(self, cluster: str, job_id: str) -> list[str]:
        """Give the verbs told of one job, in order."""
        return [
            event["verb"]
            for event in self.events
            if (event["cluster"], event["job_id"]) == (cluster, job_id)
        ]

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except httpx.HTTPError:
                self._stop.wait(0.2)

    def stop(self) -> None:
        self._stop.set()

    def _follow(self) -> None:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self._last_id}
        with httpx.stream("GET", f"{self._api}/v1/events", headers=headers, timeout=2) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                if self._stop.is_set():
                    return
                if line.startswith("id:"):
                    self._last_id = line[3:].strip()
                elif line.startswith("data:"):
                    self.events.append(json.loads(line[5:]))


@contextmanager
def following(api: str) -> Iterator[Feed]:
    feed = Feed(api)
    thread = threading.Thread(target=feed.run, daemon=True)
    thread.start()
    try:
        yield feed
    finally:
        feed.stop()
        thread.join(5)
