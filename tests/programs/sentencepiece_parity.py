"""Compares the ids of tensorflow_text's SentencePiece with tokenizers' Unigram, as XLM-R has it.

    pip install sentencepiece && python -m tests.programs.sentencepiece_parity [--full]

A vocabulary is trained on the lines at hand with XLM-R's normalisation, put into `tokenizers` as
XLM-R's tokenizer.json has it, and both are asked about the texts of `scripts/verify_tokenization`:
code points alone and within words, drawn strings, real lines. Exits with 1 where ids differ.
"""

import argparse
import io
import sys

import tensorflow as tf
import tensorflow_text
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers.utils import sentencepiece_model_pb2_new as sentencepiece_model

from tests.programs.tokenization_parity.corpora import corpora, real_lines

_PIECES = 3000
_SHOWN = 5


def train() -> bytes:
    """A model of SentencePiece, as the bytes of its file."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line.decode("utf-8", "ignore") for line in real_lines(20_000)),
        model_writer=model,
        vocab_size=_PIECES,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    return model.getvalue()


def unigram(model: bytes) -> Tokenizer:
    """The same pieces in `tokenizers` (transformers, tokenization_xlm_roberta.py)."""
    proto = sentencepiece_model.ModelProto.FromString(model)
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    unk_id = proto.trainer_spec.unk_id
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unk_id, byte_fallback=False))
    charsmap = proto.normalizer_spec.precompiled_charsmap
    tokenizer.normalizer = normalizers.Precompiled(charsmap)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    return tokenizer


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="every code point, 200,000 strings")
    arguments = parser.parse_args()
    model = train()
    in_graph, expected = tensorflow_text.SentencepieceTokenizer(model), unigram(model)
    any_differs = False
    for name, batches in corpora(arguments.full):
        count, different = 0, []
        for batch in batches:
            # Bytes that are no UTF-8 are dropped, as everywhere in this project.
            texts = [text.decode("utf-8", "ignore") for text in batch]
            found = in_graph.tokenize(tf.constant([text.encode() for text in texts])).to_list()
            encodings = expected.encode_batch(texts, add_special_tokens=False)
            count += len(texts)
            different += [
                text
                for text, ids, encoding in zip(texts, found, encodings, strict=True)
                if ids != encoding.ids
            ]
        print(f"{name}: {count} texts, {len(different)} with other ids")
        for text in different[:_SHOWN]:
            print(f"    {text[:60]!a}")
        any_differs = any_differs or bool(different)
    return any_differs


if __name__ == "__main__":
    sys.exit(main())
