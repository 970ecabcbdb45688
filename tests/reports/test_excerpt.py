"""How is a piece of evidence laid out?"""

from __future__ import annotations

from reports.formats.excerpt import Block, blocks


def test_short_facts_come_first_and_empty_ones_are_named() -> None:
    assert blocks({"files": [{"path": "a", "size": 1}], "root": "/x", "label": "", "complete": True, "skipped": []}) == (
        Block("facts", "", (), (("root", "/x"), ("complete", "yes")), "Not known or empty: label, skipped."),
        Block("table", "files", ("path", "size"), (("a", "1"),)),
    )


def test_what_names_a_record_stands_first_and_its_digest_last() -> None:
    (block,) = blocks({"files": [{"sha256": "ff", "how": "declared", "path": "a"}]})
    assert block.columns == ("path", "how", "sha256")


def test_a_list_that_was_cut_says_so_under_its_table() -> None:
    (block,) = blocks({"files": [{"path": "a"}, {"path": "b"}, "… 18 more"]})
    assert (block.rows, block.more) == ((("a",), ("b",)), "… 18 more")


def test_a_script_keeps_its_lines() -> None:
    assert blocks({"script": "a\n\tb\x1b[0m\n"}) == (Block("text", "script", (), (("a\n\tb\\x1b[0m\n",),)),)


def test_a_map_is_a_table_of_names_and_values() -> None:
    assert blocks({"packages": {"numpy": "2.1", "torch": None}}) == (
        Block("table", "packages", ("name", "value"), (("numpy", "2.1"), ("torch", "–"))),
    )


def test_nothing_grows_without_bound() -> None:
    deep: object = "x"
    for _ in range(500):
        deep = {"d": deep}
    data = {
        "rows": [{f"c{i}": "v" * 9000 for i in range(50)}] * 5000,
        "deep": deep,
        "words": ["w" * 9000] * 900,
        **{f"k{i}": i for i in range(9000)},
    }
    assert sum(block.weight for block in blocks(data)) < 300_000


def test_no_data_is_no_block() -> None:
    assert blocks(None) == ()
