"""The optimizer of google-research/bert (`optimization.py`): AdamW without bias correction."""

import re
from collections.abc import Mapping

import tensorflow as tf

GLOBAL_STEP = "global_step"

# create_optimizer
_WEIGHT_DECAY_RATE = 0.01
_BETA_1 = 0.9
_BETA_2 = 0.999
_EPSILON = 1e-6
_NOT_DECAYED = re.compile("LayerNorm|layer_norm|bias")
_CLIP_NORM = 1.0


class AdamWeightDecay(tf.Module):
    """Adam with decoupled weight decay, warm-up, linear decay and gradient clipping."""

    def __init__(
        self,
        trained: Mapping[str, tf.Variable],
        learning_rate: float,
        num_train_steps: int,
        num_warmup_steps: int,
    ) -> None:
        """Makes the slots of the variables in `trained`, zero, and `global_step`, 0."""
        super().__init__(name="adam_weight_decay")
        self._trained = dict(trained)
        self._learning_rate = learning_rate
        self._num_train_steps = num_train_steps
        self._num_warmup_steps = num_warmup_steps
        self._first_moments = _slots(trained, "adam_m")
        self._second_moments = _slots(trained, "adam_v")
        self.global_step = tf.Variable(0, dtype=tf.int64, name=GLOBAL_STEP, trainable=False)

    def named_variables(self) -> dict[str, tf.Variable]:
        """The slots and `global_step` under the names the original's checkpoints give them."""
        slots = [*self._first_moments.values(), *self._second_moments.values()]
        return {_name(slot): slot for slot in slots} | {GLOBAL_STEP: self.global_step}

    def learning_rate(self) -> tf.Tensor:
        """The rate of the next step, float32 []: linear warm-up, then linear decay to 0."""
        step = tf.cast(self.global_step, tf.float32)
        progress = tf.minimum(step, self._num_train_steps) / self._num_train_steps
        rate = self._learning_rate * (1.0 - progress)
        if self._num_warmup_steps:
            warm_up = self._learning_rate * (step / self._num_warmup_steps)
            rate = tf.where(step < self._num_warmup_steps, warm_up, rate)
        return rate

    def apply(self, gradients: Mapping[str, tf.Tensor | tf.IndexedSlices]) -> None:
        """Clips the gradients, moves the variables and counts the step.

        The gradient of a table that rows were gathered from may be IndexedSlices: its norm
        is that of the slices, equal rows not yet added up, as in the original; the update
        is dense, so rows without a gradient move by their moments and decay too.

        Args:
          gradients: one for every trained variable, under its name.
        """
        clipped, _ = tf.clip_by_global_norm(
            [gradients[name] for name in self._trained], clip_norm=_CLIP_NORM
        )
        rate = self.learning_rate()
        for name, gradient in zip(self._trained, clipped, strict=True):
            self._move(name, tf.convert_to_tensor(gradient), rate)
        self.global_step.assign_add(1)

    def _move(self, name: str, gradient: tf.Tensor, rate: tf.Tensor) -> None:
        """`AdamWeightDecayOptimizer.apply_gradients` for one variable."""
        variable = self._trained[name]
        first, second = self._first_moments[name], self._second_moments[name]
        next_first = _BETA_1 * first + (1.0 - _BETA_1) * gradient
        next_second = _BETA_2 * second + (1.0 - _BETA_2) * tf.square(gradient)
        update = next_first / (tf.sqrt(next_second) + _EPSILON)
        if not _NOT_DECAYED.search(name):
            update += _WEIGHT_DECAY_RATE * variable
        variable.assign_sub(rate * update)
        first.assign(next_first)
        second.assign(next_second)


def _slots(trained: Mapping[str, tf.Variable], suffix: str) -> dict[str, tf.Variable]:
    return {
        name: tf.Variable(tf.zeros_like(variable), name=f"{name}/{suffix}", trainable=False)
        for name, variable in trained.items()
    }


def _name(variable: tf.Variable) -> str:
    return variable.name.removesuffix(":0")
