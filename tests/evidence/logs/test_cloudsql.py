"""cloud_sql_proxy, versions 1 and 2: opened and closed connections are counted, not matched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LOOK = Callable[[Any], Any]
POOL = "proj:europe-west1:db"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f'2025/09/02 06:15:12 New connection for "{POOL}"', "connection-open"),
        (f"2025/09/02 06:15:12 [{POOL}] Accepted connection from 127.0.0.1:50112", "connection-open"),
        (f"2025-09-02T06:15:12Z INFO [{POOL}] Accepted connection from 127.0.0.1:50112", "connection-open"),
        (
            '{"timestamp":"2025-09-02T06:15:12.087Z","severity":"INFO","message":"[%s] Accepted connection from 127.0.0.1:1"}'
            % POOL,
            "connection-open",
        ),
        (
            '{"severity":"INFO","timestamp":"2025-09-02T06:15:12.087Z","caller":"x.go:1","message":"New connection for '
            f'\\"{POOL}\\""}}',
            "connection-open",
        ),
        ("2025/09/02 06:15:12 Client closed local connection on 127.0.0.1:5432", "connection-close"),
        (f'2025/09/02 06:15:12 Instance "{POOL}" closed connection', "connection-close"),
        (f"2025/09/02 06:15:12 [{POOL}] client closed the connection", "connection-close"),
        (f"2025/09/02 06:15:12 [{POOL}] instance closed the connection", "connection-close"),
        ("2025/09/02 06:15:12 Reading data from local connection on 127.0.0.1:5432 had error: EOF", "connection-error"),
        (f"2025/09/02 06:15:12 [{POOL}] connection aborted - error reading from client: EOF", "connection-error"),
        (f"2025/09/02 06:15:12 [{POOL}] failed to connect to instance: dial error", "connection-error"),
        (f'2025/09/02 06:15:12 couldn\'t connect to "{POOL}": timeout', "connection-error"),
        ("2025/09/02 06:15:12 too many open connections (max 100)", "connection-refused"),
        (f"2025/09/02 06:15:12 [{POOL}] max connections (100) exceeded, refusing new connection", "connection-refused"),
    ],
)
def test_what_a_message_counts_as(gathered: Any, look: LOOK, line: str, kind: str) -> None:
    opening = f'2025/09/02 06:15:12 New connection for "{POOL}"\n'
    seen = look(gathered({"sqlproxy/proxy.log": opening + line + "\n"}))
    expected = {"connection-open": 1.0, kind: 2.0 if kind == "connection-open" else 1.0}
    found = {each.kind: float(each.count.sum()) for each in seen.evidence.tallies}
    assert found == expected
    row = seen.source("sqlproxy/proxy.log")
    assert (row.kind, row.records, row.rejected, row.service) == ("cloudsql-proxy", 2, 0, "sqlproxy")


def test_closed_connections_of_version_1_belong_to_the_only_pool(gathered: Any, look: LOOK) -> None:
    text = "2025/09/02 06:15:11 Client closed local connection on 127.0.0.1:5432\n"
    text += f'2025/09/02 06:15:12 New connection for "{POOL}"\n' * 3
    seen = look(gathered({"sqlproxy/proxy.log": text}))
    assert seen.tally("connection-open") == {POOL: 3.0}
    assert seen.tally("connection-close") == {POOL: 1.0}
    assert seen.dose(POOL).starts.tolist() == [3.0]


@pytest.mark.parametrize(
    "line",
    [
        "2025/09/02 06:15:12 Ready for new connections",
        "2025/09/02 06:15:12 The proxy has started successfully and is ready for new connections!",
        "2025/09/02 06:15:12 Listening on 127.0.0.1:5432 for " + POOL,
        f"2025/09/02 06:15:12 Throttling refreshCfg({POOL}): it was only called 44s ago",
        "2025/09/02 06:15:12 refreshing ephemeral certificate for instance " + POOL,
        "2025/09/02 06:15:12 Something nobody has seen before",
    ],
)
def test_other_messages_are_read_and_not_counted(gathered: Any, look: LOOK, line: str) -> None:
    seen = look(gathered({"p/proxy.log": f'2025/09/02 06:15:11 New connection for "{POOL}"\n{line}\n'}))
    assert seen.source("p/proxy.log").rejected == 0
    assert seen.source("p/proxy.log").records == 2


def test_the_end_of_the_proxy_is_an_event(gathered: Any, look: LOOK) -> None:
    text = (
        f'2025/09/02 06:15:11 New connection for "{POOL}"\n2025/09/02 06:15:12 Received TERM signal. Waiting up to 0s\n'
    )
    assert look(gathered({"p/proxy.log": text})).events() == [(1_756_793_712.0, "stop", None)]
