"""The training loop: batches in, a moved model and its checkpoints out."""

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import tensorflow as tf

from bert.encoder import dropout
from bert.encoder.packed_tokens import PackedTokens
from bert.errors import UserError
from bert.training import checkpoints
from bert.training.accumulation import Gradients, accumulated, split
from bert.training.batches import Batch, EncodedExample, batch_signature, packed_tokens, shuffled
from bert.training.optimization import AdamWeightDecay
from bert.training.progress import ProgressLine
from bert.variables import EMBEDDINGS

# modeling.py takes these tables by one-hot product and by slice, so their gradients are dense
# before the norm is taken, where a gathered table's is not.
_DENSE_TABLES = (f"{EMBEDDINGS}/token_type_embeddings", f"{EMBEDDINGS}/position_embeddings")


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long to train, how fast, and when to save."""

    num_train_steps: int
    num_warmup_steps: int
    batch_size: int
    learning_rate: float
    save_checkpoints_steps: int
    seed: int
    num_passes: int = 1
    """how many passes the examples of a step are split into"""

    @classmethod
    def from_epochs(
        cls,
        num_examples: int,
        num_epochs: float,
        warmup_proportion: float,
        batch_size: int,
        learning_rate: float,
        save_checkpoints_steps: int,
        seed: int,
        num_passes: int = 1,
    ) -> "Schedule":
        """Counts steps as the original's `run_classifier.py`, main, does.

        Raises:
          UserError: there is less than one full batch to train on.
        """
        num_train_steps = int(num_examples / batch_size * num_epochs)
        if num_train_steps < 1:
            raise UserError(
                f"--num_train_epochs {num_epochs:g} of {num_examples} examples fill no batch of "
                f"--train_batch_size {batch_size}: train longer or with smaller batches."
            )
        num_warmup_steps = int(num_train_steps * warmup_proportion)
        return cls(
            num_train_steps,
            num_warmup_steps,
            batch_size,
            learning_rate,
            save_checkpoints_steps,
            seed,
            num_passes,
        )


class Observer(Protocol):
    """What looks at a training on its way."""

    def after_step(self, step: int, loss: float, learning_rate: float) -> None:
        """Sees a step that was done, counted from 1."""

    def after_checkpoint(self, step: int) -> bool:
        """Sees a checkpoint that was written, or gone on from; whether training goes on."""


class Model(Protocol):
    """What is trained."""

    @property
    def label_spec(self) -> tf.TensorSpec:
        """The labels of a batch, as `losses` takes them."""

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables under their google-research names; not all need to be trainable."""

    def losses(
        self, tokens: PackedTokens, label_ids: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Losses whose mean is that of a batch, float32 [M]; labels as `label_spec` has them."""


class Trainer(tf.Module):
    """A classifier, its optimizer, and the step that moves both."""

    def __init__(self, classifier: Model, schedule: Schedule) -> None:
        """Starts at step 0, with the weights that the classifier has."""
        super().__init__(name="trainer")
        self._classifier = classifier
        self._schedule = schedule
        self._variables = classifier.named_variables()
        self._trained: Mapping[str, tf.Variable] = {
            name: variable for name, variable in self._variables.items() if variable.trainable
        }
        self._optimizer = AdamWeightDecay(
            self._trained,
            schedule.learning_rate,
            schedule.num_train_steps,
            schedule.num_warmup_steps,
        )
        signature = [batch_signature(classifier.label_spec)]
        self._step = tf.function(self._eager_step, input_signature=signature, autograph=False)
        self._pass = tf.function(self._gradients, input_signature=signature, autograph=False)

    def named_variables(self) -> dict[str, tf.Variable]:
        """Weights, optimizer slots and `global_step`, as the original's checkpoints name them."""
        return self._variables | self._optimizer.named_variables()

    def resume(self, prefix: Path) -> int:
        """Goes on from a checkpoint of an earlier training; returns its step.

        Raises:
          UserError: the checkpoint does not fit.
        """
        checkpoints.restore(prefix, self.named_variables())
        return int(self._optimizer.global_step.numpy())

    def step(self, batch: Batch) -> tf.Tensor:
        """Moves the weights by one batch; returns its mean loss before that, float32 []."""
        dropout.start_step(self._schedule.seed, int(self._optimizer.global_step.numpy()))
        if self._schedule.num_passes == 1:
            return self._step(batch)
        parts = split(batch, self._schedule.num_passes)
        loss, gradients = accumulated(self._pass(part) for part in parts)
        self._optimizer.apply(gradients)
        return loss

    def train(
        self,
        examples: Sequence[EncodedExample],
        output_dir: Path,
        watch: Observer | None = None,
    ) -> None:
        """Trains up to the schedule's last step or `watch`'s word, saving on the way.

        Raises:
          UserError: the loss is not finite, or a checkpoint cannot be written.
        """
        schedule = self._schedule
        first = int(self._optimizer.global_step.numpy())
        steps = range(first, schedule.num_train_steps)
        if first and watch is not None and not watch.after_checkpoint(first):
            return
        with ProgressLine(first, schedule.num_train_steps, schedule.batch_size) as progress:
            for step, batch in zip(
                steps, shuffled(examples, schedule.batch_size, schedule.seed, steps), strict=True
            ):
                rate = float(self._optimizer.learning_rate())
                started = time.perf_counter()
                loss = float(self.step(batch))
                if not math.isfinite(loss):
                    raise UserError(
                        f"The loss at step {step + 1} is {loss}, the training diverged: lower "
                        f"--learning_rate (now {schedule.learning_rate:g})."
                    )
                progress.update(loss, time.perf_counter() - started)
                done = step + 1
                if watch is not None:
                    watch.after_step(done, loss, rate)
                if done % schedule.save_checkpoints_steps == 0 or done == steps.stop:
                    checkpoints.save(output_dir, self.named_variables())
                    if watch is not None and not watch.after_checkpoint(done):
                        return

    def _eager_step(self, batch: Batch) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self._losses(batch))
        self._optimizer.apply(self._of_tables_dense(tape.gradient(loss, self._trained)))
        return loss

    def _gradients(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor, Gradients]:
        """The sum of a batch's losses, float32 [], their number, int32 [], and its gradients."""
        with tf.GradientTape() as tape:
            losses = self._losses(batch)
            loss = tf.reduce_sum(losses)
        gradients = self._of_tables_dense(tape.gradient(loss, self._trained))
        return loss, tf.size(losses), gradients

    def _losses(self, batch: Batch) -> tf.Tensor:
        return self._classifier.losses(packed_tokens(batch), batch.label_ids, training=True)

    @staticmethod
    def _of_tables_dense(gradients: Gradients) -> Gradients:
        for name in gradients.keys() & _DENSE_TABLES:
            gradients[name] = tf.convert_to_tensor(gradients[name])
        return gradients
