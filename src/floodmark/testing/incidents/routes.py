"""What the services serve: two houses' worth of routes in a theme's words, and the tasks of its workers."""

from __future__ import annotations

from floodmark.testing.incidents.plan import REP, WEB, WORKER, Route
from floodmark.testing.incidents.theme import Random, Theme

# key, template, requests an hour, seconds, KB, method, MB held while it runs, role
_HOUSE = (
    ("list", "/rest/v1/{thing}/", 80, 0.15, 9, "GET", 1, WEB),
    ("detail", "/rest/v1/{thing}/{id}/", 64, 0.08, 3, "GET", 0.5, WEB),
    ("parts", "/rest/v1/{part}_dimension/", 52, 0.12, 5, "GET", 1, WEB),
    ("page", "/en/{thing}/{id}/", 41, 0.33, 38, "GET", 2, WEB),
    ("home", "/en/", 32, 0.16, 24, "GET", 1, WEB),
    ("mine", "/my/{things}/", 32, 0.45, 29, "GET", 2, WEB),
    ("search", "/search/", 26, 0.55, 20, "GET", 3, WEB),
    ("bulk", "/rest/v1/{thing}_by_uuid/", 24, 1.1, 195, "GET", 12, WEB),
    ("typeahead", "/rest/v1/typeaheads/{owners}", 26, 0.04, 6, "GET", 0.5, WEB),
    ("comments", "/rest/v1/{note}s/{id}/comments/", 18, 0.07, 2, "GET", 0.5, WEB),
    ("thumb", "/media/thumbs/{name}.jpg", 16, 0.05, 30, "GET", 0, WEB),
    ("signin", "/auth/sign-in/", 11, 0.4, 4, "POST", 1, WEB),
    ("post", "/rest/v1/{note}/", 10.5, 0.7, 1, "POST", 2, WEB),
    ("slow1", "/{owner}/{id}/{feed}", 6, 8.5, 820, "GET", 45, WEB),
    ("slow2", "/{thing}/{id}/bundle/", 7, 3.0, 85, "GET", 22, WEB),
    ("slow3", "/{thing}/{id}/archive.zip", 4, 2.5, 29000, "GET", 15, WEB),
    ("cron", "/internal/reindex/", 3.5, 1.2, 0.2, "GET", 6, WEB),
    ("rare1", "/{owner}/{id}/hierarchy/", 2.6, 0.7, 20, "GET", 3, WEB),
    ("rare2", "/rest/v1/{part}_framework/{id}/", 3.2, 0.5, 10, "GET", 2, WEB),
    ("rare3", "/my/{things}/{id}/merge/", 2.4, 0.9, 5, "POST", 3, WEB),
    ("rare4", "/en/{owner}/{id}/directory.csv", 2.6, 0.8, 80, "GET", 5, WEB),
    ("rare5", "/rest/v1/{thing}/{id}/duplicate/", 2.3, 1.2, 2, "POST", 3, WEB),
    ("rare6", "/maps/{things}.json", 3.2, 0.6, 290, "GET", 6, WEB),
    ("rep_pdf", "/{reports}/{thing}/{id}/overview.pdf", 11, 1.6, 300, "GET", 14, REP),
    ("rep_xlsx", "/{reports}/{owner}/{id}/results.xlsx", 7, 2.7, 200, "GET", 18, REP),
    ("rep_status", "/{reports}/status/", 12, 0.15, 0.4, "GET", 0.3, REP),
    ("rep_word", "/{reports}/{thing}/{id}/kickstart-word/", 4.5, 2.2, 100, "GET", 9, REP),
    ("rep_map", "/{reports}/{thing}/{id}/map-overview/", 6, 1.1, 58, "GET", 5, REP),
)
_OTHER_HOUSE = (
    ("list", "/api/v2/{things}", 78, 0.11, 14, "GET", 1, WEB),
    ("detail", "/api/v2/{things}/{id}", 70, 0.06, 4, "GET", 0.5, WEB),
    ("parts", "/api/v2/{things}/{id}/{part}s", 40, 0.14, 8, "GET", 1, WEB),
    ("page", "/{things}/{id}", 44, 0.28, 51, "GET", 2, WEB),
    ("home", "/", 38, 0.09, 18, "GET", 0.5, WEB),
    ("mine", "/account/{things}", 25, 0.35, 22, "GET", 2, WEB),
    ("search", "/search", 30, 0.6, 26, "GET", 3, WEB),
    ("bulk", "/api/v2/export/{things}.json", 14, 1.6, 900, "GET", 20, WEB),
    ("typeahead", "/api/v2/suggest", 36, 0.03, 2, "GET", 0.3, WEB),
    ("comments", "/api/v2/{note}s/{id}/replies", 20, 0.06, 3, "GET", 0.5, WEB),
    ("thumb", "/static/img/{name}.png", 12, 0.02, 12, "GET", 0, WEB),
    ("signin", "/oauth/token", 16, 0.25, 2, "POST", 1, WEB),
    ("post", "/api/v2/{note}s", 9, 0.5, 1, "POST", 2, WEB),
    ("slow1", "/feeds/{owner}/{id}/{feed}", 7, 6.5, 1400, "GET", 50, WEB),
    ("slow2", "/api/v2/{owners}/{id}/statistics", 8, 2.6, 30, "GET", 16, WEB),
    ("slow3", "/{things}/{id}/download", 5, 2.9, 12000, "GET", 18, WEB),
    ("cron", "/hooks/nightly", 2.2, 2.0, 0.3, "POST", 8, WEB),
    ("rare1", "/api/v2/{owners}/{id}/tree", 2.8, 0.8, 33, "GET", 4, WEB),
    ("rare2", "/api/v2/{things}/{id}/history", 3.5, 0.45, 12, "GET", 2, WEB),
    ("rare3", "/api/v2/{things}/{id}/merge", 2.1, 1.1, 3, "POST", 3, WEB),
    ("rare4", "/{owners}/{id}/members.csv", 2.7, 0.7, 95, "GET", 5, WEB),
    ("rare5", "/api/v2/{things}/{id}/clone", 2.4, 1.0, 2, "POST", 3, WEB),
    ("rare6", "/tiles/{things}.geojson", 3.0, 0.7, 410, "GET", 7, WEB),
    ("rep_pdf", "/{reports}/{things}/{id}.pdf", 12, 1.4, 260, "GET", 13, REP),
    ("rep_xlsx", "/{reports}/{owners}/{id}.xlsx", 6, 3.0, 180, "GET", 20, REP),
    ("rep_status", "/{reports}/ping", 10, 0.08, 0.2, "GET", 0.2, REP),
    ("rep_word", "/{reports}/{things}/{id}.docx", 5, 2.0, 90, "GET", 8, REP),
    ("rep_map", "/{reports}/{owners}/{id}/poster", 4.5, 1.3, 75, "GET", 6, REP),
)
_TASKS = (
    ("refresh_{thing}_cache", 18, 0.8, 4),
    ("aggregate_{part}s", 13, 1.6, 10),
    ("render_{thing}_thumbnails", 8, 2.2, 14),
    ("send_{note}_digest", 6, 0.6, 2),
    ("export_{owner}_xml", 5, 20.0, 40),
    ("sync_{owner}_members", 4.5, 1.1, 5),
    ("cleanup_uploads", 2.4, 0.5, 1),
)


