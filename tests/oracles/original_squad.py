"""Windows and answers by the original's own functions of run_squad.py."""

import ast
import collections
import json
import math
import tempfile
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tests.oracles.original_bert import load_modeling, load_tokenization, original_source

_tf1 = tf.compat.v1

_FUNCTIONS = (
    "read_squad_examples",
    "_improve_answer_span",
    "convert_examples_to_features",
    "_check_is_max_context",
    "write_predictions",
    "get_final_text",
    "_get_best_indexes",
    "_compute_softmax",
)
_CLASSES = ("SquadExample", "InputFeatures")


class Answers(NamedTuple):
    """What write_predictions writes of one question."""

    best: str
    texts: list[str]
    probabilities: list[float]
    null_odds: float | None


class OriginalSquad:
    """The functions of run_squad.py that stand between texts and answers.

    They are compiled alone: the module around them needs Estimator.
    """

    def __init__(
        self,
        vocabulary_file: Path,
        max_seq_length: int,
        doc_stride: int,
        max_query_length: int,
        with_null: bool,
        null_score_diff_threshold: float = 0.0,
    ) -> None:
        """Takes the flags of the same names; `with_null` is --version_2_with_negative."""
        flags = types.SimpleNamespace(
            version_2_with_negative=with_null,
            null_score_diff_threshold=null_score_diff_threshold,
            verbose_logging=False,
        )
        logging = types.SimpleNamespace(info=lambda *_: None, warning=lambda *_: None)
        files = types.SimpleNamespace(GFile=open, Open=open)
        tokenization = load_tokenization()
        self._names: dict[str, Any] = {
            "collections": collections,
            "json": json,
            "math": math,
            "six": types.SimpleNamespace(iteritems=lambda values: values.items()),
            "tf": types.SimpleNamespace(logging=logging, gfile=files),
            "tokenization": tokenization,
            "FLAGS": flags,
        }
        body = ast.parse(original_source("run_squad")).body
        kept = [node for node in body if getattr(node, "name", "") in (*_FUNCTIONS, *_CLASSES)]
        assert len(kept) == len(_FUNCTIONS) + len(_CLASSES)
        code = compile(ast.Module(body=kept, type_ignores=[]), "run_squad.py", "exec")
        exec(code, self._names)
        self._tokenizer = tokenization.FullTokenizer(str(vocabulary_file), do_lower_case=True)
        self._lengths = (max_seq_length, doc_stride, max_query_length)

    def example(self, question: str, context: str) -> Any:
        """A question about a context whose words have single spaces between them."""
        return self._names["SquadExample"](
            qas_id="0", question_text=question, doc_tokens=context.split(" ")
        )

    def read(self, file: Path, is_training: bool) -> list[Any]:
        """The examples of a file."""
        return self._names["read_squad_examples"](str(file), is_training)

    def windows(self, example: Any, is_training: bool = False) -> list[Any]:
        """The features of each window."""
        features: list[Any] = []
        self._names["convert_examples_to_features"](
            [example], self._tokenizer, *self._lengths, is_training, features.append
        )
        return features

    def answers(
        self,
        example: Any,
        windows: Sequence[Any],
        logits: Sequence[np.ndarray],
        n_best_size: int,
        max_answer_length: int,
    ) -> Answers | None:
        """By the logits of each window's tokens, float32 [S, 2].

        None where there is no answer beside the one that there is none, which the original fails
        on.
        """
        results = [
            types.SimpleNamespace(
                unique_id=window.unique_id,
                start_logits=[float(value) for value in values[:, 0]],
                end_logits=[float(value) for value in values[:, 1]],
            )
            for window, values in zip(windows, logits, strict=True)
        ]
        key = example.qas_id
        with tempfile.TemporaryDirectory() as scratch:
            files = [str(Path(scratch, name)) for name in ("best.json", "n_best.json", "null.json")]
            try:
                self._names["write_predictions"](
                    [example], windows, results, n_best_size, max_answer_length, True, *files
                )
            except AttributeError as error:
                assert "'NoneType' object has no attribute 'start_logit'" in str(error)
                return None
            best, several = (json.loads(Path(file).read_text())[key] for file in files[:2])
            null = Path(files[2])
            odds = json.loads(null.read_text())[key] if null.exists() else None
        return Answers(
            best,
            [each["text"] for each in several],
            [each["probability"] for each in several],
            odds,
        )


class OriginalSpanModel:
    """`BertModel` of the original modeling.py under run_squad.py's head."""

    def __init__(self, config_file: Path, seed: int) -> None:
        """Random weights."""
        modeling = load_modeling()
        config = modeling.BertConfig.from_json_file(str(config_file))
        graph = tf.Graph()
        with graph.as_default():
            _tf1.set_random_seed(seed)
            self._features = [_tf1.placeholder(tf.int32, [None, None]) for _ in range(3)]
            model = modeling.BertModel(config, False, *self._features, False)
            hidden = model.get_sequence_output()
            # run_squad.py, create_model
            weights = _tf1.get_variable("cls/squad/output_weights", [2, config.hidden_size])
            bias = _tf1.get_variable("cls/squad/output_bias", [2])
            logits = tf.einsum("bsh,ch->bsc", hidden, weights) + bias
            self._logits = logits
            self._session = _tf1.Session(graph=graph)
            self._session.run([_assign_random(variable) for variable in _tf1.global_variables()])
            _tf1.train.get_or_create_global_step()
            self._session.run(_tf1.train.get_global_step().initializer)
            self._saver = _tf1.train.Saver()

    def save(self, prefix: Path) -> Path:
        """Writes the checkpoint as training does; the new prefix."""
        with self._session.graph.as_default():
            return Path(self._saver.save(self._session, str(prefix), 7))

    def logits(
        self, input_ids: np.ndarray, input_mask: np.ndarray, segment_ids: np.ndarray
    ) -> np.ndarray:
        """Int [B, S] x 3 -> float32 [B, S, 2]."""
        features = (input_ids, input_mask, segment_ids)
        return self._session.run(self._logits, dict(zip(self._features, features, strict=True)))


def _assign_random(variable: tf.Variable) -> tf.Tensor:
    mean = 1.0 if "gamma" in variable.name else 0.0
    return variable.assign(tf.random.normal(variable.shape, mean, 0.3))
