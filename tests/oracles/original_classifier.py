"""The original `create_model` of run_classifier.py, restored by name and run on features."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.oracles.original_bert import load_modeling

_tf1 = tf.compat.v1


class OriginalClassifier:
    """`BertModel` of the original modeling.py under the original's classifier."""

    def __init__(self, prefix: Path, num_labels: int) -> None:
        """Restores the checkpoint `prefix`; bert_config.json lies beside it."""
        modeling = load_modeling()
        config = modeling.BertConfig.from_json_file(str(prefix.with_name("bert_config.json")))
        graph = tf.Graph()
        with graph.as_default():
            self._features = [_tf1.placeholder(tf.int32, [None, None]) for _ in range(3)]
            model = modeling.BertModel(
                config=config,
                is_training=False,
                input_ids=self._features[0],
                input_mask=self._features[1],
                token_type_ids=self._features[2],
                use_one_hot_embeddings=False,
            )
            self._pooled = model.get_pooled_output()
            # run_classifier.py, create_model
            weights = _tf1.get_variable("output_weights", [num_labels, config.hidden_size])
            bias = _tf1.get_variable("output_bias", [num_labels])
            product = tf.matmul(self._pooled, weights, transpose_b=True)
            self._logits = tf.nn.bias_add(product, bias)
            self._probabilities = tf.nn.softmax(self._logits, axis=-1)
            self._session = _tf1.Session(graph=graph)
            self._saver = _tf1.train.Saver()
            self._saver.restore(self._session, str(prefix))

    def probabilities(
        self, input_ids: np.ndarray, input_mask: np.ndarray, segment_ids: np.ndarray
    ) -> np.ndarray:
        """Int [B, S] x 3 -> float32 [B, C]; raises what the original's graph raises."""
        return self._run(self._probabilities, input_ids, input_mask, segment_ids)

    def logits(
        self, input_ids: np.ndarray, input_mask: np.ndarray, segment_ids: np.ndarray
    ) -> np.ndarray:
        """Int [B, S] x 3 -> float32 [B, C]."""
        return self._run(self._logits, input_ids, input_mask, segment_ids)

    def pooled(
        self, input_ids: np.ndarray, input_mask: np.ndarray, segment_ids: np.ndarray
    ) -> np.ndarray:
        """Int [B, S] x 3 -> float32 [B, H]."""
        return self._run(self._pooled, input_ids, input_mask, segment_ids)

    def save(self, prefix: Path, global_step: int) -> Path:
        """Writes the variables as run_classifier.py's training does; the new prefix."""
        with self._session.graph.as_default():
            return Path(self._saver.save(self._session, str(prefix), global_step))

    def _run(self, fetch: tf.Tensor, *features: np.ndarray) -> np.ndarray:
        return self._session.run(fetch, dict(zip(self._features, features, strict=True)))
