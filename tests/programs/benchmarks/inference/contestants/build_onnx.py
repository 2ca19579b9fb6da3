"""Writes model.onnx, fused by ONNX Runtime's own optimizer, of a transformers directory.

python -m tests.programs.benchmarks.inference.contestants.build_onnx CHECKPOINT OUTPUT_DIR
"""

import inspect
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from onnxruntime.transformers import optimizer
from transformers import AutoModelForSequenceClassification, PreTrainedModel

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OUTPUT = "probabilities"
_OPSET = 17


class _Classifier(torch.nn.Module):
    def __init__(self, model: PreTrainedModel, inputs: Sequence[str]) -> None:
        super().__init__()
        self._model, self._inputs = model, inputs

    def forward(self, *features: torch.Tensor) -> torch.Tensor:
        named = dict(zip(self._inputs, features, strict=True))
        return self._model(**named).logits.softmax(-1)


def build_onnx(checkpoint: Path, output_dir: Path) -> None:
    # The optimizer knows attention written out, not the op that stands for all of it.
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, attn_implementation="eager"
    )
    taken = inspect.signature(model.forward).parameters
    inputs = [name for name in _INPUTS if name in taken]
    plain = output_dir / "plain.onnx"
    rows = torch.ones(2, 9, dtype=torch.int64)
    torch.onnx.export(
        _Classifier(model, inputs).eval(),
        (rows, rows, torch.zeros_like(rows))[: len(inputs)],
        plain,
        input_names=inputs,
        output_names=[_OUTPUT],
        dynamic_axes={**{name: {0: "rows", 1: "length"} for name in inputs}, _OUTPUT: {0: "rows"}},
        opset_version=_OPSET,
        # The new exporter writes graphs that the optimizer does not know.
        dynamo=False,
    )
    fused = optimizer.optimize_model(
        str(plain),
        model_type="bert",
        num_heads=model.config.num_attention_heads,
        hidden_size=model.config.hidden_size,
    )
    layers = model.config.num_hidden_layers
    counts = fused.get_fused_operator_statistics()
    expected = {"BiasGelu": layers, "SkipLayerNormalization": 2 * layers}
    if model.config.model_type == "bert":
        expected |= {"EmbedLayerNormalization": 1, "Attention": layers}
    for name, count in expected.items():
        if counts[name] < count:
            raise RuntimeError(f"{counts[name]} of {count} {name} were fused")
    # Of other models the optimizer may know less.
    (output_dir / "fused.json").write_text(json.dumps(counts))
    fused.save_model_to_file(str(output_dir / "model.onnx"))
    plain.unlink()
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(checkpoint / name, output_dir)


if __name__ == "__main__":
    build_onnx(Path(sys.argv[1]), Path(sys.argv[2]))
