"""The noun of the export: which file of which organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from floodmark.errors import UsageError

Kind = Literal["activities", "organisation"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, order=True)
class Dataset:
    """One IATI file of one organisation: its activities, or the organisation itself."""

    kind: Kind
    organisation_id: int

    @property
    def slug(self) -> str:
        """Its name in paths and messages, such as `41/activities`."""
        return f"{self.organisation_id}/{self.kind}"

    @classmethod
    def parse(cls, slug: str) -> Dataset:
        """The dataset that a slug names. Raises UsageError for anything else."""
        number, _, kind = slug.partition("/")
        for known in KINDS:
            if kind == known and number.isascii() and number.isdigit():
                return cls(known, int(number))
        raise UsageError(f"{slug!r}: not a dataset; expected ORGANISATION/activities or ORGANISATION/organisation")

    def __str__(self) -> str:
        return self.slug
