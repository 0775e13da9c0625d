"""Paths to route templates: the form of a segment, what many paths teach, and the names of one route."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.nouns import OTHER
from floodmark.evidence.routes import MALFORMED, RouteBook, aliases, capped, learn, segment_shape, shape_of


def named(*paths: str, times: int = 1) -> list[str]:
    """The templates of paths, each met `times` times with a good answer."""
    book = RouteBook()
    numbers = [book.number(path) for path in paths]
    book.saw(numbers, [float(times)] * len(numbers))
    templates = book.templates()
    return [templates[number] for number in numbers]


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/organisation/42/iati/", "/organisation/{id}/iati/"),
        ("/organisation/42/iati/?page=2&token=x", "/organisation/{id}/iati/"),
        ("/project/7/", "/project/{id}/"),
        ("/py-reports/project/10457/overview.pdf", "/py-reports/project/{id}/overview.pdf"),
        ("/rest/v1/typeaheads/facultys", "/rest/v1/typeaheads/facultys"),
        ("/maps/courses.json", "/maps/courses.json"),
        ("/rest/v1/project_by_uuid/?format=csv", "/rest/v1/project_by_uuid/"),
        ("/files/123.pdf", "/files/{id}.pdf"),
        ("/d/3f2a1b9c-1234-4abc-9def-0123456789ab/x", "/d/{id}/x"),
        ("/d/3f2a1b9c12344abc9def0123456789ab", "/d/{id}"),
        ("/commit/a94a8fe5ccb19ba61c4c", "/commit/{id}"),
        ("/static/app.3f2a1b9c.js", "/static/app.{id}.js"),
        ("/static/main-e3b0c44298fc1c14.css", "/static/main-{id}.css"),
        ("/blog/2025-08-27/", "/blog/{date}/"),
        ("/archive/2025-08/", "/archive/{date}/"),
        ("/archive/2025/08/27/", "/archive/{id}/{id}/{id}/"),
        ("/reset/MTIz/c3k2ab-f8d9e1a2b3c4d5e6f7a8b9c0/", "/reset/MTIz/{id}/"),
        ("/p/12-some-title", "/p/{id}-{name}"),
        ("/report-2041.html", "/report-{id}.html"),
        ("/media/IMG2041.jpg", "/media/IMG{id}.jpg"),
        ("/u/jane@example.org/", "/u/{name}/"),
        ("/tiles/12/2048/1361.png", "/tiles/{id}/{id}/{id}.png"),
        ("/at/-12.5,130.25/", "/at/{id}/"),
        ("/en/project/2405/", "/en/project/{id}/"),
        ("/v1/2fa", "/v1/2fa"),
        ("/iati-2.03/", "/iati-2.03/"),
        ("/", "/"),
        ("//a//b", "/a/b"),
        ("/x;jsessionid=AB12/y", "/x/y"),
        ("http://rsr.example.org/project/5", "/project/{id}"),
        ("http://rsr.example.org", "/"),
        ("*", "*"),
        ("/\\x22\\x3C/", "/{name}/"),
        ("/" + "x" * 100, "/{name}"),
        ("/" + "/".join("a" * 20), "/a/a/a/a/a/a/a/a/a/a/a/a/{path}"),
        ("", MALFORMED),
        ("\\x16\\x03\\x01", MALFORMED),
        ("rsr.example.org:443", MALFORMED),
    ],
)
def test_a_path_has_every_variable_part_in_braces(path: str, template: str) -> None:
    assert named(path) == [template]


def test_pictures_in_one_folder_are_one_route() -> None:
    pictures = [f"/media/thumbs/{name}.jpg" for name in ("water", "school", "health", "river", "seed", "solar")]
    assert set(named(*pictures, times=40)) == {"/media/thumbs/{name}.jpg"}


def test_a_few_documents_in_one_folder_keep_their_names() -> None:
    assert named("/maps/projects.json", "/maps/updates.json", "/maps/organisations.json") == [
        "/maps/projects.json", "/maps/updates.json", "/maps/organisations.json",
    ]  # fmt: skip


def test_the_many_resources_of_an_interface_keep_their_names() -> None:
    resources = [
        f"/rest/v1/{a}_{b}/" for a in ("project", "result", "indicator", "period") for b in "abcdefghijklmnopqrst"
    ]
    assert len(resources) == 80
    assert named(*resources, times=50) == resources


def test_slugs_are_learned_over_the_whole_evidence() -> None:
    slugs = [
        f"/blog/a-tale-of-{word}-and-{word[::-1]}/"
        for word in (f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(90))
    ]
    assert set(named(*slugs)) == {"/blog/{name}/"}
    assert named(*slugs[:3]) == slugs[:3]


def test_what_follows_a_slug_stays_apart() -> None:
    slugs = [f"the-village-of-{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(70)]
    paths = [f"/project/{slug}/{page}" for slug in slugs for page in ("", "budget/")]
    assert set(named(*paths)) == {"/project/{name}/", "/project/{name}/budget/"}


def test_a_scanner_teaches_nothing() -> None:
    book = RouteBook()
    scanned = [book.number(f"/the-{chr(97 + n % 26)}-{chr(97 + n // 26)}-probe.php") for n in range(200)]
    book.saw(scanned, [0.0] * 200)
    assert len(set(book.templates())) == 201


def test_names_of_one_route_are_grouped_under_the_commonest() -> None:
    paths = ["/organisation/5/iati/"] * 3 + [
        "/organisation/6/iati",
        "/organisation/7/iati.xml",
        "/organisation/8/iati/.xml",
    ]
    assert set(named(*paths)) == {"/organisation/{id}/iati/"}


def test_another_file_of_the_organisation_is_no_alias() -> None:
    assert named("/organisation/5/iati/", "/organisation/5/iati-org/.xml") == [
        "/organisation/{id}/iati/", "/organisation/{id}/iati-org/.xml",
    ]  # fmt: skip


def test_an_extension_alone_makes_no_alias() -> None:
    assert aliases({"/feed.xml": 3.0, "/feed.json": 2.0}) == {}
    assert aliases({"/feed.xml": 3.0, "/feed/": 2.0}) == {"/feed.xml": "/feed.xml", "/feed/": "/feed.xml"}
    assert aliases({"/a/": 1.0, "/a": 1.0}) == {"/a/": "/a", "/a": "/a"}


def test_a_book_that_is_full_folds_what_it_learned_and_lumps_the_rest() -> None:
    book = RouteBook(max_shapes=400)
    slugs = [
        book.number(f"/blog/of-{n % 26}x-{chr(97 + n // 26 % 26)}-things-{chr(97 + n // 676)}q/") for n in range(3000)
    ]
    wild = [book.number(f"/{chr(97 + n % 26)}{chr(97 + n // 26)}/x/{chr(97 + n % 7)}/") for n in range(600)]
    templates = book.templates()
    assert len(book.shapes) < 900
    assert {OTHER if number < 0 else templates[number] for number in slugs} == {"/blog/{name}/"}
    assert -2 in wild


@given(st.lists(st.text("abc019-_.%/?=", max_size=30).map(lambda text: "/" + text), max_size=30))
def test_many_paths_at_once_are_numbered_like_each_alone(paths: list[str]) -> None:
    together, alone = RouteBook(), RouteBook()
    numbers = together.numbers([path.encode() for path in paths]) if paths else []
    for path, number in zip(paths, numbers, strict=True):
        assert together.shapes[number] == alone.shapes[alone.number(path)]


@given(st.integers(0, 10**18), st.sampled_from(["", ".pdf", ".tar", "/x", ".a1/"]))
def test_a_number_is_an_id_whatever_its_size(number: int, after: str) -> None:
    book = RouteBook()
    assert book.numbers([f"/p/{number}{after}".encode()]) == book.numbers([f"/p/7{after}".encode()])


@given(st.binary(max_size=200))
def test_no_bytes_break_a_template(path: bytes) -> None:
    book = RouteBook()
    number = book.number(b"/" + path)
    assert book.templates()[number].startswith("/")


@given(st.text(max_size=60))
def test_a_shape_is_the_shape_of_itself(path: str) -> None:
    shape = shape_of("/" + path)
    assert shape is not None
    for segment in shape:
        if "{" not in segment:
            assert segment_shape(segment) == segment


def test_learning_does_not_depend_on_the_order_of_paths() -> None:
    shapes = {("blog", f"a-b-{chr(97 + n % 26)}{chr(97 + n // 26)}", ""): 1.0 for n in range(80)}
    assert learn(shapes) == learn(dict(reversed(shapes.items()))) == {("blog",): {"": "{name}"}}


def test_the_cap_keeps_what_is_met_most() -> None:
    assert capped({"/a": 3.0, "/b": 1.0, "/c": 2.0}, 2) == {"/a": "/a", "/b": OTHER, "/c": "/c"}
