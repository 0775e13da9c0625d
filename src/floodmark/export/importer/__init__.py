"""IATI files in: read as a stream, mapped to RSR's tables, and everything that finds no place there is reported."""
