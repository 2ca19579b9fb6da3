"""The benchmark itself, on a tiny model: ours and the old way."""

import dataclasses
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bert.config import BertConfig
from tests.bert.checkpoints.huggingface.directory import CONFIG, tensors, write_directory
from tests.programs.benchmarks.inference.contest import Disagreement, compete
from tests.programs.benchmarks.inference.contestant import Contestant, ContestantDied
from tests.programs.benchmarks.inference.operations import floating_point_operations, weight_bytes
from tests.programs.benchmarks.inference.registry import entrants
from tests.programs.benchmarks.inference.requests import Request, standard_requests
from tests.programs.benchmarks.inference.tables import all_tables
from tests.programs.benchmarks.inference.worker import Refused
from tests.tiny_model import random_weights

_BERT_BASE = BertConfig(
    vocab_size=30522,
    hidden_size=768,
    num_hidden_layers=12,
    num_attention_heads=12,
    intermediate_size=3072,
    max_position_embeddings=512,
    type_vocab_size=2,
)
_REQUESTS = (
    Request("one", ["the film is good"]),
    Request("three", ["fun", "a very bad film", "not the film"]),
)
_FLOAT32 = {"old-way": "float32", "ours": "float32"}


def _write_checkpoint(directory: Path, seed: int) -> Path:
    """A classifier that the graph padded to 256 columns has positions for."""
    config = dataclasses.replace(CONFIG, max_position_embeddings=256)
    weights = random_weights(config, num_labels=2, seed=seed)
    return write_directory(directory, tensors(weights), max_position_embeddings=256)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("benchmark")


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Path:
    return _write_checkpoint(folder / "checkpoint", seed=0)


@pytest.fixture(scope="module")
def contestants(folder: Path, checkpoint: Path) -> Iterator[list[Contestant]]:
    known = entrants(warmup=False)
    started = []
    for name in _FLOAT32:
        artefact = known[name].prepare(checkpoint, folder)
        started.append(known[name].start(name, artefact, folder / "logs"))
        assert started[-1].load() > 0
    yield started
    for contestant in started:
        contestant.close()


def _is_stopped(contestant: Contestant) -> bool:
    """Whether the process stops within seconds; the signal takes its time on a busy machine."""
    for _ in range(100):
        status = Path(f"/proc/{contestant.process_id}/stat").read_text()
        if status.rsplit(")", 1)[1].split()[0] == "T":
            return True
        time.sleep(0.05)
    return False


def test_everybody_is_timed_in_every_round(contestants: list[Contestant]) -> None:
    cells = compete(contestants, _FLOAT32, _REQUESTS, rounds=2)
    assert cells.keys() == {"one", "three"}
    for of_request in cells.values():
        assert of_request.keys() == {"old-way", "ours"}
        for cell in of_request.values():
            assert len(cell.seconds) == 2
            assert cell.median is not None and 0 < cell.median < 10


def test_who_is_not_asked_is_stopped(contestants: list[Contestant]) -> None:
    for contestant in contestants:
        contestant.ask(["fun"])
    assert all(map(_is_stopped, contestants))


def test_a_request_beyond_the_padded_length_is_refused(contestants: list[Contestant]) -> None:
    request = Request("long", ["fun " * 300])
    with pytest.raises(Refused, match="302 tokens"):
        contestants[0].ask(request.texts)
    (cells,) = compete(contestants, _FLOAT32, [request], rounds=1).values()
    assert cells["old-way"].median is None and cells["ours"].median is not None


def test_other_answers_stop_the_contest(
    contestants: list[Contestant], folder: Path, tmp_path: Path
) -> None:
    other = _write_checkpoint(tmp_path / "other", seed=1)
    entrant = entrants(warmup=False)["old-way"]
    stranger = entrant.start("stranger", entrant.prepare(other, tmp_path), tmp_path)
    try:
        stranger.load()
        with pytest.raises(Disagreement, match="stranger"):
            compete([contestants[1], stranger], {**_FLOAT32, "stranger": "float32"}, _REQUESTS, 1)
    finally:
        stranger.close()


