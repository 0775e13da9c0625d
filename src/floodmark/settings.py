"""Every setting: name, default, unit, help. Read once from a TOML file and the environment, then passed on.

`floodmark settings` prints the table, docs/settings.md explains each, and a test holds the two together.
A value comes from, in this order: the environment (`FLOODMARK_DATABASE_URL`), the TOML file (`database_url = "..."`),
the default. Keys that are not in the table are refused with file and line.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from floodmark.errors import SettingsError

ENV_PREFIX = "FLOODMARK_"
DEFAULT_FILE = Path("floodmark.toml")


def setting(default: Any, help: str, **bounds: Any) -> Any:
    """One row of the table: its default, its help, and bounds such as `ge=1`."""
    return Field(default=default, description=help, **bounds)


class Settings(BaseSettings):
    """The table. A name ends in its unit; MB is 10**6 bytes."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    # where the data is
    data_dir: Path = setting(Path("var"), "Folder for what Floodmark keeps: its private database, artifacts, state.")
    database_url: SecretStr | None = setting(
        None, "PostgreSQL URL of Floodmark's own database. Without it a private server is started in data_dir."
    )
    source_url: SecretStr | None = setting(
        None, "PostgreSQL URL of an existing RSR database to read from. It is opened read-only and never written to."
    )
    database_connect_seconds: int = setting(10, "How long a database may take to accept a connection.", ge=2, le=600)
    private_database_start_seconds: float = setting(
        60.0, "How long the private server may take to start, or another command to start or stop it.", gt=0
    )
    private_database_buffers_mb: int = setting(32, "Shared buffers of the private server.", ge=1, le=100_000)

    # the files: floodmark export, and every build
    rsr_base_url: str = setting("https://rsr.akvo.org", "Address of RSR's pages, for links to updates in the files.")
    rsr_media_url: str = setting("", "Address of uploaded files, for links to them. Without it rsr_base_url/media.")
    page_rows: int = setting(4000, "Rows of all tables that a page of projects is aimed at.", ge=100, le=100_000)
    table_rows: int = setting(1000, "Most rows of one table in memory at once.", ge=10, le=25_000)
    report_max_lines: int = setting(1_000_000, "Lines that a build report lists before it only counts.", ge=1)
    database_patience_seconds: float = setting(20.0, "How long a build goes on asking a database that went away.", ge=0)

    # floodmark import
    import_unit_max_mb: float = setting(
        20.0, "Largest single element (a transaction, a period) that an import holds in memory.", gt=0, le=1000
    )
    import_buffer_mb: float = setting(4.0, "Rows that wait in memory before they are copied.", gt=0, le=1000)

    # serving: floodmark serve
    bind: str = setting("127.0.0.1:8000", "Address and port to serve on; port 0 takes any free one.")
    public_url: str = setting("", "Address by which the world knows this server, for the URLs in /datasets.json.")
    web_workers: int = setting(2, "Processes that answer requests.", ge=1, le=64)
    web_threads: int = setting(64, "Requests that one process answers at once; a slow reader holds one.", ge=1, le=1000)
    web_worker_max_mb: int = setting(300, "A web process above this memory (PSS) is replaced after a request.", ge=20)
    web_database_connections: int = setting(4, "Requests of one web process that may ask the database at once.", ge=1)
    graceful_seconds: int = setting(30, "What a stopping process may still take for requests in hand.", ge=1)
    keepalive_seconds: int = setting(15, "How long an idle connection of a client is kept.", ge=0)
    header_timeout_seconds: int = setting(15, "A client that begins a request and then says nothing is let go.", ge=1)
    send_timeout_seconds: int = setting(60, "A client that takes no 64 KB in this time is let go.", ge=1)
    first_build_wait_seconds: float = setting(2.0, "How long a request waits for the first build of a dataset.", ge=0)
    retry_after_seconds: int = setting(5, "What a client is told to wait where there is no file yet.", ge=1, le=60)
    trusted_proxies: str = setting(
        "", "Addresses, comma between, whose X-Forwarded-Proto and X-Forwarded-For are believed."
    )
    metrics_user: str = setting("", "User of /metrics; without user and password it answers only to this machine.")
    metrics_password: SecretStr | None = setting(None, "Password of /metrics.")
    request_log: str = setting(
        "log/requests.jsonl", "File of request records, below data_dir; `-` is standard output, empty is none."
    )
    request_log_max_mb: int = setting(50, "Size at which the file of request records is begun anew.", ge=1)
    request_log_keep: int = setting(3, "Full files of request records that are kept.", ge=0, le=100)
    project_fresh_seconds: int = setting(
        60, "How old the file of a single project may be before it is built anew.", ge=0
    )
    project_max_mb: int = setting(100, "Largest file of a single project that is built for a request.", ge=1)
    project_builds: int = setting(2, "Files of single projects that one web process builds at once.", ge=1, le=64)
    project_wait_seconds: float = setting(5.0, "How long a request waits for its turn to have one built.", ge=0)
    project_cache_mb: int = setting(500, "Disk that files of single projects may take together.", ge=1)

    # artifacts
    artifacts_url: str | None = setting(
        None, "Where artifacts are kept: a folder or any fsspec URL. Without it data_dir/artifacts."
    )
    segment_max_mb: float = setting(40.0, "Largest segment; an activity file above it gets segments.", gt=0)
    artifact_grace_minutes: int = setting(60, "How long a replaced file stays for readers that have begun it.", ge=0)

    # jobs: floodmark worker
    worker_max_mb: int = setting(300, "A worker above this memory (RSS) is replaced after a job.", ge=20)
    worker_poll_seconds: float = setting(0.5, "How often an idle worker looks for a job.", gt=0)
    heartbeat_seconds: float = setting(5.0, "How often a worker says that it lives.", gt=0)
    worker_dead_seconds: float = setting(30.0, "Silence after which a worker is dead and its job is taken over.", gt=0)
    job_attempts: int = setting(4, "How often a job is tried before it has failed.", ge=1, le=100)
    job_backoff_seconds: float = setting(5.0, "Wait before the second try; it doubles with each.", ge=0)
    job_backoff_max_seconds: float = setting(300.0, "Longest wait between two tries.", ge=0)
    job_keep_days: float = setting(7.0, "How long finished jobs stay in the database.", ge=0)
    build_stall_minutes: float = setting(10.0, "A build that writes nothing for so long is stopped.", gt=0)
    check_minutes: float = setting(5.0, "How often rows are looked at for changes; 0 never.", ge=0)
    rebuild_hours: float = setting(
        24.0, "A dataset is built anew after this time even if no change was seen; 0 never.", ge=0
    )

    # the watch: floodmark watch (what to watch stands in a file of its own, docs/watch.md)
    watch_interval_seconds: float = setting(15.0, "How often every collector is asked.", gt=0)
    watch_pss_seconds: float = setting(300.0, "How often PSS is read; it costs up to 7 ms a process, RSS 20 µs.", gt=0)
    watch_window_seconds: float = setting(21_600.0, "The window that is diagnosed; its clocks scale with it.", ge=60)
    watch_bin_seconds: float = setting(60.0, "Width of the bins in which requests are counted.", gt=0)
    watch_diagnose_seconds: float = setting(60.0, "How often the window is diagnosed while something grows.", gt=0)
    watch_quiet_seconds: float = setting(300.0, "How often the window is diagnosed while nothing grows.", gt=0)
    watch_trend_seconds: float = setting(21_600.0, "How often the trend over 30 days is judged.", ge=60)
    watch_screen_mb_per_hour: float = setting(
        20.0, "Growth of a service, by a plain line, from which it is a suspect and diagnosed more often.", gt=0
    )
    watch_raw_hours: float = setting(24.0, "How long samples are kept as they came, before five-minute medians.", gt=0)
    watch_keep_days: float = setting(30.0, "How long samples are kept at all.", gt=0)
    watch_max_disk_mb: float = setting(2_000.0, "Size of the watch's store above which its oldest part goes.", ge=10)
    watch_store_memory_mb: float = setting(32.0, "Memory that the watch's store may use for itself.", ge=16)
    watch_max_series: int = setting(
        5_000, "Series that the store keeps apart; later ones are left out and said.", ge=10
    )
    watch_max_processes: int = setting(500, "Processes, containers or pods of one collector that are measured.", ge=1)
    watch_max_suspects: int = setting(50, "Series of one Prometheus server that are fetched whole.", ge=1)
    watch_parallel: int = setting(20, "Containers of one Docker engine that are asked about at once.", ge=1, le=200)
    watch_max_events: int = setting(1000, "Events of one Docker engine that are read in one round.", ge=1)
    watch_max_answer_mb: float = setting(64.0, "Largest answer of a Prometheus server that is read.", gt=0)
    watch_log_max_mb: float = setting(16.0, "Bytes of one log that are read in one round; the rest waits.", gt=0)
    watch_log_from_start: bool = setting(False, "Read a log met for the first time from its beginning, not its end.")
    watch_timeout_seconds: float = setting(10.0, "How long a collector or a messenger waits for an answer.", gt=0)
    watch_blind_seconds: float = setting(300.0, "Silence of a collector after which the watch says it is blind.", gt=0)
    watch_repeat_seconds: float = setting(14_400.0, "How often an alert that lasts is told again.", gt=0)
    watch_resolve_seconds: float = setting(900.0, "How long an alert's cause must be gone before it is resolved.", ge=0)
    watch_give_up_seconds: float = setting(86_400.0, "How long delivery of a message is tried.", gt=0)
    watch_retry_seconds: float = setting(5.0, "Wait after a failed delivery; it doubles up to five minutes.", gt=0)
    watch_max_waiting: int = setting(10_000, "Undelivered messages kept for each messenger; the newest stay.", ge=1)
    watch_act_severity: Literal["warning", "critical", "emergency"] = setting(
        "emergency", "Severity from which a remedy is considered."
    )
    watch_act_after_seconds: float = setting(10_800.0, "How long growth must have lasted before a remedy.", ge=0)
    watch_start_up_seconds: float = setting(300.0, "Age of its youngest process before a service is acted on.", ge=0)
    watch_verify_seconds: float = setting(900.0, "Time after an action at which its effect is judged.", gt=0)
    watch_max_incidents: int = setting(500, "Closed incidents whose reports are kept.", ge=1)
    watch_bind: str = setting("127.0.0.1:8090", "Address and port of the dashboard; port 0 takes any free one.")
    watch_user: str = setting("", "User of the dashboard; needed unless it is bound to this machine only.")
    watch_password: SecretStr | None = setting(None, "Password of the dashboard.")
    watch_viewers: int = setting(20, "Pages of the dashboard that are kept up to date at once.", ge=1, le=500)
    watch_requests: int = setting(
        10, "Requests that the dashboard answers at once beside the pages kept up to date; others wait.", ge=1, le=500
    )
    watch_client_seconds: float = setting(30.0, "A client of the dashboard that says nothing for so long goes.", gt=0)
    watch_page_rows: int = setting(200, "Rows of each table that a page of the dashboard shows.", ge=1, le=5000)
    watch_silence_max_hours: int = setting(336, "Longest silence that the dashboard takes.", ge=1, le=100_000)
    watch_sign_in_hours: float = setting(12.0, "How long somebody stays signed in to the dashboard.", gt=0)
    watch_wrong_passwords: int = setting(10, "Wrong passwords of one address after which it waits.", ge=1, le=1000)
    watch_wrong_password_seconds: float = setting(
        300.0, "Time in which they count, and after which it may go on.", gt=0
    )
    watch_max_guessers: int = setting(10_000, "Addresses whose wrong passwords are counted; the quietest goes.", ge=1)
    watch_public_url: str = setting("", "Address by which people reach the dashboard, for links in messages.")

    # the analysis: floodmark analyze; the thresholds are those of the watch too (docs/alerts.md)
    analyze_bin_seconds: float = setting(60.0, "Width of the bins in which requests are counted.", ge=1, le=3600)
    analyze_max_samples: int = setting(
        4_000_000, "Samples of all series together that are judged; the longest series are thinned.", ge=10_000
    )
    analyze_memory_mb: int = setting(150, "Memory that the rows of the evidence may take; the rest spills.", ge=50)
    analyze_max_spill_mb: int = setting(20_000, "Disk that rows may take that memory cannot hold.", ge=0)
    analyze_spill_dir: Path | None = setting(None, "Folder for those rows. Without it the system's temporary folder.")
    alert_growth_warning_mb_per_hour: float = setting(50.0, "Growth, at its lower bound, that is warned about.", gt=0)
    alert_growth_critical_mb_per_hour: float = setting(200.0, "Growth, at its lower bound, that is critical.", gt=0)
    alert_growth_emergency_mb_per_hour: float = setting(
        500.0, "Growth, at its lower bound, that is an emergency.", gt=0
    )
    alert_iati_growth_mb_per_hour: float = setting(100.0, "Growth in quarter hours with IATI work.", gt=0)
    alert_leaking_services: float = setting(1.0, "Services that may leak at the same time before it is told.", gt=0)
    alert_iati_request_seconds: float = setting(30.0, "Duration of an IATI request that is told.", gt=0)
    alert_log_volume_mb: float = setting(15.0, "Log written in one hour that is told.", gt=0)
    alert_connections_per_minute: float = setting(50.0, "New database connections a minute that are told.", gt=0)
    alert_restarts_per_hour: float = setting(3.0, "Restarts of one service within an hour that are no loop yet.", gt=0)
    alert_max_processes: float = setting(49.0, "Processes of one service at one instant that are not too many.", gt=0)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what the file said (handed in as arguments)."""
        return (env_settings, init_settings)


SETTINGS = Settings.model_fields
"""name -> field, in the order of the table; the source of the CLI's help and of the test on docs/settings.md."""


