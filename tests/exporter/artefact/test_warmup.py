"""The warm-up file: what it holds, that a server replays it, and when nothing is published."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from bert.checkpoints import ReadOptions, read
from bert.encoder.float32_threshold import TRIED
from bert.encoder.graphs import FEW_TOKENS
from bert.encoder.precision import BFLOAT16, FLOAT32, PRECISIONS
from bert.errors import UserError
from bert.model import FineTunedModel
from exporter import export, exporting
from exporter.artefact.sentences import read_rows
from exporter.artefact.warmup import default_rows, write_warmup
from exporter.contract import WARMUP_FILE
from exporter.models.checkpoint import OpenedCheckpoint
from exporter.options import ExportOptions
from exporter.proof.verification import VerificationError, verify
from exporter.runtime.replay import MAX_RECORDS, replay_warmup
from exporter.runtime.servable import Servable
from tests.conftest import WARMUP_PAIRS
from tests.repository import ROOT
from tests.tiny_model import LABELS, TinyModel

_TEXT_SIGNATURES = {"serving_default", "text", "labels", "embedding", "tokenize"}
_FEATURES_SIGNATURES = {"features", "features_with_label_ids"}


@pytest.fixture(scope="module")
def model(tiny_model: TinyModel) -> FineTunedModel:
    return read(tiny_model.prefix, ReadOptions())


@pytest.fixture(scope="module")
def warm_export(tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export as the command makes one when no flag says otherwise."""
    export_dir = tmp_path_factory.mktemp("warm") / "served"
    return export(tiny_model.prefix, export_dir, labels=LABELS).version_directory


@pytest.fixture(scope="module")
def servable(warm_export: Path) -> Iterator[Servable]:
    """The same, loaded by a server that has not replayed it yet."""
    servable = Servable(warm_export)
    yield servable
    servable.close()


def records_of(version_directory: Path) -> list[PredictionLog]:
    dataset = tf.data.TFRecordDataset(str(version_directory / WARMUP_FILE))
    return [PredictionLog.FromString(record) for record in dataset.as_numpy_iterator()]


def signature_name(record: PredictionLog) -> str:
    return getattr(record, record.WhichOneof("log_type")).request.model_spec.signature_name


def test_a_server_replays_it(servable: Servable, warm_export: Path) -> None:
    assert replay_warmup(servable, warm_export) == len(records_of(warm_export))


def test_every_signature_is_asked(warm_export: Path) -> None:
    records = records_of(warm_export)
    counts = Counter(map(signature_name, records))
    # What the largest graph's optimisation took is used again.
    assert signature_name(records[0]) == "tokenize"
    # `text` is `serving_default` by another name: one graph in a session.
    assert set(counts) == (_TEXT_SIGNATURES | _FEATURES_SIGNATURES | {"classify"}) - {"text"}
    # Its own: one more row alone, a batch, and from one word to 12 tokens.
    assert counts.pop("serving_default") == counts["labels"] + 1 + 1 + 10
    assert len(set(counts.values())) == 1
    assert len(records) <= MAX_RECORDS
    described = json.loads((warm_export / "assets.extra" / "export.json").read_text())
    assert described["warmup_requests"] == len(records)


def test_sizes_of_requests(warm_export: Path) -> None:
    """Features as wide as the model takes; single rows, and batches."""
    batches = set()
    for record in records_of(warm_export):
        inputs = record.predict_log.request.inputs
        if signature_name(record) == "features":
            assert tf.make_ndarray(inputs["input_mask"]).shape[1] == 32
        if signature_name(record) == "serving_default":
            texts = tf.make_ndarray(inputs["text"])
            batches.add(len(texts))
    assert batches == {1, 2, 8}


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_no_request_has_more_rows_than_the_flag(
    batch_size: int, tiny_export: Path, model: FineTunedModel, tmp_path: Path
) -> None:
    """A server that batches fewer rows refuses the model, and exits when it starts with it."""
    directory = shutil.copytree(tiny_export, tmp_path / "1")
    count = write_warmup(directory, model, default_rows(text_pair=False), batch_size)
    records = records_of(directory)
    assert len(records) == count
    sizes = {
        tf.make_ndarray(tensor).shape[0]
        for record in records
        for tensor in record.predict_log.request.inputs.values()
    }
    sizes |= {
        len(record.classify_log.request.input.example_list.examples)
        for record in records
        if record.HasField("classify_log")
    }
    assert max(sizes) == batch_size


