"""One version of a model, loaded as TF Serving loads it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from exporter.contract import EXAMPLES_INPUT, REGRESS_OUTPUT, SERVE_TAG, SERVING_DEFAULT
from exporter.runtime.status import Code, StatusError, invalid_argument
from exporter.text.registration import register_text_ops


class Servable:
    """A SavedModel in a session of its own: its signatures, and calls of them.

    Several threads may call at once. Every call raises StatusError with the code that the same
    call has in TF Serving 2.19.
    """

    def __init__(self, directory: Path, *, checks_shapes: bool = True) -> None:
        """Loads the meta graph with the tag "serve" of the SavedModel in `directory`.

        Args:
          directory: of the SavedModel.
          checks_shapes: whether an input of another rank than the signature's is refused before
            the graph runs. Without the check every shape reaches the graph, as in TF Serving,
            and a graph that does not guard itself may end the process.

        Raises:
          Exception: TensorFlow cannot load the SavedModel; its errors are of many classes.
        """
        register_text_ops()
        self._checks_shapes = checks_shapes
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph)
        try:
            with graph.as_default():
                # tf.saved_model.load of TF 2 would rebuild Python functions, which no server has.
                meta_graph = tf.compat.v1.saved_model.load(
                    self._session, [SERVE_TAG], str(directory)
                )
        except BaseException:
            self._session.close()
            raise
        self.signatures: Mapping[str, SignatureDef] = dict(meta_graph.signature_def)

    def close(self) -> None:
        """Frees the session; no call may be running then, and none may follow."""
        self._session.close()

    def signature(self, name: str) -> SignatureDef:
        """The signature called `name`; "" means `serving_default`.

        Raises:
          StatusError: the model does not have it.
        """
        name = name or SERVING_DEFAULT
        if name not in self.signatures:
            raise invalid_argument(
                f"signature '{name}' not found; the model has {', '.join(sorted(self.signatures))}"
            )
        return self.signatures[name]

    def predict(
        self,
        signature_name: str,
        inputs: Mapping[str, np.ndarray],
        output_filter: Sequence[str] = (),
    ) -> dict[str, np.ndarray]:
        """The outputs by name: all of them, or those that `output_filter` names.

        Raises:
          StatusError: a name or dtype is wrong, or the graph fails.
        """
        signature = self.signature(signature_name)
        if inputs.keys() != set(signature.inputs):
            raise invalid_argument(
                f"the inputs are {sorted(inputs)}, but the signature has {sorted(signature.inputs)}"
            )
        for name in output_filter:
            if name not in signature.outputs:
                raise invalid_argument(f"the signature has no output '{name}'")
        names = output_filter or list(signature.outputs)
        return self._run(signature, inputs, names)

    def classify(
        self, signature_name: str, examples: Sequence[bytes]
    ) -> list[list[tuple[bytes, float]]]:
        """(label, score) of every class, for each of the serialized tf.Examples.

        The signature has one input `inputs`, and the output `classes` (string [n, C]), `scores`
        (float32 [n, C]), or both. A missing output counts as b"" or 0.

        Raises:
          StatusError: the signature is another, or the graph fails.
        """
        signature = self.signature(signature_name)
        if len(signature.inputs) != 1 or len(signature.outputs) not in (1, 2):
            raise invalid_argument("classify takes a signature with one input and 1 or 2 outputs")
        names = [name for name in ("classes", "scores") if name in signature.outputs]
        if EXAMPLES_INPUT not in signature.inputs or not names:
            raise StatusError(
                Code.FAILED_PRECONDITION,
                "classify takes a signature with an input 'inputs' and an output 'classes' or "
                "'scores'; such a signature is chosen with \"signature_name\"",
            )
        outputs = self._run(signature, {EXAMPLES_INPUT: _string_vector(examples)}, names)
        for name, dtype in (("classes", np.dtype(object)), ("scores", np.dtype(np.float32))):
            array = outputs.get(name)
            if array is not None and (
                array.ndim != 2 or array.dtype != dtype or len(array) != len(examples)
            ):
                raise invalid_argument(
                    f"output '{name}' is {array.dtype} {list(array.shape)}, which is no "
                    f"classification of {len(examples)} examples"
                )
        width = {array.shape[1] for array in outputs.values()}
        if len(width) > 1:
            raise invalid_argument("'classes' and 'scores' differ in their number of classes")
        shape = next(iter(outputs.values())).shape
        labels = outputs.get("classes", np.full(shape, b"", dtype=object)).tolist()
        scores = outputs.get("scores", np.zeros(shape, np.float32)).tolist()
        return [list(zip(*row, strict=True)) for row in zip(labels, scores, strict=True)]

    def regress(self, signature_name: str, examples: Sequence[bytes]) -> np.ndarray:
        """One number for each of the serialized tf.Examples: float32 [n].

        The signature has one input `inputs` and one output `outputs`, float32 [n] or [n, 1].

        Raises:
          StatusError: the signature is another, or the graph fails.
        """
        signature = self.signature(signature_name)
        if len(signature.inputs) != 1 or len(signature.outputs) != 1:
            raise invalid_argument("regress takes a signature with one input and one output")
        if EXAMPLES_INPUT not in signature.inputs or REGRESS_OUTPUT not in signature.outputs:
            raise StatusError(
                Code.FAILED_PRECONDITION,
                "regress takes a signature with an input 'inputs' and an output 'outputs'; "
                'such a signature is chosen with "signature_name"',
            )
        outputs = self._run(signature, {EXAMPLES_INPUT: _string_vector(examples)}, [REGRESS_OUTPUT])
        values = outputs[REGRESS_OUTPUT]
        if values.dtype != np.float32 or values.shape not in ((len(examples),), (len(examples), 1)):
            raise invalid_argument(
                f"output 'outputs' is {values.dtype} {list(values.shape)}, which is no "
                f"regression of {len(examples)} examples"
            )
        return values.reshape(-1)

    def assign(self, shared_name: str, value: int) -> None:
        """Overwrites the integer in the resource whose shared name begins with `shared_name`."""
        graph = self._session.graph
        (handle,) = (
            operation.outputs[0]
            for operation in graph.get_operations()
            if operation.type == "VarHandleOp"
            and operation.get_attr("shared_name").startswith(shared_name.encode())
        )
        with graph.as_default():
            assignment = tf.raw_ops.AssignVariableOp(resource=handle, value=tf.constant(value))
        self._session.run(assignment)

    def _run(
        self, signature: SignatureDef, inputs: Mapping[str, np.ndarray], names: Sequence[str]
    ) -> dict[str, np.ndarray]:
        feeds = {}
        for name, array in inputs.items():
            expected = tf.as_dtype(signature.inputs[name].dtype)
            if tf.as_dtype(array.dtype) != expected:
                raise invalid_argument(
                    f"input '{name}' is {tf.as_dtype(array.dtype).name}, expected {expected.name}"
                )
            feeds[signature.inputs[name].name] = array
        fetches = {name: signature.outputs[name].name for name in names}
        try:
            outputs = self._outputs(fetches, feeds)
        except tf.errors.OpError as error:
            raise StatusError(Code(error.error_code), _first_cause(error.message)) from None
        except UnicodeDecodeError:
            # TensorFlow's Python cannot pass on a message that quotes bytes that are not UTF-8.
            raise invalid_argument("the model refuses an input that is not UTF-8") from None
        except (ValueError, TypeError) as error:
            # The session checks a feed by itself, before the graph runs.
            raise invalid_argument(str(error)) from None
        return {name: _array(value) for name, value in outputs.items()}

    def _outputs(
        self, fetches: Mapping[str, str], feeds: Mapping[str, np.ndarray]
    ) -> Mapping[str, object]:
        if self._checks_shapes:
            return self._session.run(fetches, feeds)
        # `Session.run` compares the feeds with the placeholders' shapes, and then calls this.
        tensor = self._session.graph.get_tensor_by_name
        fed = {tensor(name).ref(): value for name, value in feeds.items()}
        values = self._session._do_run(None, [], [*map(tensor, fetches.values())], fed, None, None)
        return dict(zip(fetches, values, strict=True))


def _first_cause(message: str) -> str:
    return message.removeprefix("Graph execution error:").strip()


def _string_vector(values: Sequence[bytes]) -> np.ndarray:
    vector = np.empty(len(values), dtype=object)
    vector[:] = values
    return vector


def _array(value: object) -> np.ndarray:
    # A scalar string comes as bytes; np.asarray would strip its NULs.
    return np.array(value, dtype=object) if isinstance(value, bytes) else np.asarray(value)
