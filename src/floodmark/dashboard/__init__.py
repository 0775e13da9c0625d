"""Pages over a running watch: a Django app without a database, served by the watch itself."""