def test_every_documented_batching_loads_the_default() -> None:
    """The rows that a request may have in scripts/deploy."""
    parameters = (ROOT / "scripts" / "deploy" / "batching_parameters.txt").read_text()
    (most,) = re.findall(r"^max_batch_size \{ value: (\d+) \}$", parameters, re.MULTILINE)
    assert ExportOptions(checkpoint="a", export_dir=Path("b")).warmup_batch_size <= int(most)


@pytest.mark.parametrize("precision", [FLOAT32, BFLOAT16])
def test_every_graph_of_the_encoder_is_asked_for(
    precision: str, servable: Servable, model: FineTunedModel, warm_export: Path, tmp_path: Path
) -> None:
    """Few tokens in rows of one length, many, and rows of several lengths.

    In bfloat16 as many there as in float32_threshold.py.
    """
    directory = shutil.copytree(warm_export, tmp_path / "1")
    write_warmup(directory, model, default_rows(text_pair=False), 8, PRECISIONS[precision])
    cases: dict[str, set[tuple[bool, bool]]] = {"embedding": set(), "labels": set()}
    for record in records_of(directory):
        if signature_name(record) in cases:
            texts = tf.make_ndarray(record.predict_log.request.inputs["text"])
            lengths = servable.predict("tokenize", {"text": texts})["input_mask"].sum(axis=1)
            count, even = int(lengths.sum()), len(set(lengths.tolist())) == 1
            # Below or above every threshold that a server may find.
            many = TRIED[-1] if precision == BFLOAT16 else FEW_TOKENS + 1
            if (even and count < TRIED[0]) or (not even and precision == FLOAT32):
                cases[signature_name(record)].add((True, even))
            elif count >= many:
                cases[signature_name(record)].add((False, even))
    every = {(True, True), (False, True), (precision == FLOAT32, False)}
    assert cases == {"embedding": every, "labels": every}


def test_a_row_of_each_length(servable: Servable, warm_export: Path) -> None:
    """Rows of every small number of tokens that the model sees."""
    lengths = set()
    for record in records_of(warm_export):
        if signature_name(record) == "serving_default":
            texts = tf.make_ndarray(record.predict_log.request.inputs["text"])
            mask = servable.predict("tokenize", {"text": texts})["input_mask"]
            lengths |= set(mask.sum(axis=1).tolist())
    assert lengths >= set(range(3, 13))


def test_features_are_those_of_the_texts(servable: Servable, warm_export: Path) -> None:
    """The same rows for both kinds of clients, so the answers are the same."""
    asked = {"labels": "text", "features": "features"}
    by_signature: dict[str, list[np.ndarray]] = {name: [] for name in asked}
    for record in records_of(warm_export):
        if (name := signature_name(record)) in asked:
            request = record.predict_log.request
            inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            (answer,) = servable.predict(asked[name], inputs).values()
            by_signature[name].append(answer)
    assert len(by_signature["labels"]) > 1
    for text, features in zip(*by_signature.values(), strict=True):
        np.testing.assert_allclose(features, text, atol=1e-6, rtol=0)


def test_sentences_of_the_user(pair_export: Path) -> None:
    """The default signature: each pair alone and then all of them; others: two of them alone."""
    pairs = [tuple(text.encode() for text in pair) for pair in WARMUP_PAIRS]
    sent: dict[str, list[list[tuple[bytes, ...]]]] = {"serving_default": [], "classify": []}
    for record in records_of(pair_export):
        if signature_name(record) == "serving_default":
            inputs = record.predict_log.request.inputs
            columns = [tf.make_ndarray(inputs[name]) for name in ("text_a", "text_b")]
            sent["serving_default"].append(list(zip(*columns, strict=True)))
        elif signature_name(record) == "classify":
            examples = record.classify_log.request.input.example_list.examples
            sent["classify"].append(
                [
                    tuple(
                        example.features.feature[name].bytes_list.value[0]
                        for name in ("text_a", "text_b")
                    )
                    for example in examples
                ]
            )
    alone, batch = sent["serving_default"][:3], sent["serving_default"][3]
    assert alone == [[pair] for pair in pairs]
    assert batch == [*pairs, *[pairs[0]] * 5]
    assert sent["classify"] == [*alone[:2], *sent["serving_default"][4:6]]


