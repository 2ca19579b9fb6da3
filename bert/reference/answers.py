"""The witness up to the answer of a task: what the `text` signature should say."""

from collections.abc import Callable, Mapping

import numpy as np

from bert.model import FineTunedModel
from bert.reference.forward import ReferenceClassifier, softmax
from bert.tasks import IDENTITY, SIGMOID, SOFTMAX, Task


class ReferenceModel:
    """The padded forward pass of a fine-tuned model, up to the answer of its task."""

    def __init__(self, model: FineTunedModel) -> None:
        """Takes the model as it was read."""
        self._task, self._pooling = model.task, model.pooling
        self._forward = ReferenceClassifier(model.config, model.weights)
        if self._task.fills_masks:
            self._mask_id = model.mask_id()
            # Rows of the table that no piece belongs to are words without a name.
            nameless = [""] * (model.config.vocab_size - len(model.vocabulary.tokens))
            pieces = [piece.encode() for piece in (*model.vocabulary.tokens, *nameless)]
            self._pieces = np.array(pieces, dtype=object)

    def answers(
        self, input_ids: np.ndarray, input_mask: np.ndarray, segment_ids: np.ndarray
    ) -> dict[str, np.ndarray]:
        """What the `text` signature should say: int [B, S] x 3 -> each output, float64 [B, ...]."""
        forward, features = self._forward, (input_ids, input_mask, segment_ids)
        if self._task.fills_masks:
            return self._words(input_ids, forward.sequence(*features))
        if self._task.reads_tokens:
            vectors = forward.sequence(*features, self._pooling.layers)  # [B, S, H]
        else:
            vectors = forward.pooled(*features, self._pooling)  # [B, H]
        numbers = forward.classified(vectors) if self._task.has_head else vectors
        return {self._task.answer: finish(self._task, numbers)}

    def _words(self, input_ids: np.ndarray, hidden: np.ndarray) -> dict[str, np.ndarray]:
        """All words that fit in place of the first mask token of each row, best first: [B, V] each.

        Empty words with scores of -1 where there is none.
        """
        words, scores = [], []
        for ids, vectors in zip(input_ids, hidden, strict=True):
            masks = np.flatnonzero(ids == self._mask_id)
            if masks.size:
                numbers = softmax(self._forward.word_logits(vectors[masks[0]]))  # [V]
                order = np.argsort(-numbers, kind="stable")
                words.append(self._pieces[order])
                scores.append(numbers[order])
            else:
                words.append(np.full_like(self._pieces, b""))
                scores.append(np.full(len(self._pieces), -1.0))
        return {"tokens": np.stack(words), "scores": np.stack(scores)}


def finish(task: Task, logits: np.ndarray) -> np.ndarray:
    """The numbers of a head -> the answer of its task: float64 [..., C] -> [..., C] or [...]."""
    answer = _HEAD_ACTIVATIONS[task.activation](logits)
    return answer[..., 0] if task.is_number else answer


_HEAD_ACTIVATIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    IDENTITY: lambda logits: logits,
    SOFTMAX: softmax,
    SIGMOID: lambda logits: 1 / (1 + np.exp(-logits)),
}
