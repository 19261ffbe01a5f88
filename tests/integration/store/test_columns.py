import psycopg
import pytest

from slurmfleet.store.write.columns import number_array, text_array
from tests.plugins.postgres import Database, Role


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="nothing"),
        pytest.param([""], id="one empty text"),
        pytest.param(['"'], id="one quote"),
        pytest.param(['","'], id="what parts two texts"),
        pytest.param(['a"', 'b","c', '"'], id="quotes that could be parts"),
        pytest.param(["a", "\\", "b"], id="a backslash"),
        pytest.param(["a,b", "{}", "NULL", " ", "\n"], id="signs that need quotes"),
    ],
)
async def test_the_server_reads_the_texts_that_were_written(values: list[str], database: Database):
    async with await psycopg.AsyncConnection.connect(database.dsn(Role.WRITER)) as connection:
        cursor = await connection.execute("SELECT %s::text[]", (text_array(values),))

        assert await cursor.fetchone() == (values,)


async def test_the_server_reads_the_numbers_that_were_written(database: Database):
    numbers = [1, None, -2.5, 1e300]
    async with await psycopg.AsyncConnection.connect(database.dsn(Role.WRITER)) as connection:
        cursor = await connection.execute(
            "SELECT %s::float8[], %s::boolean[]",
            (number_array(numbers), number_array([True, None, False])),
        )

        assert await cursor.fetchone() == (numbers, [True, None, False])
