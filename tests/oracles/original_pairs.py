"""Features of sentence pairs by the original's own functions of run_classifier.py."""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracles.original_bert import original_source
from tests.oracles.original_tokenizer import original_tokenizer


def original_truncate_seq_pair() -> Any:
    """`_truncate_seq_pair`, compiled alone: the module around it needs Estimator."""
    tree = ast.parse(original_source("run_classifier"))
    functions = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == "_truncate_seq_pair"
    ]
    namespace: dict[str, Any] = {}
    module = ast.Module(body=list(functions), type_ignores=[])
    exec(compile(module, "run_classifier.py", "exec"), namespace)
    return namespace["_truncate_seq_pair"]


def original_pair_features(
    pairs: Sequence[tuple[str, str]], vocabulary_file: Path, max_seq_length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, mask and segment ids, int32 [pairs, max_seq_length] each."""
    truncate = original_truncate_seq_pair()
    tokenize = original_tokenizer(vocabulary_file, do_lower_case=True)
    lines = vocabulary_file.read_text(encoding="utf-8").split("\n")
    cls, sep = lines.index("[CLS]"), lines.index("[SEP]")
    features = np.zeros((3, len(pairs), max_seq_length), np.int32)
    for row, (text_a, text_b) in enumerate(pairs):
        a, b = tokenize(text_a.encode()), tokenize(text_b.encode())
        truncate(a, b, max_seq_length - 3)
        ids = [cls, *a, sep, *b, sep]
        features[0, row, : len(ids)] = ids
        features[1, row, : len(ids)] = 1
        features[2, row, len(a) + 2 : len(ids)] = 1
    return features[0], features[1], features[2]
