"""The page of `ladon explain --html` in a browser: what is drawn, and what is said of it.

The photographs are left in build/photographs; that of two specs is the one in
docs/images.
"""

import os
import pathlib
import re
import subprocess

import chromium
import pytest

LADON = os.environ["LADON"]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PHOTOGRAPHS = pathlib.Path(LADON).parent.parent / "photographs"

pytestmark = pytest.mark.skipif(
    not chromium.find(), reason="the page in a browser: there is no Chromium (chromium-headless-shell)")

SINK = """
attention sink(q: f32[B, 2, S, 64], k: f32[B, 2, T, 64], v: f32[B, 2, T, 64]) -> f32[B, 2, S, 64] {
  return attend(q, k, v, mask = causal and (j < 128 or window(256, 0)))
}
"""
# Each head sees another part of the keys.
HEADS = """
attention heads(q: f32[B, 2, S, 64], k: f32[B, 2, T, 64], v: f32[B, 2, T, 64]) -> f32[B, 2, S, 64] {
  return attend(q, k, v, mask = if h == 0 then j < 256 else j >= 768)
}
"""
HIDDEN, PARTIAL, FULL = (0xee, 0xf1, 0xf5), (0xf0, 0xa0, 0x4b), (0x2b, 0x6c, 0xb0)


@pytest.fixture(scope="module")
def browser():
    PHOTOGRAPHS.mkdir(exist_ok=True)
    browser = chromium.Chromium()
    yield browser
    browser.close()


class Page:
    """A page of specs of 1024 queries and keys. Panels are numbered from the left."""

    def __init__(self, browser, folder, *texts):
        self.browser, self.path = browser, folder / "page.html"
        specs = []
        for text in texts:
            spec = folder / (re.search(r"attention (\w+)", text)[1] + ".attn")
            spec.write_text(text)
            specs.append(spec)
        beside = [word for spec in specs[1:] for word in ("--beside", spec)]
        subprocess.run([LADON, "explain", specs[0], *beside, "--cpu", "x86-64-v3", "--size",
                        "B=1,S=1024,T=1024", "--html", self.path], check=True, stdout=subprocess.DEVNULL)
        browser.open(self.path)

    def inside(self, panel, expression):
        return self.browser.value(f"(section => {expression})(document.querySelectorAll('section')[{panel}])")

    def place(self, panel, query, key):
        """Of the middle of a pair, in the window, when all of the map is shown."""
        box = self.inside(panel, "section.querySelector('canvas').getBoundingClientRect().toJSON()")
        return box["x"] + (key + .5) / 1024 * box["width"], box["y"] + (query + .5) / 1024 * box["height"]

    def colour(self, panel, query, key):
        """What is drawn there, whatever part of the map that is."""
        return tuple(self.inside(panel, f"""(canvas => [...canvas.getContext('2d').getImageData(
            ({key} + .5) / 1024 * canvas.width, ({query} + .5) / 1024 * canvas.height, 1, 1).data]
            )(section.querySelector('canvas'))""")[:3])

    def point(self, panel, query, key):
        self.browser.mouse("mouseMoved", *self.place(panel, query, key))

    def said(self, panel):
        return self.inside(panel, "section.querySelector('.status').textContent")

    def facts(self, panel):
        return self.inside(panel, "section.querySelector('.facts').textContent")


def test_blocks_are_drawn_in_the_colour_of_their_class(browser, tmp_path):
    page = Page(browser, tmp_path, SINK)
    # Beside the sink, in the window, over the diagonal, and between sink and window.
    assert page.colour(0, 700, 30) == FULL
    assert page.colour(0, 700, 600) == FULL
    assert page.colour(0, 700, 690) == PARTIAL
    assert page.colour(0, 300, 900) == HIDDEN
    assert page.colour(0, 1000, 300) == HIDDEN
    browser.photograph(PHOTOGRAPHS / "sink.png")


def test_as_much_is_drawn_as_is_computed(browser, tmp_path):
    page = Page(browser, tmp_path, SINK)
    drawn = page.inside(0, """(canvas => {
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0;
        for (let at = 0; at < pixels.length; at += 4)
          count += pixels[at] !== 0xee;
        return count / (canvas.width * canvas.height);
      })(section.querySelector('canvas'))""")
    computed = float(page.facts(0).split("computed:")[1].split("%")[0])
    # Blocks have a gap of a pixel where there is room for one.
    assert computed - 8 < 100 * drawn < computed + 1


def test_a_block_says_its_class_and_place(browser, tmp_path):
    page = Page(browser, tmp_path, SINK)
    page.point(0, 700, 30)
    assert page.said(0).startswith("query 700, key 30: full: every pair is visible")
    queries, keys = page.said(0).splitlines()[1].split(", ")
    assert int(queries.split()[1]) <= 700 <= int(queries.split()[3])
    assert int(keys.split()[1]) <= 30 <= int(keys.split()[3])
    page.point(0, 700, 690)
    assert page.said(0).startswith("query 700, key 690: partial: computed with the mask")
    page.point(0, 1000, 300)
    assert page.said(0).startswith("query 1000, key 300: hidden: not computed")


