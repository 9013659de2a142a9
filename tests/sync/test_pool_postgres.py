"""`Pool` over real connections: asyncpg's, to a PostgreSQL server that the tests start for themselves."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import aioxide
from tests.sync.waiting import PATIENCE, cancelled

asyncpg = pytest.importorskip("asyncpg")

# What a query gives whose connection the server has ended: it depends on what has been heard of that.
BROKEN = (asyncpg.PostgresError, asyncpg.InterfaceError)


def programs():
    """Where the server's programs are: the newest of those that are installed, or what the path finds."""
    installed = Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")
    newest = max(installed, key=lambda path: float(path.parts[-3]), default=None)
    found = newest or shutil.which("pg_ctl")
    return Path(found).resolve().parent if found else None


@pytest.fixture(scope="module")
def server():
    """The folder of the socket of a server that runs while this file's tests do."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("PostgreSQL is not installed")
    # The server refuses to run as root.
    somebody = {}
    if os.name == "posix" and os.geteuid() == 0:
        somebody = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def run(program, *args):
        command = [bin_folder / program, "-D", data, *args]
        done = subprocess.run(command, **somebody, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout, done.stderr, log.exists() and log.read_text())

    # Not of pytest's: those are root's, and their names too long for a socket.
    with tempfile.TemporaryDirectory(prefix="aioxide-pg-") as name:
        folder = Path(name)
        data, log = folder / "data", folder / "log"
        if somebody:
            try:
                shutil.chown(folder, "postgres", "postgres")
            except LookupError:
                pytest.skip("there is nobody to run the server as")
        run("initdb", "--auth=trust", "--username=tester", "--no-sync", "--encoding=UTF8", "--locale=C")
        options = f"-k '{folder}' -c listen_addresses= -c fsync=off -c max_connections=40"
        # With a log of its own it does not hold the pipes that are waited for here.
        run("pg_ctl", "start", "--wait", "--log", str(log), "-o", options)
        try:
            yield folder
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate")


@pytest.fixture
def connect(server):
    """The factory: opens a connection."""
    name = {"application_name": "pooled"}
    return lambda: asyncpg.connect(host=str(server), user="tester", database="postgres", server_settings=name)


@pytest.fixture
async def control(server):
    """A connection beside the pool, which looks on."""
    connection = await asyncpg.connect(host=str(server), user="tester", database="postgres")
    yield connection
    await connection.close()


def close(connection):
    return connection.close()


def alive(connection):
    return connection.fetchval("SELECT true")


def seems_open(connection):
    return not connection.is_closed()


async def backend(connection):
    return await connection.fetchval("SELECT pg_backend_pid()")


async def backends(control):
    rows = await control.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'pooled'")
    return {row["pid"] for row in rows}


async def left(control, count):
    """Asks the server until it has so many of the pool's connections: it ends them in its own time."""
    async with asyncio.timeout(PATIENCE):
        while len(await backends(control)) != count:
            pass


async def kill(control, pid):
    """Ends a connection at the server's side, as a restart would."""
    assert await control.fetchval("SELECT pg_terminate_backend($1, $2)", pid, int(PATIENCE * 1000))


async def test_many_tasks_share_a_few_connections(connect, control):
    used = set()

    async def ask(number):
        async with pool.acquire() as connection:
            pid, double = await connection.fetchrow("SELECT pg_backend_pid(), $1::int * 2", number)
            used.add(pid)
            return double

    async with aioxide.Pool(connect, max_size=4, min_size=2, check=alive, close=close) as pool:
        assert len(await backends(control)) == 2
        assert await asyncio.gather(*(ask(number) for number in range(100))) == [2 * n for n in range(100)]
        assert await backends(control) == used
        assert len(used) == pool.size == pool.idle == 4
    await left(control, 0)
    assert pool.statistics()["closed"] == pool.statistics()["made"] == 4


