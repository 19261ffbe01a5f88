"""The tools, one module per toolset.

Belongs: names, descriptions, arguments, which question of the reader answers them.
Never: SQL, rendering (services.mcp.render has it), text from a cluster in a description.
Read first: observe.py.
"""
