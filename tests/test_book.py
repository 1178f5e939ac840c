"""The rendered book as a reader meets it: every page opened in a real browser, straight from the disk, offline."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest
import yaml
from playwright.sync_api import Browser, Page, sync_playwright

from conftest import ROOT
from epi import book as book_module
from epi.book import render
from epi.errors import RunError
from epi.run import DEFAULT_EVENT
from epi.runfolder import RunFolder

CONTENTS = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = ["index", *(page["file"] for part in CONTENTS["parts"] for page in part["chapters"]), "genindex", "search"]
CHAPTERS = [page for page in PAGES if page.startswith("chapters/")]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]


@pytest.fixture(scope="module")
def browser():
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium found: install it (Debian: apt-get install chromium) to test the rendered book")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, headless=True, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Visit:
    """One page opened, with everything it complained of or asked for."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.complaints: list[str] = []
        self.outside: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        self.page.route(lambda url: not url.startswith(("file:", "data:", "blob:")), self._refuse)
        self.page.goto(address, wait_until="load")
        self.page.evaluate("window.MathJax && MathJax.startup.promise")
        self.page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
        self.page.wait_for_function("[...document.images].every(image => image.complete)")

    def _refuse(self, route) -> None:
        self.outside.append(route.request.url)
        route.abort()

    def count(self, selector: str) -> int:
        return self.page.locator(selector).count()


@pytest.fixture
def visit(browser, rendered_book, request):
    visited = Visit(browser, (rendered_book.parent / f"{request.param}.html").as_uri())
    yield visited
    visited.page.close()


@pytest.mark.parametrize("visit", PAGES, indirect=True)
def test_a_page_is_whole_and_asks_nothing_of_the_network(visit):
    assert visit.outside == []
    assert visit.complaints == []
    assert visit.count("h1") >= 1
    broken = visit.page.evaluate("[...document.images].filter(image => !image.naturalWidth).map(image => image.src)")
    assert broken == []
    assert visit.count("mjx-container") == visit.count(".math")
    assert visit.count("mjx-merror, [data-mjx-error]") == 0
    assert visit.count(".output.traceback, .output.stderr") == 0


@pytest.mark.parametrize("visit", ["conventions"], indirect=True)
def test_formulas_are_set_in_their_own_fonts(visit):
    assert visit.count("mjx-container") >= 5
    fonts = visit.page.evaluate("[...document.fonts].filter(font => font.status === 'loaded').map(font => font.family)")
    assert any("MJXTEX" in font for font in fonts)
    assert visit.count("mjx-assistive-mml") == visit.count("mjx-container")


@pytest.mark.parametrize(("visit", "chapter"), [(page, page) for page in CHAPTERS], indirect=["visit"])
def test_every_figure_of_a_chapter_is_on_its_page(visit, chapter, default_run):
    notebook = json.loads((default_run.path / f"{Path(chapter).name}.ipynb").read_text())
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    figures = sum(any(kind.startswith("image/") for kind in output.get("data", {})) for output in outputs)
    assert figures >= 1
    assert visit.count(".cell_output img") == figures
    widths = visit.page.evaluate("[...document.querySelectorAll('.cell_output img')].map(image => image.naturalWidth)")
    assert all(width >= 200 for width in widths)


@pytest.mark.parametrize("visit", ["status"], indirect=True)
def test_the_status_page_says_how_long_and_with_what(visit, default_run):
    text = " ".join(visit.page.inner_text("article").split())
    for step in default_run.steps.values():
        assert f"{step.seconds:.0f} s" in text
    for name in ("python", "numpy", "torch"):
        version = step.inputs["versions"][name]
        assert f" {name} {version} " in f"{text} "


def test_a_second_rendering_is_at_once(rendered_book):
    said = []
    before = rendered_book.stat().st_mtime_ns
    assert render(strict=True, progress=said.append) == rendered_book
    assert said == [f"{rendered_book.parent} is up to date"]
    assert rendered_book.stat().st_mtime_ns == before


def test_a_folder_of_something_else_is_never_replaced(default_run, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match="is there and no book of ours"):
        render(out=tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_a_run_without_a_chapter_is_not_rendered(default_run, tmp_path):
    steps = dict(list(default_run.steps.items())[:1])
    RunFolder(tmp_path, DEFAULT_EVENT, steps).save()
    with pytest.raises(RunError, match=r"lacks 01_catalogue, .*: run epi run 20210303-thessaly first"):
        render(tmp_path)


def test_a_warning_refuses_a_strict_book_and_keeps_the_last_one(rendered_book, monkeypatch):
    def broken(run: RunFolder, source: Path) -> None:
        assemble(run, source)
        for chapter in (source / "chapters").glob("*.ipynb"):  # pages of text are enough here
            chapter.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A")])))
        with (source / "glossary.md").open("a") as page:
            page.write("\n{doc}`nowhere`\n")

    assemble = book_module._assemble
    monkeypatch.setattr(book_module, "_assemble", broken)
    with pytest.raises(RunError, match=r"not made \(\d+ warnings; .* The first: .*glossary\.md.*nowhere"):
        render(strict=True)
    assert rendered_book.is_file()
