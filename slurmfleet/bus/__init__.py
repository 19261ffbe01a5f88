"""The one door to NATS.

Belongs: connect, publish, consume, request and reply, key-value, leases, the in-memory twin.
Never: the meaning of a message, SQL, a service's retry policy.
Read first: port.py, nats.py, memory.py, lease.py.
"""
