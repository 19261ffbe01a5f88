"""W3C trace context: which messages belong to one look or one request.

Source: https://www.w3.org/TR/trace-context/, "traceparent Header".
"""

import secrets


def new_traceparent() -> str:
    """Give a new trace of which this process keeps no spans: version 00, sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
