"""The pipeline of the analysis, live: collect, store, diagnose, notify, remedy."""
