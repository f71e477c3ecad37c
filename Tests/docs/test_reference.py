"""The pages of `make docs` load in a browser without errors, and their links lead to something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from browser import Browser

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / ".build" / "docs" / "html"
INTERFACE = json.loads((ROOT / "bindings" / "thinkwire.json").read_text(encoding="utf-8"))
#: Other sites to which pages may link.
SITES = {"www.doxygen.org"}
LINKS = "[...document.querySelectorAll('[href], [src]')].map(node => node.href || node.src)"
ANCHORS = "[...document.querySelectorAll('[id], a[name]')].map(node => node.id || node.name)"
TEXT = "document.querySelector('.contents').innerText"


class Page:
    def __init__(self, browser: Browser, path: Path) -> None:
        self.errors = browser.load(path.as_uri())
        self.links: list[str] = browser.evaluate(LINKS)
        self.anchors = set(browser.evaluate(ANCHORS))
        self.text: str = browser.evaluate(TEXT)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pages(browser: Browser) -> dict[str, Page]:
    return {path.name: Page(browser, path) for path in sorted(PAGES.glob("*.html"))}


def test_pages_load_without_errors(pages: dict[str, Page]) -> None:
    assert len(pages) > 20
    assert {name: page.errors for name, page in pages.items() if page.errors} == {}


def target_exists(link: str, pages: dict[str, Page]) -> bool:
    address = urlsplit(link)
    if address.scheme == "javascript":
        return True
    if address.scheme != "file":
        return address.hostname in SITES
    path = Path(unquote(address.path))
    if not path.is_file() or PAGES not in path.parents:
        return False
    anchor = unquote(address.fragment)
    return not anchor or anchor in pages[path.name].anchors


def test_links_lead_to_pages_and_places_in_them(pages: dict[str, Page]) -> None:
    links = {(name, link) for name, page in pages.items() for link in page.links}
    assert len({urldefrag(link).url for _, link in links}) > 20
    assert sorted(link for link in links if not target_exists(link[1], pages)) == []


def test_every_declaration_is_described(pages: dict[str, Page]) -> None:
    text = "\n".join(page.text for page in pages.values())
    kinds = ("functions", "callbacks", "objects", "structs", "enums", "constants")
    names = {entry["name"] for kind in kinds for entry in INTERFACE[kind]}
    names |= {constant["name"] for enum in INTERFACE["enums"] for constant in enum["constants"]}
    assert sorted(name for name in names if name not in text) == []


def test_comments_keep_their_special_characters(pages: dict[str, Page]) -> None:
    request = pages["group__request.html"].text
    assert "vllm#40816" in request
    assert '"content"            The reasoning stays' in pages["group__options.html"].text
    assert "<seed:think>" in pages["group__options.html"].text


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    """The pages on a server: scripts may not look into the frame of another file."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=PAGES)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_search_finds_a_function(browser: Browser, site: str) -> None:
    browser.load(f"{site}/index.html")
    found = browser.evaluate(
        """new Promise((done, failed) => {
            document.getElementById("MSearchField").value = "tw_chat_pause";
            searchBox.OnSearchFieldFocus(true);
            searchBox.Search();
            const results = document.getElementById("MSearchResults");
            const look = () => {
                const found = [...results.contentDocument.querySelectorAll("a.SRSymbol")];
                const shown = found.filter(link => link.offsetParent);
                shown.length ? done(shown.map(link => link.innerText)) : setTimeout(look, 10);
            };
            look();
            setTimeout(() => failed("no result within 20 seconds"), 20000);
        })"""
    )
    assert found == ["tw_chat_pause"]
