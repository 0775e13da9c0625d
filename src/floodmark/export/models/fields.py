"""What RSR's tables share: the `ltree` column type and the two time stamps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    Text = models.TextField[str, str]
else:
    Text = models.TextField  # not generic at run time


class LTreeField(Text):
    """A label path of PostgreSQL's extension ltree, as text: `548bdb78_07da.d459136f_fb9b`."""

    description = "ltree"

    def db_type(self, connection: Any) -> str:
        """The column type; needs `CREATE EXTENSION ltree`."""
        return "ltree"


class Timestamped(models.Model):
    """When RSR made the row and last changed it; either may be unknown."""

    created_at = models.DateTimeField(null=True, blank=True)
    last_modified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
