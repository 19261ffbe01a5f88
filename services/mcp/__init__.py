"""The MCP server for agents.

Belongs: tools, their wording, compact rendering for a model.
Never: SQL, HTTP routes, its own business rules.
Read first: server.py, answers.py, render.py, tools/.
"""
