"""The group's configuration, kept in one key-value bucket.

Belongs: reading, changing and watching registry documents.
Never: SSH, SQL, secrets, the shape of a document (contracts.documents and contracts.registry have it).
Read first: registry.py, then kinds.py.
"""
