"""Key-value buckets on JetStream, laid out so that the `nats kv` tool can read them.

Reads go to the stream's leader, so a reader sees what it has just written.

Source: ADR-8 of nats-architecture-and-design; expiry markers: ADR-43 (nats-server 2.11).
"""

from collections.abc import Mapping

from slurmfleet.bus.errors import KeyNotFoundError, RevisionConflictError
from slurmfleet.bus.names import check_key
from slurmfleet.bus.nats_api import MessageBody, PubAckBody, StoredMessage, call, parse
from slurmfleet.bus.nats_link import Link
from slurmfleet.bus.nats_setup import bucket_stream
from slurmfleet.bus.port import KvEntry

EXPECTED_REVISION = "Nats-Expected-Last-Subject-Sequence"
OPERATION = "KV-Operation"
MARKER = "Nats-Marker-Reason"


def subject_of(bucket: str, key: str) -> str:
    """Give the subject of a key.

    Raises:
        BusRefusedError: The bucket or the key holds what a subject may not.
    """
    check_key(bucket, key)
    return f"$KV.{bucket}.{key}"


def is_removal(headers: Mapping[str, str]) -> bool:
    """Tell whether a message in a bucket's stream says that its key is gone."""
    return headers.get(OPERATION) in ("DEL", "PURGE") or MARKER in headers


async def read(link: Link, bucket: str, key: str, limit_s: float) -> KvEntry:
    """Read a key.

    Raises:
        KeyNotFoundError: It is not there.
    """
    stored = await _last(link, bucket, key, limit_s)
    if is_removal(stored.headers):
        raise KeyNotFoundError(f"read {key} of {bucket}", "it was deleted or has expired")
    return KvEntry(key=key, value=stored.body, revision=stored.seq, written_at=stored.time)


async def write(
    link: Link,
    bucket: str,
    key: str,
    value: bytes,
    *,
    limit_s: float,
    revision: int | None = None,
    removal: bool = False,
) -> int:
    """Write or remove a key; give the new revision.

    Args:
        link: Where.
        bucket: Its bucket.
        key: Its name.
        value: Empty for a removal.
        limit_s: For the round trip.
        revision: The one it must have now, 0 for a key that never was; None: any.
        removal: Write a marker that the key is gone.
    """
    headers = {OPERATION: "DEL"} if removal else dict[str, str]()
    if revision is not None:
        headers[EXPECTED_REVISION] = str(revision)
    operation = f"write {key} of {bucket}"
    answer = await link.request(
        subject_of(bucket, key), value, operation=operation, limit_s=limit_s, headers=headers
    )
    return parse(operation, PubAckBody, answer).seq


async def create(link: Link, bucket: str, key: str, value: bytes, limit_s: float) -> int:
    """Write a key that does not exist now, though it may have existed once.

    Raises:
        RevisionConflictError: It exists.
    """
    try:
        return await write(link, bucket, key, value, limit_s=limit_s, revision=0)
    except RevisionConflictError:
        try:
            stored = await _last(link, bucket, key, limit_s)
        except KeyNotFoundError:  # it went away between the two calls
            return await write(link, bucket, key, value, limit_s=limit_s, revision=0)
        if not is_removal(stored.headers):
            raise
        return await write(link, bucket, key, value, limit_s=limit_s, revision=stored.seq)


async def _last(link: Link, bucket: str, key: str, limit_s: float) -> StoredMessage:
    verb = f"STREAM.MSG.GET.{bucket_stream(bucket)}"
    wanted = {"last_by_subj": subject_of(bucket, key)}
    body = await call(link, verb, MessageBody, wanted, limit_s=limit_s)
    if body.message is None:
        raise KeyNotFoundError(f"read {key} of {bucket}", "the server sent no message")
    return body.message
