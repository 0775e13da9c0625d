"""Objects whose strings lie across the pieces in which a file is read."""

from __future__ import annotations

import io
import json

from floodmark.evidence.logs.json_objects import READ_BYTES, objects_in


def test_a_string_that_lies_across_two_pieces_costs_no_object():
    rows = [
        {"text": f'a [bracket] {{brace}} and a \\" quote {number} ' + "x" * (number % 97)} for number in range(9000)
    ]
    text = json.dumps(rows, indent=1).encode()
    assert len(text) > 2 * READ_BYTES
    assert [json.loads(data) for _, data in objects_in(io.BytesIO(text))] == rows
