"""Refuses SavedModels whose ops reach beyond their graph: files, Python, other machines."""

from pathlib import Path

from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

from bert.errors import UserError
from exporter.models.wrapped.signature import FeatureSignature
from exporter.serving.effects import does_more_than_compute, initialisers
from exporter.serving.reachability import ops_behind

# What gives variables their first values, and those that were saved.
_INITIALISING = frozenset({"AssignVariableOp"})
_RESTORING = frozenset({"RestoreV2", "AssignVariableOp"})


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
        "its initialisation": (initialisers(meta_graph), _INITIALISING),
        "its restoring": ([meta_graph.saver_def.restore_op_name], _RESTORING),
    }
    for part, (tensors, admitted) in parts.items():
        for op in sorted(ops_behind(meta_graph, tensors) - admitted):
            if does_more_than_compute(op):
                raise UserError(
                    f"--checkpoint {directory}: {part} holds the op {op}, which does more than "
                    "compute (it may read or write files, run Python or keep a state): give a "
                    "model without it."
                )
