"""Ops that do more than compute: they touch files, run Python, reach machines or keep a state."""

from collections.abc import Collection, Iterator

from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.python.framework import op_def_registry

from exporter.serving.reachability import called_signatures, ops_behind, output_tensors

# Ops that TensorFlow calls stateful, although they keep nothing, or the model's own variables.
_HARMLESS_STATEFUL = frozenset(
    {
        *("Variable", "VariableV2", "VarHandleOp", "VarIsInitializedOp", "VariableShape"),
        *("ReadVariableOp", "ResourceGather", "ResourceGatherNd", "DisableCopyOnRead"),
        *("StatefulPartitionedCall", "If", "While", "Case"),
        *("Assert", "CheckNumerics", "CheckNumericsV2", "GuaranteeConst", "Empty", "Timestamp"),
        *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
        *("TensorArrayV3", "TensorArrayReadV3", "TensorArrayWriteV3", "TensorArraySizeV3"),
        *("TensorArrayGatherV3", "TensorArrayScatterV3", "TensorArrayCloseV3"),
    }
)
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
# These change a state that ends with the process: a server may run them, and so may an audit.
_IN_MEMORY = frozenset(
    {
        *("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "DestroyResourceOp"),
        *("ResourceScatterAdd", "ResourceScatterUpdate", "ResourceScatterSub"),
        *("HashTable", "HashTableV2", "AnonymousHashTable", "LookupTableImportV2"),
        *("MutableHashTable", "MutableHashTableV2", "AnonymousMutableHashTable"),
        *("MutableDenseHashTableV2", "LookupTableFind", "LookupTableFindV2"),
        *("LookupTableInsertV2", "LookupTableSize", "LookupTableSizeV2", "LookupTableExportV2"),
        *("InitializeTable", "InitializeTableV2"),
        *("Multinomial", "RandomShuffle", "RandomGamma", "RandomPoissonV2"),
        # TensorFlow Text calls its tokenizers stateful for the tables that they read.
        *("WordpieceTokenizeWithOffsets", "SentencepieceOp", "SentencepieceVocabSizeOp"),
        *("SentencepieceTokenizeOp", "SentencepieceTokenizeWithOffsetsOp"),
        *("SentencepieceDetokenizeOp", "SentencepieceIdToStringOp", "SentencepieceStringToIdOp"),
        *("StatefulUniform", "StatefulStandardNormalV2", "RngSkip", "RngReadAndSkip"),
    }
)
# Loading a SavedModel reads its variables, and its tables from its assets.
_LOADING = frozenset(
    {"RestoreV2", "RestoreSlice", "InitializeTableFromTextFile", "InitializeTableFromTextFileV2"}
)

_INITIALISERS = ("saved_model_main_op", "legacy_init_op")
_INITIALISER_SIGNATURE = "__saved_model_init_op"


def does_more_than_compute(op: str) -> bool:
    """Whether an op may have an effect; one that this TensorFlow does not know may."""
    if op in _HARMFUL_STATELESS or "Dataset" in op:
        return True
    definition = op_def_registry.get(op)
    return definition is None or (definition.is_stateful and op not in _HARMLESS_STATEFUL)


def ops_with_effects(meta_graph: MetaGraphDef) -> dict[str, tuple[str, ...]]:
    """Ops that reach beyond the process that runs them, in the order of their names.

    Ops that this TensorFlow does not know are left out: it does not load the graph at all.

    Returns:
      op -> the signatures that reach it; none where only loading does.
    """
    reached = {
        op: ()
        for op in ops_behind(meta_graph, loading_tensors(meta_graph))
        if _reaches_out(op, _LOADING)
    }
    signatures: dict[str, list[str]] = {op: [] for op in reached}
    for name, signature in called_signatures(meta_graph.signature_def).items():
        for op in ops_behind(meta_graph, (info.name for info in output_tensors(signature))):
            if _reaches_out(op):
                signatures.setdefault(op, []).append(name)
    return {op: tuple(signatures[op]) for op in sorted(signatures)}


def _reaches_out(op: str, admitted: Collection[str] = ()) -> bool:
    known = op_def_registry.get(op) is not None
    return known and op not in _IN_MEMORY and op not in admitted and does_more_than_compute(op)


def loading_tensors(meta_graph: MetaGraphDef) -> Iterator[str]:
    """The tensors and operations that loading a SavedModel runs."""
    yield from initialisers(meta_graph)
    if meta_graph.saver_def.restore_op_name:
        yield meta_graph.saver_def.restore_op_name


def initialisers(meta_graph: MetaGraphDef) -> Iterator[str]:
    """What loading runs after the restoring."""
    if _INITIALISER_SIGNATURE in meta_graph.signature_def:
        for output in meta_graph.signature_def[_INITIALISER_SIGNATURE].outputs.values():
            yield output.name
    for name in _INITIALISERS:
        if name in meta_graph.collection_def:
            yield from meta_graph.collection_def[name].node_list.value