def load(path: Path | None = None) -> Settings:
    """Read the settings from `path`, or from ./floodmark.toml where it exists, and the environment.

    Raises SettingsError, naming file and line or the variable, for anything that cannot be used.
    """
    text = _read(path)
    chosen = path or DEFAULT_FILE
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{chosen}: not TOML: {error}") from None
    _refuse_unknown_variables()
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem, chosen, text) for problem in error.errors())) from None


def _read(path: Path | None) -> str:
    try:
        return (path or DEFAULT_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is None:
            return ""
        raise SettingsError(f"{path}: no such settings file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path or DEFAULT_FILE}: cannot be read: {error}") from None


def _refuse_unknown_variables() -> None:
    known = {ENV_PREFIX + name.upper() for name in SETTINGS} | {ENV_PREFIX + "SETTINGS"}
    unknown = sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and name not in known)
    if unknown:
        raise SettingsError(f"environment: no setting is called {', '.join(unknown)}; see `floodmark settings`")


def _explain(problem: Any, path: Path, text: str) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else "?"
    if ENV_PREFIX + name.upper() in os.environ:
        where = f"environment variable {ENV_PREFIX}{name.upper()}"
    else:
        where = f"{path}:{_line_of(name, text)}"
    if problem["type"] == "extra_forbidden":
        return f"{where}: no setting is called {name!r}; see `floodmark settings`"
    return f"{where}: {name}: {problem['msg']}"


def _line_of(name: str, text: str) -> int:
    match = re.search(rf"^\s*\[*\s*[\"']?{re.escape(name)}\b", text, re.MULTILINE)
    return text[: match.end()].count("\n") + 1 if match else 1
