"""What an analyst gets to see of a world: files in the field's own formats, with the field's own damage."""

from floodmark.testing.incidents.writers.evidence import write_evidence

__all__ = ["write_evidence"]
