"""What transformers makes of tagged words, and how it measures answers.

    python tests/oracles/transformers_training.py OUTPUT_DIR REQUEST.json

Runs in an environment of its own, which has PyTorch and a transformers of version 4, the last one
with SQuAD's measure, and imports nothing of this project. REQUEST.json names a vocabulary file, the
labels in class order, sentences (a list of words and of their tags each), a length, predicted and
right answers. OUTPUT_DIR gets the directory `tagger`, and result.json: the `ids` and `labels` of
each sentence as run_ner.py makes them, of the first piece of a word alone and of all, the `loss` of
the tagger on the first, and what `squad_evaluate` says of the answers.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast
from transformers.data.metrics.squad_metrics import squad_evaluate

_IGNORED = -100


def aligned(word_ids: list[int | None], tags: list[int], names: list[str], all_tokens: bool) -> Any:
    """run_ner.py, tokenize_and_align_labels."""
    labels, previous = [], None
    for word in word_ids:
        if word is None:
            labels.append(_IGNORED)
        elif word != previous:
            labels.append(tags[word])
        else:
            # b_to_i_label
            inside = names[tags[word]].replace("B-", "I-")
            labels.append(names.index(inside if inside in names else names[tags[word]]))
            if not all_tokens:
                labels[-1] = _IGNORED
        previous = word
    return labels


def main(output_dir: Path, request: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    names, length = request["labels"], request["max_seq_length"]
    tokenizer = BertTokenizerFast(request["vocabulary"], do_lower_case=True)
    torch.manual_seed(3)
    model = BertForTokenClassification(
        BertConfig(
            vocab_size=tokenizer.vocab_size,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            hidden_act="gelu_new",
            num_labels=len(names),
            id2label=dict(enumerate(names)),
            label2id={name: index for index, name in enumerate(names)},
            initializer_range=0.3,
        )
    ).eval()
    model.save_pretrained(output_dir / "tagger")
    tokenizer.save_pretrained(output_dir / "tagger")
    words = [sentence[0] for sentence in request["sentences"]]
    encoded = tokenizer(
        words, is_split_into_words=True, truncation=True, max_length=length, padding="max_length"
    )
    rows: dict[str, Any] = {"first": [], "all": []}
    for index, (_, tags) in enumerate(request["sentences"]):
        classes = [names.index(tag) for tag in tags]
        for kind, found in rows.items():
            found.append(aligned(encoded.word_ids(index), classes, names, kind == "all"))
    tensors = {key: torch.tensor(value) for key, value in encoded.items()}
    with torch.no_grad():
        loss = model(**tensors, labels=torch.tensor(rows["first"])).loss
    examples = [
        SimpleNamespace(qas_id=str(index), answers=[{"text": text} for text in answers])
        for index, answers in enumerate(request["answers"])
    ]
    predicted = {str(index): text for index, text in enumerate(request["predicted"])}
    result = {
        "ids": [
            [token for token, kept in zip(ids, mask, strict=True) if kept]
            for ids, mask in zip(encoded["input_ids"], encoded["attention_mask"], strict=True)
        ],
        "labels": rows,
        "loss": float(loss),
        "squad": dict(squad_evaluate(examples, predicted)),
    }
    (output_dir / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
