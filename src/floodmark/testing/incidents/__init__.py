"""Synthetic incidents: a world of workers, traffic and memory -> evidence files in real formats, with the truth beside.

`write_case(family, seed, folder)` writes `folder/evidence/` and `folder/truth.json`; equal arguments give equal bytes.
`score_case(truth, incident)` says what an examiner would say of an `incident.json` (docs/accuracy.md).
"""

from floodmark.testing.incidents.cases import write_case
from floodmark.testing.incidents.families import FAMILIES
from floodmark.testing.incidents.scoring import CaseScore, score_case

__all__ = ["FAMILIES", "CaseScore", "score_case", "write_case"]
