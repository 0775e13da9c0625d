"""Telling people: what a message is, how it gets out, and the outbox that loses none and repeats none."""
