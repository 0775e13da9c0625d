"""The paths, sizes and names of clients that a request line shows."""

from __future__ import annotations

import numpy as np

from floodmark.testing.incidents.plan import Plan, Route
from floodmark.testing.incidents.queueing import Work
from floodmark.testing.incidents.theme import Random
from floodmark.testing.incidents.traffic import CLIENTS

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "curl/8.5.0", "Wget/1.21.4", "python-httpx/0.27.0", "Go-http-client/1.1", "okhttp/4.12.0",
    "python-requests/2.32.3",
)  # fmt: skip
PICTURES = ("water", "roof", "school", "seed", "river", "solar", "bridge", "maize")
_QUERIES = {
    "list": "?page={page}", "search": "?q={word}", "parts": "?page={page}", "bulk": "?format=csv&page={page}",
    "typeahead": "?q={word}",
}  # fmt: skip


def clients_of(plan: Plan) -> list[str]:
    """The addresses of the clients; behind some load balancers they are few and mean nothing."""
    random = plan.stream("clients")
    if random.random() < 0.25:
        return ["10.132.0." + str(2 + number % 3) for number in range(CLIENTS)]
    return [f"203.0.113.{random.integers(1, 250)}" if number % 2 else
            f"198.51.100.{random.integers(1, 250)}" for number in range(CLIENTS)]  # fmt: skip


def paths_of(plan: Plan, work: Work) -> list[str]:
    """The path and query of every request of a service. Harvesters sweep the ids in order."""
    random = plan.stream("paths " + work.service)
    swept: dict[int, int] = {}
    draws = random.random((len(work.at), 3))
    paths = []
    for index, agent, draw in zip(work.route.tolist(), work.agent.tolist(), draws, strict=True):
        route = plan.routes[index]
        if 3 <= agent < 6:
            number = swept[index] = swept.get(index, 5000 + 97 * index) + 1
        else:
            number = int(1000 + 90 * index + 400 * draw[0] ** 2)
        paths.append(_path(route, number, draw))
    return paths


def _path(route: Route, number: int, draw: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    path = route.paths[int(len(route.paths) * draw[1])]
    if "{name}" in path:
        path = path.replace("{name}", PICTURES[int(len(PICTURES) * draw[0] ** 1.4)])
    query = _QUERIES.get(route.key, "")
    if query and draw[2] < 0.8:
        path += query.format(page=int(40 * draw[0]), word=PICTURES[int(len(PICTURES) * draw[1])])
    return path.replace("{id}", str(number))


def sizes_of(plan: Plan, work: Work, random: Random) -> list[int]:
    """Bytes of each answer."""
    mean = np.array([route.kilobytes for route in plan.routes])[work.route] * 1000.0
    size = mean * random.lognormal(-0.02, 0.3, len(mean))
    size[work.status == 304] = 0.0
    size[work.status >= 400] = 167.0
    return [int(one) for one in size]