def test_a_partial_block_says_why(browser, tmp_path):
    page = Page(browser, tmp_path, SINK.replace("sink", "waves").replace(
        "causal and (j < 128 or window(256, 0))", "sin(float(i * j)) > 0.5"))
    page.point(0, 500, 500)
    assert "comparison of real numbers that differ from position to position" in page.said(0)


def test_wheel_keys_and_drags_move_what_is_shown(browser, tmp_path):
    page = Page(browser, tmp_path, SINK)
    # Ten steps into the corner below, where the diagonal is.
    for _ in range(10):
        browser.mouse("mouseWheel", *page.place(0, 1023, 1023), deltaX=0, deltaY=-100)
    page.point(0, 0, 0)
    corner = 1024 * (1 - .8 ** 10)
    query, key = (int(word.strip(",:")) for word in page.said(0).split()[1:4:2])
    assert abs(query - corner) <= 4 and abs(key - corner) <= 4
    assert page.colour(0, 0, 0) == PARTIAL
    browser.photograph(PHOTOGRAPHS / "zoomed.png")
    # A quarter of what is shown to the right and down.
    x, y = page.place(0, 512, 512)
    browser.mouse("mousePressed", x, y, button="left", clickCount=1)
    browser.mouse("mouseMoved", *page.place(0, 768, 768), button="left", buttons=1)
    browser.mouse("mouseReleased", *page.place(0, 768, 768), button="left", clickCount=1)
    page.point(0, 0, 0)
    moved = int(page.said(0).split()[1].strip(","))
    assert abs(moved - (corner - .25 * (1024 - corner))) <= 6
    page.inside(0, "section.querySelector('canvas').focus()")
    browser.key("0")
    page.point(0, 1000, 300)
    assert page.said(0).startswith("query 1000, key 300")
    assert page.colour(0, 1000, 300) == HIDDEN


def test_another_head_has_another_map(browser, tmp_path):
    page = Page(browser, tmp_path, HEADS)
    assert page.colour(0, 500, 100) == FULL and page.colour(0, 500, 900) == HIDDEN
    page.inside(0, """(input => { input.value = 1; input.dispatchEvent(new Event('input')); }
        )([...section.querySelectorAll('label')].find(label => label.textContent.startsWith('head')).control)""")
    assert page.colour(0, 500, 100) == HIDDEN and page.colour(0, 500, 900) == FULL
    assert page.inside(0, "section.querySelector('.controls').textContent").endswith(
        "the same for 1 of 2 batches and heads")


def test_two_specs_are_side_by_side_and_move_together(browser, tmp_path):
    page = Page(browser, tmp_path, SINK, HEADS)
    boxes = [page.inside(panel, "section.querySelector('canvas').getBoundingClientRect().toJSON()")
             for panel in (0, 1)]
    assert boxes[0]["right"] < boxes[1]["left"] and boxes[0]["top"] == boxes[1]["top"]
    assert browser.value("[...document.querySelectorAll('h2')].map(h => h.textContent)") == ["sink", "heads"]
    # What is pointed at in one is said of both.
    page.point(0, 700, 200)
    assert page.said(0).startswith("query 700, key 200: hidden")
    assert page.said(1).startswith("query 700, key 200: full")
    browser.photograph(PHOTOGRAPHS / "beside.png")
    browser.mouse("mouseWheel", *page.place(1, 0, 1023), deltaX=0, deltaY=-100)
    page.point(0, 1023, 0)
    assert page.said(0).splitlines()[0].split(":")[0] == page.said(1).splitlines()[0].split(":")[0]
    assert int(page.said(0).split()[1].strip(",")) < 900


@pytest.mark.parametrize("scheme, ground", [("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 27, 34)")])
def test_the_page_follows_the_colours_of_the_reader(browser, tmp_path, scheme, ground):
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page = Page(browser, tmp_path, SINK)
    assert browser.value("getComputedStyle(document.body).backgroundColor") == ground
    assert (page.colour(0, 300, 900) == HIDDEN) == (scheme == "light")
    browser.ask("Emulation.setEmulatedMedia", features=[])


def test_the_page_asks_for_nothing_else(browser, tmp_path):
    page = Page(browser, tmp_path, "# </script><img src=http://example.com/a.png onerror=alert(1)>" + SINK)
    page.point(0, 700, 30)
    assert browser.requests == [page.path.resolve().as_uri()]
    assert browser.problems == []
    assert "onerror" in page.inside(0, "section.querySelector('pre').textContent")
