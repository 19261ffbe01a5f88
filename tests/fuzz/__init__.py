"""Parsers under text that nobody meant: Hypothesis, growing inputs, and atheris."""
