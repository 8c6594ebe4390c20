"""Checks the structure of a page of `ladon explain --html`.

    mask_page.py PAGE [NAME...]

The page must need nothing else, hold the schedules of the specs NAME, and have no
text of a spec where a browser would read a tag. Prints a line for each attend.
"""

import html.parser
import json
import pathlib
import re
import sys

page = pathlib.Path(sys.argv[1]).read_text()


class Reader(html.parser.HTMLParser):
    void = {"meta", "br", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.scripts, self.title = [], [], {}, ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            assert name not in ("src", "href", "onload", "onerror"), (tag, name, value)
        if tag not in self.void:
            self.open.append((tag, dict(attrs).get("id")))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1][0] == "script":
            self.scripts[self.open[-1][1]] = data
        elif self.open and self.open[-1][0] == "title":
            self.title += data


reader = Reader()
reader.feed(page)
reader.close()
assert not reader.open, reader.open
assert set(reader.tags) <= {"html", "head", "meta", "title", "style", "body", "p", "span", "div",
                            "noscript", "script"}, reader.tags
assert not re.search(r"https?:|@import|url\(|fetch\(|@TITLE@|@DATA@", page)
assert "default-src 'none'" in page

specs = json.loads(reader.scripts["data"])
assert [spec["name"] for spec in specs] == sys.argv[2:], reader.title
assert reader.title == " beside ".join(sys.argv[2:])
for spec in specs:
    print(f"{spec['name']} of {spec['file']}: {spec['sizes']}, {spec['target']}")
    for fact in spec["facts"]:
        print(" ", fact)
    for attend in spec["attends"]:
        choice = attend["choice"]
        assert len({len(heads) for heads in choice}) == 1
        assert {index for heads in choice for index in heads} == set(range(len(attend["maps"])))
        counts = {0: 0, 1: 0, 2: 0}
        for heads in choice:
            for index in heads:
                # Tiles cover the queries, and blocks of a tile do not meet.
                next_query = 0
                for first, queries, *blocks in attend["maps"][index]:
                    assert first == next_query and len(blocks) % 3 == 0
                    next_query += queries
                    next_key = 0
                    for kind, first_key, keys in zip(*[iter(blocks)] * 3):
                        assert kind in (1, 2) and next_key <= first_key and keys > 0
                        next_key = first_key + keys
                        counts[kind] += queries * keys
                    assert next_key <= attend["keys"]
                assert next_query == attend["queries"]
        pairs = len(choice) * len(choice[0]) * attend["queries"] * attend["keys"]
        print(f"  attend at {attend['place']}: {len(choice)} x {len(choice[0])} of "
              f"{len(attend['maps'])} maps, {100 * counts[2] / pairs:.1f} % full, "
              f"{100 * counts[1] / pairs:.1f} % partial")
