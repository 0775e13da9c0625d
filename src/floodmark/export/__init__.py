"""The IATI service: RSR's rows in, valid IATI out, with memory that does not depend on how much there is."""
