"""The warm-up file: requests that a server runs on load, so that no client's is the first.

Most of a first request's time is spent once for each signature: its graph is optimised and
its kernels are made. Every number of tokens then has matrix products of its own, whose kernels
all signatures share; they matter where the request itself is short.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from bert.encoder.graphs import FEW_TOKENS
from bert.encoder.precision import FLOAT32, PRECISIONS, Precision
from bert.errors import UserError
from bert.model import TextModel
from exporter.contract import (
    CLASSIFY_METHOD,
    INPUT_IDS,
    INPUT_MASK,
    LABEL_IDS,
    REGRESS_METHOD,
    SEGMENT_IDS,
    SERVING_DEFAULT,
    TOKENIZE,
    WARMUP_FILE,
    text_inputs,
)
from exporter.runtime.replay import MAX_RECORDS
from exporter.serving.graph_file import read_serving_graph
from exporter.text.profiles import PROFILES

# The second one goes through the branches of the tokenizer that plain English never enters. A first
# row of 384 or 512 tokens takes no longer than later ones, without any such row here.
_TEXTS: tuple[bytes, ...] = (
    b"Great!",
    "Ça coûte 5 €, 한국어 и русский; ΟΔΥΣΣΕΥΣ, ½ 我喜欢.".encode(),
    b"The food was good, but nobody came.",
)

# Rows that every signature but the default one gets by themselves. A second one for the branches
# of the tokenizer; long rows only make kernels that all signatures share.
_ROWS_OF_OTHERS = 2

# More than the highest number of tokens from which a server may multiply in float32
# (bert/encoder/float32_threshold.py).
_MANY_TOKENS = 129

# Rows of each length up to here are warmed up, 2 MB each (MiniLM). Of 13 to 16 tokens the first
# request takes 1.2 to 1.5 times a later one's time, of 9 to 11 it would be up to 1.8.
_LONGEST_ROW = 12

_Columns = Mapping[str, np.ndarray]
_Encode = Callable[[bytes, bytes | None, int], tuple[list[int], list[int]]]


def default_rows(text_pair: bool) -> list[tuple[bytes, ...]]:
    """Short texts, for a model of one text or two."""
    return [(text, text) if text_pair else (text,) for text in _TEXTS]


def write_warmup(
    directory: Path,
    model: TextModel,
    rows: Sequence[tuple[bytes, ...]],
    batch_size: int,
    precision: Precision = PRECISIONS[FLOAT32],
) -> int:
    """Writes the warm-up file of a SavedModel, and returns how many requests it holds.

    The default signature gets every row alone, then all of them in batches, and a row of each
    length up to 12 tokens. Every other one gets the first two rows alone, and batches that ask for
    each graph of the encoder; but not one that reads and fetches what the default one does.

    Args:
      directory: the SavedModel.
      model: the model that was exported.
      rows: the texts of each row.
      batch_size: the most rows of a request. A server that batches requests refuses, when it loads
        the model, one of more rows than its max_batch_size, and exits.
      precision: of the model, which decides how many graphs its encoder has.

    Raises:
      UserError: there are more rows than the server's 1000 requests have room for.
    """
    signatures = {
        name: signature
        for name, signature in read_serving_graph(directory).signature_def.items()
        # The one without a method initialises the model; no client calls it.
        if signature.method_name
    }
    default = _tensors(signatures[SERVING_DEFAULT])
    num_texts = len(rows[0])
    # Filled up, since a batch of many rows first needs more memory than one ever had.
    filled = [*rows, *[rows[0]] * (-len(rows) % batch_size)]
    graphs = _batches_for_every_graph(num_texts, batch_size, model.max_seq_length, precision)
    of_others = [*([row] for row in rows[:_ROWS_OF_OTHERS]), *graphs]
    of_default = [
        *([row] for row in rows),
        *(filled[start : start + batch_size] for start in range(0, len(filled), batch_size)),
        *graphs,
        *([row] for row in _rows_of_each_length(num_texts, model.max_seq_length)),
    ]
    requests = [
        (name, batch)
        # Later ones use the memory again that optimising the first one took, and this takes the
        # most: 5 MB less stay.
        for name, signature in sorted(
            signatures.items(), key=lambda item: (item[0] != TOKENIZE, item[0])
        )
        # A session keeps one graph for all that fetch the same.
        if name == SERVING_DEFAULT or _tensors(signature) != default
        for batch in (of_default if name == SERVING_DEFAULT else of_others)
    ]
    if len(requests) > MAX_RECORDS:
        raise UserError(
            f"--warmup_file holds {len(rows)} sentences, which make {len(requests)} requests with "
            f"ours, where TensorFlow Serving replays at most {MAX_RECORDS}: give fewer sentences."
        )
    encode = PROFILES[model.tokenizer].build_reference(model).encode
    names = text_inputs(model.task, text_pair=num_texts > 1)
    file = directory / WARMUP_FILE
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for name, batch in requests:
            columns = _columns(names, batch, encode, model.max_seq_length)
            writer.write(_record(name, signatures[name], columns).SerializeToString())
    return len(requests)


def _tensors(signature: SignatureDef) -> tuple[set[str], set[str]]:
    """The names of the tensors that a signature reads, and of those that it fetches."""
    inputs, outputs = (
        {tensor.name for tensor in tensors.values()}
        for tensors in (signature.inputs, signature.outputs)
    )
    return inputs, outputs


def _rows_of_each_length(num_texts: int, max_seq_length: int) -> Iterator[tuple[bytes, ...]]:
    """Rows from one word to so many that no more tokens fit or the request is long anyway."""
    special_tokens = 1 + num_texts
    for words in range(1, min(max_seq_length, _LONGEST_ROW) - special_tokens + 1):
        yield _row(words, num_texts)


def _batches_for_every_graph(
    num_texts: int, batch_size: int, max_seq_length: int, precision: Precision
) -> list[list[tuple[bytes, ...]]]:
    """Many tokens in rows of one length, and rows of two lengths.

    The encoder has a graph of its own for each, and the first request that asks for it takes 0.1 s
    more with BERT-base. Example: 8 rows of 13 tokens, 11 words with [CLS] and [SEP], are many. One
    row alone, which is few tokens of one length, is among the rows that every signature gets.
    """
    most = _MANY_TOKENS if precision.tries_float32 else FEW_TOKENS + 1

    def many(count: int) -> list[tuple[bytes, ...]]:
        tokens = min(-(-most // count), max_seq_length)
        return [_row(max(tokens - 1 - num_texts, 1), num_texts)] * count

    if batch_size == 1:
        return [many(1)]
    long = many(batch_size - 1) if precision.tries_float32 else [_row(2, num_texts)]
    return [many(batch_size), [*long, _row(1, num_texts)]]


def _row(words: int, num_texts: int) -> tuple[bytes, ...]:
    """A row of so many words, all in the last text, which may be the context of a question."""
    # A letter is a token in every vocabulary, if only [UNK].
    return (*[b""] * (num_texts - 1), b"a " * words)


def _columns(
    names: Sequence[str],
    rows: Sequence[tuple[bytes, ...]],
    encode: _Encode,
    max_seq_length: int,
) -> _Columns:
    """The inputs that signatures have, by name, for a request of these rows.

    Texts are object [B]; features, int32 [B, S], are padded to `max_seq_length`, as clients
    that tokenize themselves do.
    """
    columns: dict[str, np.ndarray] = {}
    for name, texts in zip(names, zip(*rows, strict=True), strict=True):
        columns[name] = np.array(texts, dtype=object)
    input_ids, input_mask, segment_ids = np.zeros((3, len(rows), max_seq_length), np.int32)
    for index, (text_a, *text_b) in enumerate(rows):
        ids, segments = encode(text_a, text_b[0] if text_b else None, max_seq_length)
        input_ids[index, : len(ids)] = ids
        input_mask[index, : len(ids)] = 1
        segment_ids[index, : len(ids)] = segments
    label_ids = np.zeros(len(rows), np.int32)
    return columns | {
        INPUT_IDS: input_ids,
        INPUT_MASK: input_mask,
        SEGMENT_IDS: segment_ids,
        LABEL_IDS: label_ids,
    }


def _record(name: str, signature: SignatureDef, columns: _Columns) -> PredictionLog:
    """The request of a signature, by its method, as the server logs one."""
    record = PredictionLog()
    if signature.method_name == CLASSIFY_METHOD:
        classification = record.classify_log.request
        classification.model_spec.signature_name = name
        _add_examples(classification.input, columns)
    elif signature.method_name == REGRESS_METHOD:
        regression = record.regress_log.request
        regression.model_spec.signature_name = name
        _add_examples(regression.input, columns)
    else:
        prediction = record.predict_log.request
        prediction.model_spec.signature_name = name
        for key in signature.inputs:
            prediction.inputs[key].CopyFrom(tf.make_tensor_proto(columns[key]))
    return record


def _add_examples(request_input: Input, columns: _Columns) -> None:
    texts = {name: column for name, column in columns.items() if column.dtype == object}
    for row in zip(*texts.values(), strict=True):
        features = request_input.example_list.examples.add().features.feature
        for name, text in zip(texts, row, strict=True):
            features[name].bytes_list.value.append(text)
