"""The original's training graph: modeling.py under run_classifier's loss and optimization.py."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.oracles.original_bert import load_modeling, load_optimization

_tf1 = tf.compat.v1


def session(graph: tf.Graph) -> Any:
    """A session that runs one op at a time.

    The original reads `global_step` for the learning rate and assigns it in the same step
    without an order between the two; one thread reads first, as ops that wait for nothing do.
    """
    config = _tf1.ConfigProto(inter_op_parallelism_threads=1)
    return _tf1.Session(graph=graph, config=config)


class OriginalTraining:
    """A classifier that is trained on padded features by the original's code."""

    def __init__(
        self,
        config_file: Path,
        num_labels: int,
        learning_rate: float = 5e-5,
        num_train_steps: int = 10,
        num_warmup_steps: int = 1,
    ) -> None:
        """Builds the graph; `restore` gives it weights."""
        modeling = load_modeling()
        config = modeling.BertConfig.from_json_file(str(config_file))
        graph = tf.Graph()
        with graph.as_default():
            self._features = [_tf1.placeholder(tf.int32, [None, None]) for _ in range(3)]
            self._label_ids = _tf1.placeholder(tf.int32, self._label_shape)
            input_ids, input_mask, segment_ids = self._features
            model = modeling.BertModel(config, True, input_ids, input_mask, segment_ids)
            self._logits, self._loss = self._head(model, config.hidden_size, num_labels)
            self._train_op = load_optimization().create_optimizer(
                self._loss, learning_rate, num_train_steps, num_warmup_steps, use_tpu=False
            )
            self._saver = _tf1.train.Saver()
            self._weights_saver = _tf1.train.Saver(_tf1.trainable_variables())
            self._session = session(graph)
            self._session.run(_tf1.global_variables_initializer())

    _label_shape: tuple[int | None, ...] = (None,)

    def _head(self, model: Any, hidden_size: int, num_labels: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits and loss: run_classifier.py, create_model, without its dropout of 0.1."""
        weights = _tf1.get_variable("output_weights", [num_labels, hidden_size])
        bias = _tf1.get_variable("output_bias", [num_labels])
        pooled = model.get_pooled_output()
        logits = tf.nn.bias_add(tf.matmul(pooled, weights, transpose_b=True), bias)
        one_hot = tf.one_hot(self._label_ids, depth=num_labels)
        log_probabilities = tf.nn.log_softmax(logits, axis=-1)
        return logits, tf.reduce_mean(-tf.reduce_sum(one_hot * log_probabilities, axis=-1))

    def restore(self, prefix: Path) -> None:
        """Sets the weights, by name; slots and `global_step` stay as they are."""
        with self._session.graph.as_default():
            self._weights_saver.restore(self._session, str(prefix))

    def restore_all(self, prefix: Path) -> None:
        """Sets weights, slots and `global_step`, by name."""
        with self._session.graph.as_default():
            self._saver.restore(self._session, str(prefix))

    def save(self, prefix: Path) -> Path:
        """Writes everything as the original does; returns the checkpoint's prefix."""
        step = self.variables()["global_step"]
        with self._session.graph.as_default():
            return Path(self._saver.save(self._session, str(prefix), global_step=step))

    def step(self, features: Sequence[np.ndarray], label_ids: np.ndarray) -> float:
        """One training step on int [B, S] x 3 and int [B]; the loss before it."""
        feed = dict(zip(self._features, features, strict=True)) | {self._label_ids: label_ids}
        return self._session.run([self._loss, self._train_op], feed)[0]

    def logits(self, features: Sequence[np.ndarray]) -> np.ndarray:
        """Int [B, S] x 3 -> float32 [B, C]."""
        feed = dict(zip(self._features, features, strict=True))
        return self._session.run(self._logits, feed)

    def variables(self) -> dict[str, np.ndarray]:
        """Every variable by name, slots and `global_step` included."""
        with self._session.graph.as_default():
            found = _tf1.global_variables()
        values = self._session.run(found)
        return {variable.op.name: value for variable, value in zip(found, values, strict=True)}


class OriginalSpanTraining(OriginalTraining):
    """run_squad.py's head and loss; labels are the columns of start and end, int [B, 2]."""

    _label_shape = (None, 2)

    def _head(self, model: Any, hidden_size: int, num_labels: int) -> tuple[tf.Tensor, tf.Tensor]:
        """`create_model`, and `compute_loss` within `model_fn_builder`."""
        weights = _tf1.get_variable("cls/squad/output_weights", [2, hidden_size])
        bias = _tf1.get_variable("cls/squad/output_bias", [2])
        hidden = model.get_sequence_output()
        logits = tf.einsum("bsh,ch->bsc", hidden, weights) + bias
        losses = []
        for column in range(2):
            one_hot = tf.one_hot(self._label_ids[:, column], depth=tf.shape(logits)[1])
            log_probabilities = tf.nn.log_softmax(logits[:, :, column], axis=-1)
            losses.append(-tf.reduce_mean(tf.reduce_sum(one_hot * log_probabilities, axis=-1)))
        return logits, (losses[0] + losses[1]) / 2.0
