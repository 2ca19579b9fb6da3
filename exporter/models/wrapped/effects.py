"""Refuses SavedModels whose ops reach beyond their graph: files, Python, other machines."""

from collections.abc import Iterator
from pathlib import Path

from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.python.framework import op_def_registry

from bert.errors import UserError
from exporter.models.wrapped.signature import FeatureSignature
from exporter.serving.reachability import ops_behind

# Ops that TensorFlow calls stateful, and of which it is known that their state is the model's own.
_HARMLESS_STATEFUL = frozenset(
    {
        *("Variable", "VariableV2", "VarHandleOp", "VarIsInitializedOp", "VariableShape"),
        *("ReadVariableOp", "ResourceGather", "ResourceGatherNd", "DisableCopyOnRead"),
        *("StatefulPartitionedCall", "If", "While", "Case"),
        *("Assert", "CheckNumerics", "CheckNumericsV2", "GuaranteeConst", "Empty"),
        *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
        *("TensorArrayV3", "TensorArrayReadV3", "TensorArrayWriteV3", "TensorArraySizeV3"),
        *("TensorArrayGatherV3", "TensorArrayScatterV3", "TensorArrayCloseV3"),
    }
)
# What gives variables their first values, and those that were saved.
_INITIALISING = frozenset({"AssignVariableOp"})
_RESTORING = frozenset({"RestoreV2", "AssignVariableOp"})
# Not stateful by TensorFlow's word, and yet they read files or run Python.
_HARMFUL_STATELESS = frozenset(
    {
        "ReadFile",
        "MatchingFiles",
        "ImmutableConst",
        "PyFuncStateless",
        "InitializeTableFromTextFile",
    }
)

_INITIALISERS = ("saved_model_main_op", "legacy_init_op")
_INITIALISER_SIGNATURE = "__saved_model_init_op"


def refuse_effects(
    meta_graph: MetaGraphDef, signature: FeatureSignature, directory: str | Path
) -> None:
    """Makes sure that loading and asking the model does nothing but compute.

    Ops that neither the signature nor the loading reaches are never run, and not exported.

    Raises:
      UserError: an op that reads or writes files, runs Python, or is not known.
    """
    parts = {
        f"the signature {signature.name}": (signature.outputs.values(), frozenset()),
        "its initialisation": (_initialisers(meta_graph), _INITIALISING),
        "its restoring": ([meta_graph.saver_def.restore_op_name], _RESTORING),
    }
    for part, (tensors, admitted) in parts.items():
        for op in sorted(ops_behind(meta_graph, tensors) - admitted):
            if _is_harmful(op):
                raise UserError(
                    f"--checkpoint {directory}: {part} holds the op {op}, which does more than "
                    "compute (it may read or write files, run Python or keep a state): give a "
                    "model without it."
                )


def _is_harmful(op: str) -> bool:
    if op in _HARMFUL_STATELESS or "Dataset" in op:
        return True
    definition = op_def_registry.get(op)
    return definition is None or (definition.is_stateful and op not in _HARMLESS_STATEFUL)


def _initialisers(meta_graph: MetaGraphDef) -> Iterator[str]:
    """What loading runs beside the restoring."""
    if _INITIALISER_SIGNATURE in meta_graph.signature_def:
        for output in meta_graph.signature_def[_INITIALISER_SIGNATURE].outputs.values():
            yield output.name
    for name in _INITIALISERS:
        if name in meta_graph.collection_def:
            yield from meta_graph.collection_def[name].node_list.value
