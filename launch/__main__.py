"""Starts the site, or only workers, and keeps them running until told to stop.

python -m launch [worker | status | admin]
python -m launch [backup [INTO] | restore FROM | move-database]
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured

from chatsite import startup
from chatsite.wire import Announcement
from launch import readiness, socket_folder, stop_signals
from launch.backup.restore import restore
from launch.backup.site_data import refuse_no_site
from launch.backup.take import take
from launch.checks import (
    check_port,
    check_redis,
    check_static_files,
    check_system_limits,
    compiler_hint,
)
from launch.config import LaunchConfig, make_folders, read_config
from launch.die_with_parent import ended_with_parent
from launch.errors import LaunchError
from launch.instance_lock import hold_instance_lock, is_running
from launch.process_monitor import ProcessMonitor, say
from launch.programs import programs
from launch.stale_processes import end_stale_processes
from launch.supervisord import Supervisor

CHECK_SECONDS = 1


def main(arguments: list[str]) -> int:
    """Run the site, only workers, or a command. Return the exit status."""
    use_utf8()
    stop_signals.raise_on_signals()
    try:
        if arguments[:1] == ["status"] and not was_started():
            return say_not_started(is_for_programs="--json" in arguments)
        if arguments[:1] in (["status"], ["admin"]):
            exec_manage_command(read_config("site"), arguments)
        if arguments[:1] in (["backup"], ["move-database"]):
            refuse_no_site()
        if arguments[:1] == ["backup"]:
            return take_backup(read_config("site"), "".join(arguments[1:]))
        if arguments == ["move-database"]:
            return move_database(read_config("site"))
        if arguments[:1] == ["restore"]:
            return restore_backup("".join(arguments[1:]))
        config = read_config("worker" if arguments == ["worker"] else "site")
        return stop_signals.run_until_stopped(lambda: start(config))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return error.status
    except stop_signals.Stopped as stopped:
        return stopped.status


def use_utf8() -> None:
    """Have this program and its children use UTF-8 for paths and logs.

    If Python did not start in UTF-8 mode, it is started again in it.
    """
    startup.tolerate_letters()
    if not sys.flags.utf8_mode and sys.getfilesystemencoding() != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def was_started() -> bool:
    """Return whether there may be a site to tell about; reading settings makes one."""
    from chatsite.settings_table import storage

    with suppress(ImproperlyConfigured):
        return storage.DATABASE_URL.is_set() or storage.DATA_DIR.read().exists()
    return True  # the bad value is named later


def say_not_started(*, is_for_programs: bool) -> int:
    """Say that no site was started here. Return the exit status."""
    if is_for_programs:
        raise LaunchError("No site was started with this DATA_DIR yet.")
    print("The site is not running. Start it with: make run")
    return 0


def exec_manage_command(config: LaunchConfig, command: list[str]) -> NoReturn:
    """Replace this process by a command of manage.py, with the variables of a start."""
    os.umask(0o077)
    if command[0] == "admin":  # It may be run before the first start.
        make_folders(config)
        migrate()
    elif config.has_own_valkey and not is_running(config.run_dir):
        command = [*command, "--stopped"]
    os.execv(sys.executable, [sys.executable, "manage.py", *command])


def take_backup(config: LaunchConfig, into: str) -> int:
    """Take a backup, also of a site that runs, and say where it is."""
    os.umask(0o077)
    path = take(config.data_dir, into)
    size = path.stat().st_size
    shown = f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
    print(f"backup: {path} ({shown}). It holds the secret")
    print("key and what people wrote: keep it where only you can read it.")
    return 0


def restore_backup(backup: str) -> int:
    """Restore a backup into an empty data folder, and say how to start the site."""
    manifest = restore(backup)
    print(f"restored: everything that was saved until {manifest.taken_at}.")
    print("Start the site with the same variables: make run")
    return 0


def move_database(config: LaunchConfig) -> int:
    """Copy the database into the one that ``TO`` names, while no site starts here."""
    make_folders(config)
    remedy = "stop it, so that nothing is written while its database is moved."
    with hold_instance_lock(config.run_dir, remedy):
        command = [sys.executable, "manage.py", "move_database"]
        return subprocess.run(command, check=False).returncode


def start(config: LaunchConfig) -> NoReturn:
    """Check, prepare and run, until ``LaunchError`` or ``Stopped`` is raised.

    All processes have ended before either is raised to the caller.
    """
    os.umask(0o077)
    check_system_limits()
    make_folders(config)
    with hold_instance_lock(config.run_dir):
        end_stale_processes(config.run_dir)
        if config.role == "site":
            check_static_files()
            check_port(config)
        if not config.has_own_valkey:
            check_redis(config)
        if config.role == "site":
            migrate()
        else:
            adopt_model_of_site()
        socket_folder.make(config.socket_dir, config.run_dir)
        supervisor = Supervisor(config, programs(config))
        try:
            supervisor.start()
            serve(config, supervisor)
        finally:
            print("Stopping; a reply being written is handed back.", flush=True)
            supervisor.stop()
            socket_folder.remove(config.socket_dir, config.run_dir)


def serve(config: LaunchConfig, supervisor: Supervisor) -> NoReturn:
    """Start the programs one after the other, then monitor them."""
    monitor = ProcessMonitor(supervisor)
    if config.role == "site":
        readiness.wait_for_page(config, monitor)
        announce_loading()
        if not config.workers:
            say(f"ready: {config.address}")
            say("No worker runs here (WORKERS=0); start some with: make worker")
            monitor_forever(monitor)
        say(f"The page is up at {config.address}; the model is loading.")
    fetch_model(monitor)
    announce_loading()
    say("Loading the model (some seconds).")
    if hint := compiler_hint(config.data_dir, config.worker_precision):
        say(hint)
    supervisor.start_workers()
    worker = readiness.wait_for_worker(served_model(), monitor)
    is_site = config.role == "site"
    say(f"ready: {config.address}" if is_site else "ready: waiting for messages")
    say(model_line(worker))
    monitor_forever(monitor)


def monitor_forever(monitor: ProcessMonitor) -> NoReturn:
    """Check the programs once a second, until an exception is raised."""
    monitor.is_starting = False
    while True:
        monitor.check()
        time.sleep(CHECK_SECONDS)


def migrate() -> None:
    """Migrate the database. Raises ``LaunchError``."""
    command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"]
    ran = subprocess.run(
        # Otherwise it would go on beside that of the next start.
        ended_with_parent("TERM", command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        reason = (ran.stdout.strip() or "no reason given").splitlines()[-1]
        named = " at DATABASE_URL" if os.environ.get("DATABASE_URL", "").strip() else ""
        raise LaunchError(
            f"Cannot prepare the database{named}: {reason}{_remedy(reason)}"
        )


def _remedy(reason: str) -> str:
    """Return what to do if SQLite finds its file damaged, otherwise nothing."""
    if "malformed" not in reason and "not a database" not in reason:
        return ""
    from chatsite import database_file, settings

    database = Path(str(settings.DATABASES["default"]["NAME"]))
    return f". {database_file.remedy(database)}"


def adopt_model_of_site() -> None:
    """Take the model that the site has chosen, unless the settings name one."""
    from django.conf import settings

    from chatsite.mailbox import open_mailbox
    from chatsite.model_choice import configured_model

    if not configured_model() and (model := open_mailbox().served_model()):
        os.environ["CHAT_MODEL"] = settings.CHAT_MODEL = model


def fetch_model(monitor: ProcessMonitor) -> None:
    """Choose the model and download it, with its progress on this terminal.

    Raises ``LaunchError`` if no model can be had.
    """
    command = ended_with_parent("TERM", [sys.executable, "-m", "worker.fetch"])
    with subprocess.Popen(command) as fetching:
        try:
            while fetching.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    fetching.wait(CHECK_SECONDS)
                monitor.check()
        except BaseException:
            fetching.terminate()
            raise
    if fetching.returncode != 0:
        raise LaunchError("No model could be loaded; the reason is above.")


def announce_loading() -> None:
    """Announce to the pages which models are loading."""
    from chatsite.model_choice import served_entries

    for entry in served_entries():
        readiness.announce_loading(entry.name, entry.label)


def served_model() -> str:
    """Return the name of a model that these workers serve: the default, if they do."""
    from chatsite.model_choice import model_entry, served_entries

    default, served = model_entry().name, [entry.name for entry in served_entries()]
    return default if default in served else served[0]


def model_line(worker: Announcement) -> str:
    """Return a line on the model: how it is computed, why this one, and which else."""
    from chatsite.model_choice import (
        current_catalog,
        current_choice,
        model_entry,
        served_entries,
    )

    entry, choice = model_entry(), current_choice()
    tried = {entry.name, choice.wanted}
    catalog = current_catalog()
    others = [e.name for e in catalog.entries if e.name not in tried]
    line = f"model: {entry.name} ({entry.label}) {worker.computation}".rstrip()
    if choice.is_fallback:
        line += f" instead of {choice.wanted}, because {choice.reason.rstrip('.')}"
    if more := [one.name for one in served_entries() if one.name != worker.model]:
        return f"{line}; also: {', '.join(more)}"
    other = others[0] if others else "/path/to/folder"
    if catalog.fallback in others[1:]:
        other += f" or, if its hub is out of reach, CHAT_MODEL={catalog.fallback}"
    return f"{line}; choose another with CHAT_MODEL={other}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
