"""The embedded server, on throwaway data: started, found again, killed, refused, and never mistaken for a bystander."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from launch import binaries
from launch.account import Account, server_account
from launch.cluster import PidFile
from launch.postgres import Embedded, ServerError

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root borrows another account")


@pytest.fixture
def server(var: Path) -> Iterator[Embedded]:
    with Embedded(var, durable=False) as embedded:
        yield embedded


def ask(url: str, question: str) -> object:
    """The one value that a statement gives, if it gives one, through the address that the application gets."""
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), connect_timeout=5) as connection:
        cursor = connection.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def postmaster(server: Embedded) -> int:
    return int(PidFile(server.data).lines()[0])


def test_the_application_owns_its_database_and_is_not_superuser(shared: Embedded) -> None:
    assert ask(shared.url(), "SELECT current_user || ':' || current_database()") == "care:care"
    assert ask(shared.url(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert ask(shared.url(), "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'care'") == "care"
    ask(shared.url(), "CREATE TABLE proof (number integer)")


def test_more_databases_are_made_on_demand_and_dropped_while_in_use(shared: Embedded) -> None:
    url = shared.ensure_database("replay")
    ask(url, "CREATE TABLE proof (number integer)")
    assert shared.ensure_database("replay") == url
    assert ask(shared.ensure_database("copy", template="replay"), "SELECT count(*) FROM proof") == 0
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")):
        shared.drop_database("replay")
    with pytest.raises(psycopg.OperationalError):
        ask(url, "SELECT 1")
    with pytest.raises(ValueError, match="small letters"):
        shared.ensure_database('odd"name')
    with pytest.raises(ValueError, match="not to be dropped"):
        shared.drop_database("care")


def test_a_wrong_password_and_no_password_are_refused(shared: Embedded) -> None:
    for password in ("wrong", ""):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=str(shared.data), port=5432, user="care", dbname="care", password=password)


def test_the_log_quotes_no_value_of_a_failed_statement(shared: Embedded) -> None:
    ask(shared.url(), "CREATE TABLE person (name text UNIQUE, age integer)")
    ask(shared.url(), "INSERT INTO person VALUES ('Canary Yellow', 3)")
    for statement in ("INSERT INTO person VALUES ('Canary Yellow', 4)", "SELECT 'Canary Yellow'::integer"):
        with pytest.raises(psycopg.Error):
            ask(shared.url(), statement)
    assert "ready to accept connections" in (shared.var / "postgres.log").read_text()
    assert "Canary" not in (shared.var / "postgres.log").read_text()


def test_secrets_and_data_are_for_their_owner_alone(shared: Embedded) -> None:
    for path in (shared.var / "postgres.json", shared.var / "postgres.log"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(shared.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(shared.var.stat().st_mode) == 0o700


def test_data_outlives_a_restart_and_a_restart_is_quick(var: Path) -> None:
    with Embedded(var, durable=False) as first:
        ask(first.url(), "CREATE TABLE proof AS SELECT 7 AS number")
        url = first.url()
    assert not first.running()
    began = time.monotonic()
    with Embedded(var, durable=False) as second:
        assert time.monotonic() - began < 5
        assert second.url() == url
        assert ask(url, "SELECT number FROM proof") == 7


def test_a_second_starter_uses_the_first_ones_server_and_the_last_to_leave_stops_it(server: Embedded) -> None:
    before = postmaster(server)
    with Embedded(server.var, durable=False) as second:
        assert postmaster(server) == before
        assert ask(second.url(), "SELECT 1") == 1
    assert ask(server.url(), "SELECT 1") == 1
    third = Embedded(server.var, durable=False)
    third.start()
    server.stop()
    assert ask(third.url(), "SELECT 1") == 1
    third.stop()
    assert not third.running()


def test_many_starters_at_once_share_one_server(empty: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from launch.postgres import Embedded\n"
        "with Embedded(Path(sys.argv[1]), durable=False, say=lambda text: None) as server:\n"
        "    print((server.data / 'postmaster.pid').read_text().split()[0], flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(empty)]
    starters = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)
    ]
    pids = {starter.stdout.readline() for starter in starters if starter.stdout}
    for starter in starters:
        starter.communicate("")
        assert starter.returncode == 0
    assert len(pids) == 1
    assert not Embedded(empty).running()


def test_the_server_of_a_killed_starter_is_adopted_and_stopped(var: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from launch.postgres import Embedded\n"
        "Embedded(Path(sys.argv[1]), durable=False, say=lambda text: None).start(); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(var)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    adopter = Embedded(var, durable=False)
    assert adopter.running()
    before = postmaster(adopter)
    adopter.start()
    assert postmaster(adopter) == before
    adopter.stop()
    assert not adopter.running()


def test_a_killed_server_recovers_with_what_was_committed(var: Path) -> None:
    with Embedded(var, durable=True) as server:
        ask(server.url(), "CREATE TABLE proof AS SELECT 7 AS number")
        os.kill(postmaster(server), signal.SIGKILL)
        assert ask(server.start(), "SELECT number FROM proof") == 7


def test_a_stale_pid_file_that_names_a_bystander_does_not_stop_us_and_the_bystander_lives(var: Path) -> None:
    account = server_account()
    with subprocess.Popen(["sleep", "60"], start_new_session=True, **account.for_process()) as bystander:
        try:
            with Embedded(var, durable=False) as server:
                lines = PidFile(server.data).lines()
                os.kill(int(lines[0]), signal.SIGKILL)
                while server.running():
                    time.sleep(0.02)
                server._process = None  # as after a restart of the machine: nobody remembers the server
                (server.data / "postmaster.pid").write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
                server.start()
                assert ask(server.url(), "SELECT 1") == 1
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_a_server_that_we_did_not_start_is_left_alone(var: Path) -> None:
    server = Embedded(var, durable=False)
    server.start()
    (server.var / "postgres.server.lock").rename(server.var / "aside")  # so nothing tells us that it is ours
    (server.data / ".s.PGSQL.5432").rename(server.data / "aside")  # and it does not answer
    content = (server.data / "postmaster.pid").read_bytes()
    with pytest.raises(ServerError, match="did not start runs on"):
        Embedded(var, durable=False).start()
    assert (server.data / "postmaster.pid").read_bytes() == content
    (server.data / "aside").rename(server.data / ".s.PGSQL.5432")
    (server.var / "aside").rename(server.var / "postgres.server.lock")
    assert ask(server.url(), "SELECT 1") == 1
    server.stop()


def test_a_long_path_gets_a_loopback_port_and_finds_it_again(var: Path) -> None:
    deep = var / ("deep" * 25)
    with Embedded(deep, durable=False) as server:
        assert "@127.0.0.1:" in server.url()
        assert ask(server.url(), "SELECT 1") == 1
        with Embedded(deep, durable=False) as second:
            assert second.url() == server.url()
        os.kill(postmaster(server), signal.SIGKILL)
        before = server.url()
        assert server.start() == before


def test_lost_passwords_and_another_versions_data_are_explained(var: Path) -> None:
    with Embedded(var, durable=False) as server:
        pass
    (server.var / "postgres.json").rename(server.var / "aside")
    with pytest.raises(ServerError, match=r"postgres\.json .* is missing"):
        server.start()
    (server.var / "aside").rename(server.var / "postgres.json")
    (server.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(ServerError, match="PostgreSQL 12"):
        server.start()


def test_a_half_made_data_directory_is_made_again(empty: Path) -> None:
    (empty / "postgres.new").mkdir(parents=True)
    (empty / "postgres.new" / "PG_VERSION").write_text("18\n")
    with Embedded(empty, durable=False) as server:
        assert ask(server.url(), "SELECT 1") == 1
    assert not (empty / "postgres.new").exists()


@as_root
def test_root_runs_the_server_as_somebody_else_and_changes_nothing_outside(empty: Path) -> None:
    empty.mkdir()
    parents = [empty, *empty.parents]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents]
    with Embedded(empty, durable=False) as server:
        assert empty.parent.stat().st_mode & 0o077 == 0  # the account can't even get here
        status = Path(f"/proc/{postmaster(server)}/status").read_text()
        assert f"Uid:\t{server_account().uid}\t" in status
        assert server_account().uid != 0
        assert "Groups:\t \n" in status
    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in parents] == before


@as_root
def test_binaries_that_the_account_can_not_reach_are_copied_and_the_copy_goes_with_the_server(var: Path) -> None:
    hidden = var.parent / "site-packages"
    (hidden / binaries.PACKAGE).mkdir(parents=True)
    (hidden / binaries.PACKAGE / "__init__.py").write_text("raise RuntimeError('nobody imports this')")
    source = binaries.installed()
    (hidden / binaries.PACKAGE / source.name).symlink_to(source)
    (hidden / f"{binaries.PACKAGE}.libs").symlink_to(source.parent.parent / f"{binaries.PACKAGE}.libs")
    code = (
        "import sys; from pathlib import Path; from launch import binaries; from launch.postgres import Embedded\n"
        "var = Path(sys.argv[1])\n"
        "with Embedded(var, durable=False, say=lambda text: None) as server:\n"
        "    assert binaries.copy_of(var).is_dir(); print(server.running())\n"
        "print(binaries.copy_of(var).exists())"
    )
    # The package is found in the folder that is closed to others, so only a copy of it can be run.
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[2])\n" + code, str(var), str(hidden)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_without_a_borrowed_account_a_process_is_started_as_we_are() -> None:
    assert Account(1000, 1000, borrowed=False).for_process() == {}
