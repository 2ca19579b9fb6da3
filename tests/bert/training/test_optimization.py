from collections.abc import Mapping

import numpy as np
import pytest
import tensorflow as tf

from bert.training.optimization import AdamWeightDecay
from tests.oracles.original_bert import load_optimization
from tests.oracles.original_training import session

_tf1 = tf.compat.v1

STEPS, WARM_UP_STEPS, RATE = 8, 3, 0.05
IDS = np.array([[1, 3, 3, 0], [3, 2, 1, 1]])
SHAPES = {
    "bert/embeddings/word_embeddings": (6, 3),
    "bert/encoder/layer_0/output/dense/kernel": (3, 4),
    "bert/encoder/layer_0/output/dense/bias": (4,),
    "bert/encoder/layer_0/output/LayerNorm/gamma": (4,),
    "output_weights": (4, 2),
}
START = {
    name: np.random.default_rng(index).normal(size=shape).astype(np.float32)
    for index, (name, shape) in enumerate(SHAPES.items())
}


def loss(variables: Mapping[str, tf.Tensor], scale: float) -> tf.Tensor:
    """Takes rows of the first variable, some of them twice, and uses all the others."""
    table, kernel, bias, gamma, output = (variables[name] for name in SHAPES)
    rows = tf.gather(table, tf.constant(IDS))
    hidden = tf.tanh(tf.einsum("bsh,hi->bsi", rows, kernel) + bias) * gamma
    return scale * tf.reduce_mean(tf.square(tf.einsum("bsi,ij->bsj", hidden, output) - 1.0))


def train_original(scale: float, num_warmup_steps: int) -> list[dict[str, np.ndarray]]:
    """The variables after each step of the original's `create_optimizer`."""
    with tf.Graph().as_default() as graph:
        variables = {name: _tf1.get_variable(name, initializer=START[name]) for name in SHAPES}
        step = load_optimization().create_optimizer(
            loss(variables, scale), RATE, STEPS, num_warmup_steps, use_tpu=False
        )
        everything = {variable.op.name: variable for variable in _tf1.global_variables()}
        with session(graph) as running:
            running.run(_tf1.global_variables_initializer())
            return [(running.run(step), running.run(everything))[1] for _ in range(STEPS)]


def train_ours(scale: float, num_warmup_steps: int) -> list[dict[str, np.ndarray]]:
    """The variables after each step of ours, which runs inside a `tf.function`."""
    variables = {name: tf.Variable(START[name], name=name) for name in SHAPES}
    optimizer = AdamWeightDecay(variables, RATE, STEPS, num_warmup_steps)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            value = loss(variables, scale)
        gradients = tape.gradient(value, variables)
        assert isinstance(gradients["bert/embeddings/word_embeddings"], tf.IndexedSlices)
        optimizer.apply(gradients)

    after = []
    for _ in range(STEPS):
        step()
        everything = variables | optimizer.named_variables()
        after.append({name: variable.numpy() for name, variable in everything.items()})
    return after


@pytest.mark.parametrize("num_warmup_steps", [0, WARM_UP_STEPS])
@pytest.mark.parametrize("scale", [0.01, 100.0], ids=["unclipped", "clipped"])
def test_every_step_is_the_original_s(scale: float, num_warmup_steps: int) -> None:
    original = train_original(scale, num_warmup_steps)
    ours = train_ours(scale, num_warmup_steps)
    for step, (expected, found) in enumerate(zip(original, ours, strict=True)):
        assert found.keys() == expected.keys()
        assert found["global_step"] == expected["global_step"] == step + 1
        assert found["global_step"].dtype == expected["global_step"].dtype == np.int64
        for name, value in expected.items():
            np.testing.assert_allclose(
                found[name], value, rtol=1e-6, atol=1e-7, err_msg=f"{name} after step {step}"
            )


def test_a_row_without_gradient_decays_and_an_excluded_variable_does_not() -> None:
    names = {"output/kernel": 1.0, "output/bias": 1.0, "x/LayerNorm/gamma": 1.0, "layer_norm": 1.0}
    variables = {name: tf.Variable([value], name=name) for name, value in names.items()}
    optimizer = AdamWeightDecay(variables, 0.5, num_train_steps=10, num_warmup_steps=0)
    optimizer.apply({name: tf.zeros([1]) for name in names})
    moved = {name for name, variable in variables.items() if variable.numpy()[0] != 1.0}
    assert moved == {"output/kernel"}
    np.testing.assert_allclose(variables["output/kernel"].numpy(), 1.0 - 0.5 * 0.01, rtol=1e-6)


def test_the_learning_rate_rises_then_falls_to_zero_and_stays_there() -> None:
    optimizer = AdamWeightDecay({}, 1.0, num_train_steps=10, num_warmup_steps=4)
    rates = []
    for step in range(13):
        optimizer.global_step.assign(step)
        rates.append(float(optimizer.learning_rate()))
    expected = [0.0, 0.25, 0.5, 0.75, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0, 0.0, 0.0]
    np.testing.assert_allclose(rates, expected, atol=1e-7)
