"""RSR's rows in keyset pages: bounded by rows, a fixed number of queries a page, no cursor and no session kept open."""
