"""Writes model.onnx, fused by ONNX Runtime's own optimizer, of a transformers directory.

python -m tests.programs.benchmarks.inference.contestants.build_onnx CHECKPOINT OUTPUT_DIR
"""

import shutil
import sys
from pathlib import Path

import torch
from onnxruntime.transformers import optimizer
from transformers import BertForSequenceClassification

_INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
_OUTPUT = "probabilities"
_OPSET = 17


class _Classifier(torch.nn.Module):
    def __init__(self, model: BertForSequenceClassification) -> None:
        super().__init__()
        self._model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        output = self._model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        )
        return output.logits.softmax(-1)


def build_onnx(checkpoint: Path, output_dir: Path) -> None:
    # The optimizer knows attention written out, not the op that stands for all of it.
    model = BertForSequenceClassification.from_pretrained(checkpoint, attn_implementation="eager")
    plain = output_dir / "plain.onnx"
    rows = torch.ones(2, 9, dtype=torch.int64)
    torch.onnx.export(
        _Classifier(model).eval(),
        (rows, rows, torch.zeros_like(rows)),
        plain,
        input_names=_INPUTS,
        output_names=[_OUTPUT],
        dynamic_axes={**{name: {0: "rows", 1: "length"} for name in _INPUTS}, _OUTPUT: {0: "rows"}},
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
    for name, expected in (
        ("EmbedLayerNormalization", 1),
        ("Attention", layers),
        ("BiasGelu", layers),
        ("SkipLayerNormalization", 2 * layers),
    ):
        if counts[name] != expected:
            raise RuntimeError(f"{counts[name]} of {expected} {name} were fused")
    fused.save_model_to_file(str(output_dir / "model.onnx"))
    plain.unlink()
    shutil.copy(checkpoint / "vocab.txt", output_dir)


if __name__ == "__main__":
    build_onnx(Path(sys.argv[1]), Path(sys.argv[2]))
