"""Backups of store and registry as one file, and bringing them back.

Belongs: the file's shape, taking, checking, restoring, where backups lie and which are kept.
Never: SQL, starting servers, asking people, when a backup is due in a stack.
Read first: taking.py, restoring.py, archive.py.
"""
