"""Who may do what.

Belongs: tokens, roles, scopes, the audit record.
Never: HTTP, MCP, storage of anything else.
Read first: binding.py.
"""