def routes_of(theme: Theme, random: Random) -> list[Route]:
    """The routes and tasks of one organisation; rates and durations differ a little from seed to seed."""
    house = _HOUSE if random.random() < 0.7 else _OTHER_HOUSE
    routes = [_route(row, theme, random) for row in house]
    return routes + [_task(row, theme, random) for row in _TASKS]


def _route(row: tuple[str, str, float, float, float, str, float, str], theme: Theme, random: Random) -> Route:
    key, template, per_hour, seconds, kilobytes, method, transient, role = row
    names = [_fill(template, theme)]
    if key == "slow1" and template.endswith("{id}/{feed}") and theme.feed == "iati/":
        names += [names[0].removesuffix("iati/") + tail for tail in ("iati.xml", "iati-org/.xml")]
    return Route(
        key=key, template=names[0], service=theme.web if role == WEB else theme.rep, seconds=seconds * _near(random),
        per_hour=per_hour * _near(random), kilobytes=kilobytes, method=method, transient_mb=transient * _near(random),
        peak_hour=float(random.normal(13, 1.5)), wave=float(random.uniform(0.4, 0.75)),
        sigma=float(random.uniform(0.5, 0.85)), paths=tuple(names), names=tuple(names),
    )  # fmt: skip


def _task(row: tuple[str, float, float, float], theme: Theme, random: Random) -> Route:
    key, per_hour, seconds, transient = row
    name = f"{theme.app}.jobs.{_fill(key, theme)}"
    return Route(
        key="task:" + key.split("_")[0], template=name, service=theme.worker, per_hour=per_hour * _near(random),
        seconds=seconds * _near(random), transient_mb=transient, method=WORKER, names=(name,),
        peak_hour=float(random.normal(12, 3)), wave=float(random.uniform(0.1, 0.5)),
    )  # fmt: skip


def _fill(template: str, theme: Theme) -> str:
    for word in ("things", "thing", "owners", "owner", "part", "note", "feed", "reports"):
        template = template.replace("{" + word + "}", getattr(theme, word))
    return template


def _near(random: Random) -> float:
    return float(random.uniform(0.75, 1.3))
