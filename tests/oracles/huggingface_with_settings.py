"""Hugging Face's own `tokenizers`, with the parts and settings that BertTokenizerFast uses."""

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from bert.tokenizers.huggingface.settings import HuggingFaceSettings
from bert.tokenizers.vocabulary import Vocabulary


def huggingface_tokenizer(
    vocabulary: Vocabulary, settings: HuggingFaceSettings
) -> tokenizers.Tokenizer:
    """The library's tokenizer for a vocabulary whose pieces are all different."""
    pieces = settings.word_pieces(vocabulary).ids
    tokenizer = tokenizers.Tokenizer(
        models.WordPiece(
            {piece: index for piece, index in pieces.items() if piece},
            unk_token=settings.unk_token,
            max_input_chars_per_word=settings.max_input_chars_per_word,
        )
    )
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=settings.clean_text,
        handle_chinese_chars=settings.handle_chinese_chars,
        strip_accents=settings.strip_accents,
        lowercase=settings.lowercase,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(
        (settings.sep_token, vocabulary.ids[settings.sep_token]),
        (settings.cls_token, vocabulary.ids[settings.cls_token]),
    )
    tokenizer.add_tokens(
        [
            tokenizers.AddedToken(
                token.content,
                single_word=token.single_word,
                lstrip=token.lstrip,
                rstrip=token.rstrip,
                normalized=token.normalized,
            )
            for token in settings.added_tokens
        ]
    )
    for token in settings.added_tokens:
        assert tokenizer.token_to_id(token.content) == token.id, token
    return tokenizer
