import re

import pytest

from slurmfleet.store.edition import Edition
from slurmfleet.store.migrate import MalformedMigrationError, Migration, shipped_migrations


def migration(text: str) -> Migration:
    return Migration(version=1, name="0001_x.sql", text=text)


def test_a_block_is_kept_on_its_editions_alone():
    text = "SELECT 1;\n-- if edition: community, apache\nSELECT 2;\n-- end if\nSELECT 3;\n"

    assert {edition: migration(text).scripts_for(edition) for edition in Edition} == {
        Edition.COMMUNITY: [
            text.replace("-- if edition: community, apache\n", "").replace("-- end if", "")
        ],
        Edition.APACHE: [
            text.replace("-- if edition: community, apache\n", "").replace("-- end if", "")
        ],
        Edition.PLAIN: ["SELECT 1;\n\nSELECT 3;\n"],
    }


def test_a_file_for_one_edition_is_left_out_on_the_others():
    one = migration("-- Why.\n-- edition: community\n\nSELECT 1;\n")

    assert (one.scripts_for(Edition.APACHE), len(one.scripts_for(Edition.COMMUNITY))) == ((), 1)


def test_a_flag_counts_before_the_first_statement_only():
    assert migration("SELECT 1;\n-- transaction: off\n").transactional
    assert not migration("-- Why.\n-- transaction: off\nSELECT 1;\n").transactional


def test_without_a_transaction_statements_are_split_at_their_marks():
    one = migration("-- transaction: off\nSELECT 1;\n-- statement\n\n-- statement\nSELECT 2;\n")

    assert one.scripts_for(Edition.PLAIN) == ["-- transaction: off\nSELECT 1;\n", "\nSELECT 2;\n"]


def test_an_unknown_edition_is_refused():
    with pytest.raises(MalformedMigrationError, match="'gold' does not name editions"):
        migration("-- edition: gold\nSELECT 1;").scripts_for(Edition.PLAIN)


def test_every_migration_states_its_lock_and_duration():
    lacking = [
        one.name
        for one in shipped_migrations()
        if "-- Lock:" not in one.text or "Expected duration:" not in one.text
    ]

    assert lacking == []


def shipped_for_community(name: str) -> str:
    (found,) = (one for one in shipped_migrations() if one.name.endswith(f"_{name}.sql"))
    assert found.transactional
    return "\n".join(found.scripts_for(Edition.COMMUNITY))


def test_the_community_edition_compresses_samples_by_series():
    text = shipped_for_community("job_samples")

    for table in ("gpu_samples", "load_samples"):
        assert re.search(
            rf"ALTER TABLE {table} SET \(\s+timescaledb.compress,"
            r" timescaledb.compress_segmentby = 'series_id',\s+"
            r"timescaledb.compress_orderby = 'observed_at'\s+\);\s+"
            rf"SELECT add_compression_policy\('{table}', INTERVAL '\d days'\);",
            text,
        )
    assert "USING brin (observed_at)" not in text.partition("sampling_gaps_observed")[0]


def test_the_continuous_aggregate_may_be_made_within_a_transaction():
    text = shipped_for_community("gpu_use_5min")
    made = text[text.index("CREATE MATERIALIZED VIEW gpu_use_5min") :].partition(";")[0]

    assert made.endswith("WITH NO DATA")
    assert "timescaledb.continuous, timescaledb.materialized_only = FALSE" in made
    assert "CREATE VIEW gpu_use_5min" not in text


def test_five_minutes_have_the_same_columns_on_every_edition():
    (found,) = (one for one in shipped_migrations() if one.name.endswith("_gpu_use_5min.sql"))
    columns = {
        edition: re.findall(r" AS (\w+)[,\n]", "\n".join(found.scripts_for(edition)))
        for edition in Edition
    }

    assert columns[Edition.APACHE] == columns[Edition.PLAIN]
    assert columns[Edition.COMMUNITY] == columns[Edition.PLAIN]
    assert "bucket_at" in columns[Edition.PLAIN]


def test_what_is_compressed_is_ordered_by_the_rest_of_its_key():
    """TimescaleDB refuses to compress a table whose key has a column in neither place."""
    found: set[str] = set()
    for name in ("job_samples", "cluster_samples"):
        text = shipped_for_community(name)
        for table, segments, order in re.findall(
            r"ALTER TABLE (\w+) SET \(\s+timescaledb.compress,\s+"
            r"timescaledb.compress_segmentby = '([^']+)',\s+"
            r"timescaledb.compress_orderby = '([^']+)'",
            text,
        ):
            made = text[text.index(f"CREATE TABLE {table} (") :]
            key = re.search(r"PRIMARY KEY \(([^)]+)\)", made)
            assert key
            assert set(key[1].split(", ")) == {*segments.split(", "), *order.split(", ")}, table
            found.add(table)

    assert found == {"gpu_samples", "load_samples", "partition_samples", "share_samples", "surveys"}
