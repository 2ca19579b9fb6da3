"""The page that tries a model, in headless Chromium.

Where BERT_EXPORTER_SCREENSHOTS names a folder, it gets pictures of the page, light and dark.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.exporter.preview import page_models
from tests.exporter.preview.browser import Tab, tab
from tests.exporter.preview.client import Client, preview
from tests.exporter.preview.page_models import CONTEXT, HOSTILE
from tests.repository import ROOT

Steps = Callable[[Tab], Awaitable[None]]

_ANSWERED = "document.querySelector('#json').textContent !== ''"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


def on_page(base_path: Path, steps: Steps) -> None:
    """Serves a model, and does the steps on its page, which must ask for nothing from elsewhere."""

    async def run(client: Client) -> None:
        url = f"http://127.0.0.1:{client.port}/"
        async with tab(url) as page:
            await page.until("document.querySelector('#signature').value")
            await page.until("document.querySelector('textarea')")
            await steps(page)
            assert page.faults == []
            assert page.requested
            assert all(each.startswith((url, "data:")) for each in page.requested), page.requested

    with preview(base_path.name, base_path) as client:
        asyncio.run(run(client))


async def choose(page: Tab, signature: str) -> None:
    await page.value(
        "{const s = document.querySelector('#signature');"
        f"s.value = {json.dumps(signature)}; s.dispatchEvent(new Event('change'))}}"
    )
    await page.until(f"document.querySelector('#fields').dataset.of === {json.dumps(signature)}")


async def write(page: Tab, field: str, text: str) -> None:
    await page.value(
        f"{{const f = document.querySelector('#field-{field}'); f.focus(); f.select()}}"
    )
    await page.type(text)


async def ask(page: Tab) -> None:
    """Asks by the keyboard, and waits for the answer."""
    await page.value("document.querySelector('#json').textContent = ''")
    await page.value("document.querySelector('#fields textarea').focus()")
    await page.press("Enter", control=True)
    await page.until(_ANSWERED)


async def take_pictures(page: Tab, name: str) -> None:
    backgrounds = set()
    for scheme in ("light", "dark"):
        await page.appear(scheme)
        backgrounds.add(await page.value("getComputedStyle(document.body).backgroundColor"))
        if "BERT_EXPORTER_SCREENSHOTS" in os.environ:
            folder = Path(os.environ["BERT_EXPORTER_SCREENSHOTS"])
            await page.screenshot(folder / f"{name}-{scheme}.png")
    assert len(backgrounds) == 2


def test_labels_and_tokens_of_a_classifier(scratch: Path) -> None:
    async def steps(page: Tab) -> None:
        assert await page.text("h1") == "sentiment"
        assert "version 1" in await page.text("#about")
        assert await page.value("document.querySelector('#signature').value") == "labels"
        await write(page, "text", "it's a <b>very</b> good film")
        await ask(page)
        assert set(await page.texts(".bars .label")) == {"positive", HOSTILE, "neutral"}
        scores = [float(value.rstrip(" %")) for value in await page.texts(".bars .value")]
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) == pytest.approx(100, abs=0.2)
        # A person copies the line to a terminal.
        line = await page.value("document.querySelector('#curl').textContent")
        result = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
        shown = await page.value("document.querySelector('#json').textContent")
        assert json.loads(result.stdout) == json.loads(shown)
        assert "ms" in await page.text("#measured")
        assert "version 1" in await page.text("#measured")
        await take_pictures(page, "classification")
        await choose(page, "text")
        await ask(page)
        assert await page.texts(".bars .label") == ["positive", HOSTILE, "neutral"]
        await choose(page, "classify")
        await ask(page)
        assert await page.texts(".bars .label") == ["positive", HOSTILE, "neutral"]
        await choose(page, "tokenize")
        await ask(page)
        tokens = await page.texts(".token")
        assert tokens[0].split() == ["[CLS]", "2", "–"]
        assert tokens[1].split()[::2] == ["i", "0–1"]
        assert any(token.split()[0::2] == ["very", "10–14"] for token in tokens), tokens
        await take_pictures(page, "tokens")
        assert await page.value("document.querySelectorAll('img, main b b').length") == 0
        report = json.loads(await page.value("document.querySelector('#report').textContent"))
        assert report["labels"] == ["positive", HOSTILE, "neutral"]

    on_page(page_models.export_classifier(scratch), steps)


def test_features_and_mistakes(scratch: Path) -> None:
    async def steps(page: Tab) -> None:
        await choose(page, "features_with_label_ids")
        given = json.loads(await page.value("document.querySelector('#field-json').value"))
        assert given["input_ids"][0] == 2 and given["label_ids"] == 0
        await ask(page)
        assert "16 numbers" in await page.text("#answer")
        await write(page, "json", "{")
        await page.press("Enter", control=True)
        await page.until("document.querySelector('#answer .wrong')")
        await write(page, "json", '{"input_ids": "<i>"}')
        await page.press("Enter", control=True)
        await page.until("document.querySelector('#answer').innerText.includes('input_ids')")
        await choose(page, "embedding")
        await write(
            page, "text", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        )
        await ask(page)

    on_page(page_models.export_embedding(scratch / "features"), steps)


def test_a_pair_and_the_keyboard_alone(scratch: Path) -> None:
    async def steps(page: Tab) -> None:
        await page.press("Tab")
        await page.press("Tab")
        assert await page.value("document.activeElement.id") == "field-text_a"
        await page.value("document.activeElement.select()")
        await page.type("is the film good?")
        await page.press("Tab")
        assert await page.value("document.activeElement.id") == "field-text_b"
        await page.press("Tab")
        assert await page.value("document.activeElement.id") == "ask"
        await page.press("Enter")
        await page.until(_ANSWERED)
        assert set(await page.texts(".bars .label")) == {"same", "other", "unclear"}
        assert '"text_a":"is the film good?"' in await page.text("#curl")
        await take_pictures(page, "pair")
        await choose(page, "tokenize")
        await ask(page)
        tokens = await page.texts(".token")
        assert {token.split("\n")[-1] for token in tokens} == {"text 1", "text 2"}

    on_page(page_models.export_pairs(scratch), steps)


def test_entities_and_tags(scratch: Path) -> None:
    async def steps(page: Tab) -> None:
        assert await page.value("document.querySelector('#signature').value") == "entities"
        # A character that JavaScript counts twice, before the entities.
        text = "😀 the film is good , not bad ; a very fun film"
        await write(page, "text", text)
        await ask(page)
        shown = json.loads(await page.value("document.querySelector('#json').textContent"))
        (answer,) = shown["predictions"]
        marks = await page.value(
            "[...document.querySelectorAll('mark')].map(m => m.firstChild.textContent)"
        )
        assert len(marks) > 1 and marks == answer["entities"][: answer["count"]]
        assert (
            marks
            == [
                text[start:end] for start, end in zip(answer["starts"], answer["ends"], strict=True)
            ][: answer["count"]]
        )
        assert await page.texts("mark small") == answer["labels"][: answer["count"]]
        await take_pictures(page, "entities")
        await choose(page, "tags")
        await ask(page)
        assert (await page.texts(".token"))[2].split("\n")[0] == "the"
        await take_pictures(page, "tags")

    on_page(page_models.export_tagger(scratch), steps)


def test_an_embedding_and_how_near_another_is(scratch: Path) -> None:
    async def steps(page: Tab) -> None:
        await ask(page)
        assert "16 numbers" in await page.text("#answer")
        assert await page.value("document.querySelectorAll('.vector i').length") == 16
        await write(page, "other", "a stirring, funny film")
        await ask(page)
        assert await page.text("#answer .number") == "1"
        await write(page, "other", "not good")
        await ask(page)
        assert float(await page.text("#answer .number")) < 0.9999
        await take_pictures(page, "embedding")

    on_page(page_models.export_embedding(scratch), steps)


def test_an_answer_in_its_context(scratch: Path) -> None:
    async def steps(page: Tab) -> None:
        assert await page.value("[...document.querySelectorAll('textarea')].map(t => t.name)") == [
            "question",
            "context",
        ]
        await write(page, "context", CONTEXT)
        await ask(page)
        shown = json.loads(await page.value("document.querySelector('#json').textContent"))
        (answer,) = shown["predictions"]
        assert answer["answer"] and answer["answer"] == CONTEXT[answer["start"] : answer["end"]]
        assert await page.texts("mark") == [answer["answer"]]
        assert await page.text("#answer .found") == answer["answer"]
        await take_pictures(page, "answer")
        await choose(page, "answers")
        await ask(page)
        shown = json.loads(await page.value("document.querySelector('#json').textContent"))
        (several,) = shown["predictions"]
        assert await page.texts(".bars .label") == [
            text
            for text, score in zip(several["answers"], several["scores"], strict=True)
            if score >= 0
        ]
        assert await page.texts("mark") == several["answers"][:1]
        await choose(page, "tokenize")
        await ask(page)
        tokens = await page.texts(".token")
        assert tokens[1].split("\n")[-1] == "text 1" and tokens[-1].split("\n")[-1] == "text 2"

    on_page(page_models.export_answerer(scratch), steps)


def test_words_in_place_of_a_mask(scratch: Path) -> None:
    async def steps(page: Tab) -> None:
        assert "[MASK]" in await page.value("document.querySelector('#field-text').value")
        await ask(page)
        shown = json.loads(await page.value("document.querySelector('#json').textContent"))
        (answer,) = shown["predictions"]
        assert len(answer["tokens"]) == 5
        assert await page.texts(".bars .label") == answer["tokens"]
        await take_pictures(page, "words")
        await write(page, "text", "a film")
        await ask(page)
        assert "no mask token" in await page.text("#answer")
        await choose(page, "features")
        await ask(page)
        assert "no mask token" in await page.text("#answer")

    on_page(page_models.export_masked_words(scratch), steps)


def test_texts_are_never_markup_and_nothing_is_fetched_from_elsewhere() -> None:
    files = list((ROOT / "exporter" / "preview" / "page").iterdir())
    assert len(files) >= 5
    for file in files:
        content = file.read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", content
        )
        assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", content), file


def test_a_version_without_a_report(classifier: Path) -> None:
    with preview("clf", classifier.parent) as client:
        page = client.get("/")
        assert (page.status, page.content_type) == (200, "text/html; charset=utf-8")
        assert client.get("/model.json").json() == {"name": "clf", "version": "1", "report": None}
        assert client.get("/page.css").content_type == "text/css; charset=utf-8"
        for method, path in (("POST", "/"), ("GET", "/nothing"), ("GET", "/page/page.css")):
            assert client.request(method, path).status == 404


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, '{"a": NaN'])
def test_a_damaged_report(content: str, classifier: Path, tmp_path: Path) -> None:
    version = shutil.copytree(classifier, tmp_path / "1")
    (version / "assets.extra").mkdir(exist_ok=True)
    (version / "assets.extra" / "export.json").write_text(content)
    with preview("clf", tmp_path) as client:
        assert client.get("/model.json").json()["report"] is None
