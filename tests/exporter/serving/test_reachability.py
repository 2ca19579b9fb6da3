import pytest
import tensorflow as tf

from exporter.serving.graph_file import read_serving_graph
from exporter.serving.reachability import OpUse, called_signatures, op_uses


@pytest.fixture(scope="module")
def uses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OpUse]:
    """A model with a branch, a loop, a table and a function that two signatures share."""
    directory = tmp_path_factory.mktemp("branches")
    module = tf.Module()
    module.scale = tf.Variable(3.0)
    module.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1.0]), 0.0)
    specification = tf.TensorSpec([None], tf.float32, name="x")

    @tf.function(input_signature=[specification])
    def shared(x: tf.Tensor) -> tf.Tensor:
        return tf.math.atan2(x, module.scale)

    @tf.function(input_signature=[specification])
    def branch(x: tf.Tensor) -> dict[str, tf.Tensor]:
        large = tf.reduce_sum(x) > 3.0
        return {"y": tf.cond(large, lambda: tf.math.erfinv(x), lambda: tf.math.lgamma(x))}

    @tf.function(input_signature=[specification])
    def loop(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "y": tf.while_loop(
                lambda y: tf.reduce_sum(tf.math.bessel_i0(y)) < 9.0,
                lambda y: [shared(tf.math.zeta(y, y))],
                [x],
            )[0]
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
    def lookup(words: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": shared(module.table.lookup(words))}

    module.functions = [branch, loop, lookup]
    signatures = {"branch": branch, "loop": loop, "lookup": lookup}
    tf.saved_model.save(module, str(directory), signatures=signatures)
    meta_graph = read_serving_graph(directory)
    assert set(called_signatures(meta_graph.signature_def)) == set(signatures)
    return dict(op_uses(meta_graph))


@pytest.mark.parametrize(
    ("op", "signatures"),
    [
        ("Erfinv", ("branch",)),
        ("Lgamma", ("branch",)),
        ("BesselI0", ("loop",)),
        ("Zeta", ("loop",)),
        ("Atan2", ("lookup", "loop")),
        ("LookupTableFindV2", ("lookup",)),
        ("LookupTableImportV2", ()),
        ("RestoreV2", ()),
        ("SaveV2", ()),
    ],
)
def test_signatures_of_an_op(uses: dict[str, OpUse], op: str, signatures: tuple[str, ...]) -> None:
    assert uses[op].signatures == signatures


def test_functions_are_no_ops(uses: dict[str, OpUse]) -> None:
    assert not [op for op in uses if op.startswith("__inference")]
    assert {"StatefulPartitionedCall", "Placeholder"} <= uses.keys()


def test_only_what_changes_an_op_counts(uses: dict[str, OpUse]) -> None:
    assert "debug_name" not in uses["VarHandleOp"].attributes
    assert {"dtype", "shape", "shared_name"} <= uses["VarHandleOp"].attributes
