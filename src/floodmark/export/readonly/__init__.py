"""A Django database backend that cannot write: what the alias `source` uses."""