def test_memory_of_a_request_is_seen(contestants: list[Contestant]) -> None:
    small = contestants[1].peak(["fun"] * 10)
    large = contestants[1].peak(["a very bad film " * 20] * 20_000)
    assert large["peak"] - large["before"] > small["peak"] - small["before"] + 20e6


def test_a_contestant_that_dies_is_named(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    entrant = entrants(warmup=False)["ours"]
    contestant = entrant.start("ours", tmp_path / "nothing", tmp_path)
    with pytest.raises(ContestantDied, match=r"(?s)ours.*nothing"):
        contestant.load()
    with pytest.raises(ProcessLookupError):
        os.kill(contestant.process_id, signal.SIGCONT)


def test_operations_are_those_that_papers_give() -> None:
    """22.5 billion for BERT-base at 128 tokens (Jiao et al. 2020, TinyBERT, table 1)."""
    counted = floating_point_operations(_BERT_BASE, [128], everywhere=True)
    assert counted == pytest.approx(22.5e9, rel=0.01)


def test_operations_of_the_last_layer_are_those_of_one_token() -> None:
    """Each token is only scored and summed up, for every head of [CLS]: by hand, tiny."""
    config = dataclasses.replace(CONFIG, num_hidden_layers=1)
    hidden, inner, tokens = config.hidden_size, config.intermediate_size, 7
    projections = 4 * (2 * hidden * hidden)
    feed_forward = 2 * (2 * hidden * inner)
    attention = 2 * (2 * config.num_attention_heads * tokens * hidden)
    pooler = 2 * hidden * hidden
    expected = projections + feed_forward + attention + pooler
    assert floating_point_operations(config, [tokens]) == expected


def test_weights_of_bert_base() -> None:
    """109.5 million parameters, 23.8 million in embeddings and 0.1 in biases and layer norms."""
    assert weight_bytes(_BERT_BASE, 4) == pytest.approx(4 * (109.5e6 - 23.8e6), rel=0.003)


def test_requests_have_the_tokens_they_are_named_for(tmp_path: Path) -> None:
    words = [f"[unused{number}]" for number in range(1996)]
    words += [
        "".join(letters) for letters in np.random.default_rng(0).choice(list("abcd"), (99, 9))
    ]
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join([*words, "1990", "##s"]))
    requests = standard_requests(vocabulary)
    lengths = {
        name: [len(text.split()) + 2 for text in request.texts]
        for name, request in requests.items()
        if "sentences" not in name
    }
    assert lengths["1 x 8"] == [8] and lengths["8 x 128"] == [128] * 8
    assert lengths["30 short + 2 long"] == [20] * 30 + [400] * 2
    assert sorted(lengths["16 mixed"])[::15] == [9, 60]
    assert requests["512 sentences"].rows == 512
    assert all(set(text.split()) <= set(words) for text in requests["8 x 128"].texts)


def test_tables_tell_ratios_and_limits() -> None:
    def cell(seconds: float) -> dict:
        return {"median_seconds": seconds, "seconds": [[seconds]], "refused": ""}

    results = {
        "times": {"1 x 128": {"old-way": cell(0.9), "ours": cell(0.1), "torch": cell(0.25)}},
        "lengths": {"1 x 128": [128]},
        "limits": {
            "read_bytes_per_second": 40e9,
            "float32_operations_per_second": 400e9,
            "bfloat16_operations_per_second": 800e9,
        },
    }
    times, ratios, limits = all_tables(results, _BERT_BASE).split("\n\n")
    assert times.split("\n")[1].split() == ["1", "x", "128", "900.0", "250.0", "100.0"]
    assert ratios.split("\n")[1].split() == ["1", "x", "128", "9.00", "2.50", "-", "-"]
    # 20.5 of 22.4 billion operations at 400 a second are 51 ms.
    assert limits.split("\n")[-1].split()[4:] == ["20.51", "51.3", "8.6", "100.0", "51%", "1.95"]
