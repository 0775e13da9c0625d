"""Rows as a hostile database might hold them: every column with anything that its type can hold."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, get_type_hints

from hypothesis import strategies as st

from floodmark.export.rows.database import Database
from floodmark.export.rows.table import Iso, NonZero, Number, Stamp, Table

TEXTS = st.one_of(
    st.just(""),
    st.sampled_from([
        "1", "99", "A12", "en", "XM-DAC-1", "https://example.org/a?b=1&c=%20", "Plain words", "a < b && c > d ]]> <b>",
        "'single' \"double\"", "\r\n\tlines\r", " lead and trail ", "vertical\vtab", "\x01\x02", "\ufffe\uffff",
        "\x7f\x85", "👩🏾‍🌾 e\u0301 \u200f\u2028", "&amp;&#x26;", "http://[::1", "http://a:b:c@d", "%zz", "two words",
        "e1", "x" * 300, "<!-- c -->", "<![CDATA[x]]>", "<?pi?>", "\u00a0",
    ]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
)  # fmt: skip
DATES = st.one_of(
    st.none(),
    st.dates().map(lambda day: day.isoformat()),
    st.sampled_from(["infinity", "-infinity", "0044-03-15 BC", "12000-02-28", "0001-01-01"]),
)
NUMBERS = st.one_of(
    st.none(),
    st.decimals(-(10**12), 10**12, places=2).map(str),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "0.00", "-0.00"]),
)
STAMPS = st.sampled_from([None, "2025-08-01T10:00:00+00:00", "12025-08-01T10:00:00+00:00", ""])
INTEGERS = st.one_of(st.integers(0, 5), st.integers(-(2**15), 2**15 - 1))
FLOATS = st.one_of(st.floats(), st.just(0.0))
A_FEW = {"min_size": 1, "max_size": 6}


@st.composite
def palettes(draw: Any) -> HostileRows:
    """Some values of each type, and the dice that say which column gets which."""
    texts, dates = draw(st.lists(TEXTS, **A_FEW)), draw(st.lists(DATES, **A_FEW))
    numbers, integers = draw(st.lists(NUMBERS, **A_FEW)), draw(st.lists(INTEGERS, **A_FEW))
    palette = {
        Iso: dates, Number: numbers, NonZero: numbers, Stamp: [draw(STAMPS)],
        str: texts, str | None: [None, *texts],
        bool: [True, False], bool | None: [True, False, None],
        int: integers, int | None: [None, *integers], float | None: [None, *draw(st.lists(FLOATS, **A_FEW))],
    }  # fmt: skip
    return HostileRows(palette, Random(draw(st.integers(0, 10_000))))


class NarrativesOnly(Database):
    """What is asked for row by row while an activity is written: slices of long texts, and how long those are."""

    def snapshot(self, read: Any) -> Any:
        """No transaction, and the same answer to everything."""
        return read(lambda statement, parameters: [("long < & \v text", 16)])


class HostileRows:
    """Answers the statements of readers: up to `most` rows for each parent of each table."""

    def __init__(self, palette: dict[Any, list[Any]], dice: Random, most: int = 2) -> None:
        self.palette, self.dice, self.most = palette, dice, most
        self.next_id = 1000
        self.tables: dict[str, Table[Any]] = {}

    def of(self, tables: Sequence[Table[Any]]) -> HostileRows:
        """Rows for these tables."""
        self.tables = {table.first: table for table in tables} | {table.by_id: table for table in tables}
        return self

    def values(self, table: Table[Any]) -> list[Any]:
        """Anything for each column but id and parent."""
        hints = get_type_hints(table.row, include_extras=True)
        constants = {"''": "", "NULL::int": None}
        found = []
        for name, expression in list(zip(table.row._fields, table.columns, strict=True))[2:]:
            kind = hints[name]
            choices = self.palette.get(kind) or self.palette[kind.__origin__]
            found.append(constants[expression] if expression in constants else self.dice.choice(choices))
        return found

    def fetch(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """What a database would say."""
        table = self.tables[statement]
        is_by_id = statement == table.by_id
        found = []
        for parent in map(int, parameters[0].strip("{}").split(",")):
            is_alone = is_by_id or table.key != "t.id"  # the parent is its primary key
            for _ in range(1 if is_by_id else self.dice.randint(0, 1 if is_alone else self.most)):
                self.next_id += 1
                row_id = parent if is_alone else self.next_id
                found.append((row_id, parent, *self.values(table)))
        return found
