"""The page of translations is complete and safe, and a browser shows it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracelate.evaluation.metrics import LengthBucket, Score
from tracelate.evaluation.page import page, write_page
from tracelate.evaluation.page_frame import PageFrame
from tracelate.evaluation.report import TranslationRow
from tracelate.evaluation.word_attention import END, WordAttention

HOSTILE = [
    "</script><script>document.title = 'ran'</script>",
    "<!-- <script> <img src=x onerror=\"document.title = 'ran'\"> -->",
    "\"double\" 'single' &amp; \\u003c {{title}} {{data}}",
    "two\nlines\r\nand\u2028separators\u2029 😀",
]


def a_row(source: str, translation: str, chrf: float = 50.0) -> TranslationRow:
    return TranslationRow(
        source=source,
        reference=f"reference of {source}",
        translation=translation,
        sentence_bleu=100.00000000000004,
        sentence_chrf=chrf,
        group="light",
        origin="light:title",
    )


def attention_of(row: TranslationRow, seed: int | None = 0) -> WordAttention:
    """Random rows that sum to one; None: no weights."""
    targets, sources = [*row.translation.split(), END], [*row.source.split(), END]
    weights_WV = np.zeros((len(targets), len(sources)))
    if seed is not None:
        weights_WV = np.random.default_rng(seed).dirichlet([0.3] * len(sources), len(targets))
    return WordAttention(weights_WV, targets, sources)


SCORES = [
    Score("bleu", 24.314, 23.1, 25.6, "nrefs:1|version:2"),
    Score("ter", 61.5, 60.0, 63.25, "nrefs:1|version:2"),
]
LENGTHS = [LengthBucket(1, 2, 3, None), LengthBucket(3, None, 1, None)]


def a_frame(
    text: str = "A title", lengths: Sequence[LengthBucket] = (), scores: Sequence[Score] = SCORES
) -> PageFrame:
    return PageFrame(text, text, scores, {"Corpus": text, "Run": text}, lengths)


def page_of(rows: list[TranslationRow], seed: int | None = 0, **parts: Any) -> str:
    return page(a_frame(**parts), rows, [attention_of(row, seed) for row in rows])


def embedded(document: str) -> Any:
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', document)
    return json.loads(data)


def test_the_page_contains_the_rows_and_their_weights() -> None:
    rows = [a_row(text, f"traducción de {text}") for text in ["Add {name}", *HOSTILE, ""]]
    for row, shown in zip(rows, embedded(page_of(rows)), strict=True):
        seen = attention_of(row)
        texts = (row.source, row.reference, row.translation, row.group, row.origin)
        names = ("source", "reference", "translation", "group", "origin")
        assert tuple(shown[name] for name in names) == texts
        assert (shown["bleu"], shown["chrf"]) == (100.0, 50.0)
        assert shown["source_words"] == seen.source_words
        assert shown["target_words"] == seen.target_words
        weights_WV = np.zeros_like(seen.weights_WV)
        for word, pairs in enumerate(shown["percents"]):
            for place, percent in pairs:
                assert percent > 0
                weights_WV[word, place] = percent / 100
        np.testing.assert_allclose(weights_WV, seen.weights_WV, atol=0.005 + 1e-9)


def test_without_weights_there_is_no_attention() -> None:
    [shown] = embedded(page_of([a_row("Add", "Añadir")], seed=None))
    assert "percents" not in shown
    assert "source_words" not in shown


@given(st.text(), st.text())
def test_no_text_adds_markup(source: str, title: str) -> None:
    row = a_row(source, source)
    document = page(a_frame(title), [row], [attention_of(row)])
    plain = page(a_frame(""), [a_row("", "")], [attention_of(a_row("", ""))])
    assert document.count("<") == plain.count("<")
    assert document.count(">") == plain.count(">")
    assert embedded(document)[0]["source"] == source


def test_the_title_is_escaped() -> None:
    document = page_of([], text=HOSTILE[0])
    for element in ("title", "h1"):
        assert f"<{element}>{html.escape(HOSTILE[0])}</{element}>" in document
    assert document.count(f'<dd dir="auto">{html.escape(HOSTILE[0])}</dd>') == 2
    assert HOSTILE[0] not in document


def test_the_template_names_no_address_and_writes_no_markup() -> None:
    template = resources.files("tracelate.evaluation").joinpath("page.html").read_text("utf-8")
    for forbidden in ("://", "http:", "https:", "url(", "src=", "@import", "innerHTML", "fetch("):
        assert forbidden not in template
    assert "default-src 'none'" in template
    assert "unsafe-inline" not in page_of([])


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = [a_row(text, text) for text in HOSTILE]
    for name in ("one.html", "two.html"):
        write_page(tmp_path / name, a_frame(), rows, [attention_of(row) for row in rows])
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "two.html"]


def test_rows_without_their_attention_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        write_page(tmp_path / "page.html", a_frame(), [a_row("Add", "Añadir")], [])
    assert list(tmp_path.iterdir()) == []


def test_the_heading_has_the_scores_with_their_intervals_and_the_origin() -> None:
    document = page_of([])
    scores = re.findall(r"<li><span>(.*?)</span> <b>(.*?)</b> <small>(.*?)</small></li>", document)
    assert scores == [
        ("BLEU", "24.31", "23.10 to 25.60"),
        ("TER (lower is better)", "61.50", "60.00 to 63.25"),
    ]
    assert re.findall(r"<dt>(.*?)</dt>", document) == ["Corpus", "Run"]


def faulty_page() -> str:
    rows = [a_row(text, text, chrf) for text, chrf in (("one", 30), ("two", 10), ("three", 20))]
    faults = [["placeholders"], ["placeholders", "numbers"], []]
    return page(a_frame(), rows, [attention_of(row, None) for row in rows], faults)


def test_the_page_contains_each_sentence_s_faults() -> None:
    shown = [one.get("faults") for one in embedded(faulty_page())]
    placeholder = ["placeholders", "placeholder changed"]
    assert shown == [[placeholder], [placeholder, ["numbers", "number changed"]], None]
    with pytest.raises(ValueError, match="argument 3"):
        page(a_frame(), [a_row("one", "one")], [attention_of(a_row("one", "one"))], [])


class Browser:
    """Headless Chromium."""

    def __init__(self, command: str, folder: Path) -> None:
        self.command = command
        self.folder = folder

    def dom(self, document: str, address: str = "") -> str:
        """The page as HTML, after its scripts have run."""
        path = self.folder / "page.html"
        path.write_text(document, encoding="utf-8", newline="\n")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
        options += ["--no-first-run", "--disable-background-networking", "--disable-sync"]
        options += ["--disable-component-update", "--disable-dev-shm-usage"]
        options += [f"--user-data-dir={self.folder / 'profile'}", "--virtual-time-budget=3000"]
        done = subprocess.run(
            [self.command, *options, "--dump-dom", path.as_uri() + address],
            capture_output=True,
            timeout=60,
            check=True,
        )
        return done.stdout.decode()  # text mode would change line breaks


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    command = shutil.which("chromium")
    if command is None:
        pytest.skip("no chromium on the PATH, so no page is opened: apt-get install chromium")
    return Browser(command, tmp_path)


def sources_in(dom: str) -> list[str]:
    """The source of every sentence that is drawn, in order."""
    found = re.findall(r'<dd class="source"[^>]*>(.*?)</dd>', dom, re.DOTALL)
    return [html.unescape(re.sub(r"<span.*?</span>", "", one)) for one in found]


def test_hostile_text_is_shown_as_text_and_runs_nothing(browser: Browser) -> None:
    dom = browser.dom(page_of([a_row(text, text) for text in HOSTILE], seed=None), "#order=corpus")
    assert sources_in(dom) == HOSTILE
    assert "<title>A title</title>" in dom
    assert "<img" not in dom


def test_the_address_filters_and_orders(browser: Browser) -> None:
    rows = [a_row("Añadir uno", "a", 30), a_row("dos", "b", 10), a_row("ANADIR TRES", "c", 20)]
    dom = browser.dom(page_of(rows, seed=None), "#q=a%C3%B1adir&order=worst-chrf")
    assert sources_in(dom) == ["ANADIR TRES", "Añadir uno"]
    assert "2 of 3 sentences" in dom


def test_the_address_filters_by_fault(browser: Browser) -> None:
    dom = browser.dom(faulty_page(), "#fault=placeholders")
    assert sources_in(dom) == ["two", "one"]
    assert "2 of 3 sentences" in dom
    assert re.search(r'<option[^>]*value="any">any fault \(2\)</option>', dom)
    assert re.search(r'<option[^>]*value="numbers">number changed \(1\)</option>', dom)
    assert dom.count('<span class="fault">placeholder changed</span>') == 2
    assert sources_in(browser.dom(faulty_page(), "#fault=numbers&q=one")) == []
    assert len(sources_in(browser.dom(faulty_page(), "#fault=unknown"))) == 3


def test_without_faults_there_is_no_list_of_them(browser: Browser) -> None:
    dom = browser.dom(page_of([a_row("red house", "casa roja")]))
    for name in ("fault", "group", "length"):
        assert re.search(rf'<label id="{name}-label" hidden', dom)


def test_the_page_opens_with_much_wrong_text_and_not_with_a_word(browser: Browser) -> None:
    rows = [
        a_row("no", "a", 0),
        a_row("a long sentence that is well translated", "t" * 40, 99),
        a_row("a long sentence that is badly translated", "t" * 40, 40),
        a_row("a short one", "t", 20),
    ]
    assert sources_in(browser.dom(page_of(rows, seed=None))) == [
        *(rows[place].source for place in (2, 3, 0, 1)),
    ]


def test_the_address_filters_by_length_and_group(browser: Browser) -> None:
    rows = [a_row(text, "t") for text in ("one", "two words", "now three words", "other")]
    rows = [
        row.model_copy(update={"group": group})
        for row, group in zip(rows, ("menu", "<b>dialog", "<b>dialog", "menu"), strict=True)
    ]
    document = page_of(rows, seed=None, lengths=LENGTHS)
    dom = browser.dom(document, "#order=corpus&length=3-&group=%3Cb%3Edialog")
    assert sources_in(dom) == ["now three words"]
    assert "1 of 4 sentences" in dom
    assert '<option value="1-2">1 to 2 words (3)</option>' in dom
    assert '<option value="3-">3 words or more (1)</option>' in dom
    assert re.search(r">&lt;b&gt;dialog \(2\)</option><option[^>]*>menu \(2\)</option>", dom)
    for name, shown in (
        ("#order=corpus&length=1-2", ["one", "two words", "other"]),
        ("#order=corpus&group=menu", ["one", "other"]),
        ("#group=menu&length=3-", []),
        ("#order=corpus&length=7-9&group=unknown", [row.source for row in rows]),
    ):
        assert sources_in(browser.dom(document, name)) == shown


def test_groups_of_nearly_one_sentence_each_are_not_listed(browser: Browser) -> None:
    rows = [a_row(f"text {number}", "t") for number in range(6)]
    rows = [row.model_copy(update={"group": row.source}) for row in rows[:-1]] + rows[-1:]
    dom = browser.dom(page_of(rows, seed=None))
    assert re.search(r'<label id="group-label" hidden', dom)
    # nor is a sentence said again as its own group
    origins = re.findall(r'<span class="origin">(.*?)</span>', dom)
    assert origins.count("light:title") == 5 and "light · light:title" in origins


def test_sentences_are_drawn_fifty_at_a_time(browser: Browser) -> None:
    dom = browser.dom(page_of([a_row(f"sentence {number}", "t") for number in range(120)]))
    assert dom.count('<dd class="source"') == 50
    assert "Show more (70 left)" in dom


def test_the_arrow_keys_select_a_word_and_color_its_source_words(browser: Browser) -> None:
    row = a_row("red house", "casa roja")
    weights_WV = np.array([[0.1, 0.9, 0], [0.752, 0.248, 0], [0, 0, 1]])
    seen = WordAttention(weights_WV, ["casa", "roja", END], ["red", "house", END])
    document = page(a_frame(), [row], [seen])
    # the page lets no other script in; this copy of it does
    document = re.sub(r"<meta http-equiv=.*\n", "", document)
    driver = """<script>
        const word = document.querySelector(".translation [tabindex='0']");
        word.focus();
        word.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    </script></body>"""
    dom = browser.dom(document.replace("</body>", driver))
    assert "“roja” looked at “red” 75&nbsp;%, “house” 25&nbsp;%" in dom
    assert re.search(r'<span class="word" [^>]*style="--percent: ?75;">red</span>', dom)
    assert re.search(r'<span class="word shown"[^>]*tabindex="0"[^>]*>roja</span>', dom)


def test_without_weights_no_word_is_a_button(browser: Browser) -> None:
    dom = browser.dom(page_of([a_row("red house", "casa roja")], seed=None))
    assert 'role="button"' not in dom
    assert re.search(r'<p class="hint"[^>]* hidden', dom)
