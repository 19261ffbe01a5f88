"""The group's configuration, kept in one key-value bucket.

Belongs: reading, changing and watching registry documents.
Never: SSH, SQL, secrets, the shape of a document (that is in contracts).
Read first: registry.py, then kinds.py.
"""
