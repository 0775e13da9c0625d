"""Builds as jobs: who asks, who works, who takes over.

    ask (queue) -> row of django-tasks-db -> worker claims it -> builder -> artifacts
                                               heart: beats, renews leases, watches for stalls
    schedule: looks at the rows for changes, and asks
    supervise: keeps the worker process (and the web server) running

The queue is the Django Tasks API on the database. What that lacks is added here: one job per dataset, retries with
backoff, heartbeats and take-over, recycling on memory, schedules, pruning.
"""