@pytest.mark.parametrize("check", [alive, seems_open])
async def test_one_that_the_server_ended_is_replaced(connect, control, check):
    async with aioxide.Pool(connect, max_size=2, check=check, close=close) as pool:
        async with pool.acquire() as first, pool.acquire() as second:
            pids = {await backend(first), await backend(second)}
            last = await backend(first)
        await kill(control, last)
        # asyncpg has heard of it when the loop has read what the server said.
        async with asyncio.timeout(PATIENCE):
            while not first.is_closed():
                await backend(control)
        async with pool.acquire() as one, pool.acquire() as other:
            now = {await backend(one), await backend(other)}
        assert last not in now
        assert len(now & pids) == 1
        assert pool.statistics() == {
            "size": 2, "idle": 2, "in_use": 0, "waiting": 0, "made": 3, "closed": 1, "failed": 0
        }  # fmt: skip


async def test_all_are_ended_at_once_and_nobody_sees_it(connect, control):
    async def ask():
        async with pool.acquire() as connection:
            return await connection.fetchval("SELECT 1")

    async with aioxide.Pool(connect, max_size=3, min_size=3, check=alive, close=close) as pool:
        before = await backends(control)
        for pid in before:
            await kill(control, pid)
        assert await asyncio.gather(*(ask() for _ in range(30))) == [1] * 30
        async with asyncio.timeout(PATIENCE):
            while pool.idle < 3:
                await backend(control)
        assert len(await backends(control) - before) == 3


async def sleeper(pool, control):
    """A task in the middle of a query that never ends, and its connection's process."""
    begun = asyncio.get_running_loop().create_future()

    async def sleep():
        async with pool.acquire() as connection:
            begun.set_result(await backend(connection))
            await connection.execute("SELECT pg_sleep(1000)")

    task = asyncio.create_task(sleep())
    pid = await begun
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"
    async with asyncio.timeout(PATIENCE):
        while not await control.fetchval(asleep, pid):
            pass
    return task, pid


async def test_one_that_is_ended_in_the_middle_of_a_query_is_replaced_afterwards(connect, control):
    async with aioxide.Pool(connect, max_size=1, check=alive, close=close) as pool:
        task, pid = await sleeper(pool, control)
        await kill(control, pid)
        with pytest.raises(BROKEN):
            await task
        async with pool.acquire() as connection:
            assert await backend(connection) != pid


async def test_without_a_check_a_broken_one_is_discarded(connect, control):
    async with aioxide.Pool(connect, max_size=1, close=close) as pool:
        async with pool.acquire() as connection:
            pid = await backend(connection)
            await kill(control, pid)
            with pytest.raises(BROKEN):
                await connection.fetchval("SELECT 1")
            pool.discard(connection)
        async with pool.acquire() as connection:
            assert await backend(connection) != pid


async def test_a_query_that_is_cancelled_leaves_a_connection_that_works(connect, control):
    async with aioxide.Pool(connect, max_size=1, check=alive, close=close) as pool:
        task, pid = await sleeper(pool, control)
        with pytest.raises(TimeoutError):
            await pool.acquire(0.001)
        await cancelled(task)
        async with pool.acquire() as connection:
            assert await backend(connection) == pid


async def test_a_server_that_cannot_be_reached(connect, control):
    def refused():
        return asyncpg.connect(host="/nowhere", user="tester", database="postgres")

    async with aioxide.Pool(refused, max_size=2, close=close) as pool:
        outcomes = await asyncio.gather(*(pool.acquire() for _ in range(6)), return_exceptions=True)
        assert all(isinstance(outcome, OSError) for outcome in outcomes)
        assert pool.statistics()["failed"] == 6
    with pytest.raises(FileNotFoundError):
        async with aioxide.Pool(refused, max_size=2, min_size=1, close=close):
            pytest.fail("it is open")


def test_the_example_runs_on_it(server, script):
    example = Path(__file__).parents[2] / "examples" / "12_database.py"
    dsn = f"postgresql://tester@/postgres?host={server}"
    on_postgres = script.works(example, env={"AIOXIDE_EXAMPLE_POSTGRES": dsn})
    assert on_postgres == script.works(example)
