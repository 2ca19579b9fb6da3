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
import transformers
from onnxruntime.transformers import optimizer
from transformers import PreTrainedModel

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_PROBABILITIES = "probabilities"
# What a model of such a class gives for each token; one of another gives probabilities a row.
_OF_TOKENS = {
    "BertForTokenClassification": (_PROBABILITIES,),
    "BertForQuestionAnswering": ("start_logits", "end_logits"),
    "BertModel": ("last_hidden_state",),
}
_OPSET = 17


class _Graph(torch.nn.Module):
    def __init__(
        self, model: PreTrainedModel, inputs: Sequence[str], outputs: Sequence[str]
    ) -> None:
        super().__init__()
        self._model, self._inputs, self._outputs = model, inputs, outputs

    def forward(self, *features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = self._model(**dict(zip(self._inputs, features, strict=True)))
        return tuple(
            found.logits.softmax(-1) if name == _PROBABILITIES else found[name]
            for name in self._outputs
        )


def build_onnx(checkpoint: Path, output_dir: Path) -> None:
    fields = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    (architecture,) = fields["architectures"]
    outputs = _OF_TOKENS.get(architecture, (_PROBABILITIES,))
    # The optimizer knows attention written out, not the op that stands for all of it.
    model = getattr(transformers, architecture).from_pretrained(
        checkpoint, attn_implementation="eager"
    )
    taken = inspect.signature(model.forward).parameters
    inputs = [name for name in _INPUTS if name in taken]
    of_tokens = {0: "rows", 1: "length"}
    of_outputs = of_tokens if architecture in _OF_TOKENS else {0: "rows"}
    plain = output_dir / "plain.onnx"
    rows = torch.ones(2, 9, dtype=torch.int64)
    torch.onnx.export(
        _Graph(model, inputs, outputs).eval(),
        (rows, rows, torch.zeros_like(rows))[: len(inputs)],
        plain,
        input_names=inputs,
        output_names=[*outputs],
        dynamic_axes=dict.fromkeys(inputs, of_tokens) | dict.fromkeys(outputs, of_outputs),
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
    gelu = "BiasGelu" if model.config.hidden_act == "gelu" else "FastGelu"
    expected = {gelu: layers, "SkipLayerNormalization": 2 * layers}
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
