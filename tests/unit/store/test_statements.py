import pytest

from slurmfleet.store.statements import (
    MalformedStatementError,
    Statement,
    all_statements,
    parse_statements,
)


def test_a_statement_has_a_name_a_sentence_and_sql():
    text = "-- name: one\n-- A row is\n-- a number.\nSELECT 1;\n\n-- name: two\n-- Two.\nSELECT 2\n"

    assert parse_statements(text, room="read") == [
        Statement(name="one", sentence="A row is a number.", text="SELECT 1", room="read"),
        Statement(name="two", sentence="Two.", text="SELECT 2", room="read"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT 1", "SQL before the first name"),
        ("-- name: one\nSELECT 1", "one lacks its sentence"),
        ("-- name: one\n-- One.\n", "one lacks its SQL"),
        ("-- name: One\n-- One.\nSELECT 1", "'One' is not a statement's name"),
        ("-- name:\n-- One.\nSELECT 1", "'' is not a statement's name"),
    ],
)
def test_a_file_that_breaks_the_rules_is_refused(text: str, told: str):
    with pytest.raises(MalformedStatementError, match=told):
        parse_statements(text, room="read")


SMALL_BY_NATURE = {
    "list_schema_migrations",
    "list_partition_counts",
    "list_cluster_names",
    *("list_tables", "list_sequences", "list_checksums", "list_revision_columns"),
}
"""As long as the configuration, or as the schema itself."""


def test_every_list_has_a_limit():
    lists = {name: one.text for name, one in all_statements().items() if name.startswith("list_")}
    unbounded = {name for name, text in lists.items() if "LIMIT" not in text}

    assert unbounded == SMALL_BY_NATURE


def test_no_statement_selects_everything_or_skips_by_number():
    texts = {name: one.text for name, one in all_statements().items()}

    assert [name for name, text in texts.items() if "SELECT *" in text or "OFFSET" in text] == []
