"""What sample data is asked for, and the tools that its authors share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID, uuid5

from floodmark.export.sample.words import Language

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment the data pretends to have been made at: nothing in it depends on the clock."""
NAMESPACE = UUID("7d1b0b1e-7f6c-4c1c-9d6e-3a3f5a0c2f11")
CURRENCIES = ("EUR", "USD", "GBP", "KES", "XOF", "NPR")


@dataclass(frozen=True)
class Plan:
    """How much, and of what kind. Equal plans give equal rows."""

    organisations: int = 3
    """Organisations that report; each has an export."""
    projects: int = 40
    """Projects of each."""
    seed: int = 1
    rich: bool = False
    """Every project has every kind of row (about 54 KB of XML), instead of a mix (about 17 KB)."""
    giant_periods: int = 0
    """Indicator periods of one more project, of an organisation of its own (about 850 bytes of XML each)."""
    flawed: bool = True
    """Every tenth project has a row that RSR's exporter trips over, or that is invalid as it stands."""

    @property
    def reporters(self) -> int:
        """How many organisations report, with that of the giant project."""
        return self.organisations + (self.giant_periods > 0)

    @property
    def total_projects(self) -> int:
        """How many projects there will be."""
        return self.organisations * self.projects + (self.giant_periods > 0)


@dataclass(frozen=True)
class Draw:
    """The dice for one project or organisation, and the language that it writes in."""

    random: Random
    language: Language
    rich: bool

    def chance(self, share: float) -> bool:
        """True in that share of cases; always in rich data."""
        return self.rich or self.random.random() < share

    def count(self, most: int) -> int:
        """0 to `most`; in rich data always `most`."""
        return most if self.rich else self.random.randint(0, most)

    def text(self, sentences: int, limit: int) -> str:
        """Running text, cut at `limit` characters."""
        return self.language.text(self.random, sentences)[:limit]

    def day(self, first_year: int = 2019, years: int = 7) -> date:
        """A day."""
        return date(first_year, 1, 1) + timedelta(days=self.random.randrange(365 * years))

    def money(self, most: int = 500_000) -> Decimal:
        """An amount of money with cents."""
        return Decimal(self.random.randrange(100, most * 100)) / 100


def uuid_of(*words: object) -> UUID:
    """The same words give the same UUID."""
    return uuid5(NAMESPACE, "/".join(map(str, words)))