def test_no_warm_up(tiny_export: Path) -> None:
    assert not (tiny_export / WARMUP_FILE).exists()
    described = json.loads((tiny_export / "assets.extra" / "export.json").read_text())
    assert described["warmup_requests"] == 0


def add_unknown_signature(directory: Path) -> None:
    record = PredictionLog()
    record.predict_log.request.model_spec.signature_name = "nope"
    with tf.io.TFRecordWriter(str(directory / WARMUP_FILE)) as writer:
        writer.write(record.SerializeToString())


def add_features_out_of_range(directory: Path) -> None:
    record = PredictionLog()
    request = record.predict_log.request
    request.model_spec.signature_name = "features"
    for name in ("input_ids", "input_mask", "segment_ids"):
        request.inputs[name].CopyFrom(tf.make_tensor_proto([[1 << 20]], tf.int32))
    with tf.io.TFRecordWriter(str(directory / WARMUP_FILE)) as writer:
        writer.write(record.SerializeToString())


def test_a_record_that_fails_is_not_published(
    tiny_model: TinyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(directory: Path, *arguments: object) -> int:
        count = write_warmup(directory, *arguments)  # type: ignore[arg-type]
        add_unknown_signature(directory)
        return count

    monkeypatch.setattr(exporting, "write_warmup", write)
    with pytest.raises(VerificationError, match=r"warm-up record 0 of .*nope"):
        export(tiny_model.prefix, tmp_path / "served", verify=False)
    assert not (tmp_path / "served").exists()


def test_the_verification_replays(tiny_export: Path, model: FineTunedModel, tmp_path: Path) -> None:
    directory = shutil.copytree(tiny_export, tmp_path / "1")
    add_features_out_of_range(directory)
    with pytest.raises(VerificationError, match=r"warm-up record 0 of .*input_ids must lie"):
        verify(directory, OpenedCheckpoint(model), False, None)


def test_too_many_sentences(tiny_export: Path, model: FineTunedModel, tmp_path: Path) -> None:
    directory = shutil.copytree(tiny_export, tmp_path / "1")
    # The default signature: n requests of one sentence, n / 8 of eight, 2 for the encoder's graphs
    # and 10 lengths. Six others: 2 sentences and 2 for the graphs.
    told = r"--warmup_file holds 857 sentences, which make 1001 requests .* at most 1000"
    with pytest.raises(UserError, match=told):
        write_warmup(directory, model, [(b"good",)] * 857, 8)
    assert not (directory / WARMUP_FILE).exists()
    assert write_warmup(directory, model, [(b"good",)] * 856, 8) == 856 + 107 + 2 + 10 + 6 * 4


@pytest.mark.parametrize("text_pair", [False, True])
def test_rows_of_our_own(text_pair: bool) -> None:
    rows = default_rows(text_pair)
    assert {len(row) for row in rows} == {1 + text_pair}
    assert len(rows) > 2


def test_lines_of_a_file(tmp_path: Path) -> None:
    """As Windows editors write it: a byte order mark, carriage returns, blank lines."""
    file = tmp_path / "sentences.txt"
    file.write_bytes("\ufeffÇa va\r\n\r\n a\tb \r\n".encode())
    assert read_rows("--warmup_file", file, text_pair=False) == [("Ça va".encode(),), (b" a\tb ",)]
    file.write_bytes(b"what?\tthat\n\nx\t\n")
    assert read_rows("--warmup_file", file, text_pair=True) == [(b"what?", b"that"), (b"x", b"")]


@pytest.mark.parametrize(
    ("content", "text_pair", "told"),
    [
        (b"", False, "holds no sentence"),
        (b" \r\n\n", False, "holds no sentence"),
        (b"fine\n\xff\xfe\n", False, "UTF-8"),
        (b"a\tb\n\none text only\n", True, "line 3 holds 0 tabs"),
        (b"a\tb\tc\n", True, "line 1 holds 2 tabs"),
    ],
)
def test_a_bad_file(content: bytes, text_pair: bool, told: str, tmp_path: Path) -> None:
    file = tmp_path / "sentences.txt"
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"--warmup_file .*{told}"):
        read_rows("--warmup_file", file, text_pair)
