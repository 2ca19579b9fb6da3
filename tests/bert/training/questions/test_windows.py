"""Examples and windows, against the original's own functions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bert.errors import UserError
from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import Vocabulary
from bert.training.questions.squad_file import read_questions
from bert.training.questions.windows import WindowSettings, windows_of
from tests.bert.training.questions.squad_data import paragraph, question, write_squad
from tests.oracles.original_squad import OriginalSquad
from tests.tiny_model import tiny_tokens

SETTINGS = WindowSettings(max_seq_length=24, doc_stride=7, max_query_length=9)
WORDS = ("the", "film", "(1895-1943).", "bad", "Japanese", "funny", "été", "漢字", "x", "fun,", "é")
SPACES = (" ", " ", " ", "\n", "  ", "\u202f", "\u00a0")


def write_random_squad(file: Path, seed: int, count: int = 60) -> Path:
    """Contexts of all lengths, answers of any characters, a third of the questions without one."""
    generator = np.random.default_rng(seed)
    paragraphs = []
    for number in range(count):
        words = generator.choice(WORDS, generator.integers(1, 60))
        spaces = generator.choice(SPACES, len(words))
        context = "".join(word + space for word, space in zip(words, spaces, strict=True))
        start = int(generator.integers(len(context)))
        end = int(generator.integers(start + 1, min(start + 30, len(context)) + 1))
        asked = " ".join(generator.choice(WORDS, generator.integers(1, 12)))
        impossible = number % 3 == 0
        answers = () if impossible else ((context[start:end], start),)
        if not impossible and number % 7 == 0:  # text that is not where it should be
            answers = (("?" * (end - start), start),)
        paragraphs.append(
            paragraph(context, question(str(number), asked, *answers, is_impossible=impossible))
        )
    return write_squad(file, paragraphs)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> OriginalSquad:
    file = tmp_path_factory.mktemp("squad") / "vocab.txt"
    file.write_text("".join(f"{token}\n" for token in tiny_tokens()))
    lengths = (SETTINGS.max_seq_length, SETTINGS.doc_stride, SETTINGS.max_query_length)
    return OriginalSquad(file, *lengths, with_null=True)


@pytest.mark.parametrize("is_training", [True, False])
def test_windows_are_the_original_s(
    original: OriginalSquad, is_training: bool, tmp_path: Path
) -> None:
    file = write_random_squad(tmp_path / "random.json", seed=4)
    examples = original.read(file, is_training)
    questions = read_questions(file, is_training=is_training, with_negative=True)
    assert [each.id for each in questions] == [example.qas_id for example in examples]
    tokenizer = FullTokenizer(Vocabulary(tiny_tokens()), do_lower_case=True)
    windows = list(windows_of(questions, tokenizer, SETTINGS))
    number = inside = 0
    for index, example in enumerate(examples):
        assert questions[index].words == tuple(example.doc_tokens)
        for feature in original.windows(example, is_training):
            window = windows[number]
            number += 1
            assert window.question == index
            length = len(feature.tokens)
            assert list(window.tokens) == feature.tokens
            assert window.ids.tolist() == feature.input_ids[:length]
            assert window.segment_ids.tolist() == feature.segment_ids[:length]
            places = range(window.begin, window.begin + len(window.words))
            assert dict(zip(places, window.words, strict=True)) == feature.token_to_orig_map
            assert dict(zip(places, window.is_best, strict=True)) == feature.token_is_max_context
            if is_training:
                assert window.places == (feature.start_position, feature.end_position)
                inside += window.places != (0, 0)
    assert number == len(windows) > len(examples)
    assert inside > 10 or not is_training


def test_an_answer_within_a_word_is_learnt_alone(tmp_path: Path) -> None:
    context = "the film (1895-1943)."
    told = question("q", "the", ("1895", context.index("1895")))
    file = write_squad(tmp_path / "file.json", [paragraph(context, told)])
    questions = read_questions(file, is_training=True, with_negative=False)
    tokenizer = FullTokenizer(Vocabulary((*tiny_tokens(), "1895", "1943")), do_lower_case=True)
    (window,) = windows_of(questions, tokenizer, SETTINGS)
    first, last = window.places
    assert window.tokens[first : last + 1] == ("1895",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[", "is not JSON"),
        ("{}", "has no field 'data'"),
        ('{"data": [{"title": "x"}]}', "data[0] has no field 'paragraphs'"),
        ('{"data": []}', "no question that can be used"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_file_that_is_none(content: Any, told: str, tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_refused(file, told)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"question": None}, "question 'q7': the field 'question' is null"),
        ({"id": 7}, "qas[0]: the field 'id' is 7"),
        ({"answers": []}, "question 'q7': found 0 answers"),
        ({"answers": [{"text": "film"}]}, "question 'q7' has no field 'answer_start'"),
        ({"answers": [{"text": "film", "answer_start": 90}]}, "question 'q7': found the answer"),
        ({"answers": [{"text": "", "answer_start": 0}]}, "question 'q7': found the answer ''"),
        ({"answers": [{"text": "film", "answer_start": 4}] * 2}, "question 'q7': found 2 answers"),
    ],
)
def test_a_wrong_question_is_named(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    right = question("q7", "what", ("film", 4))
    file = write_squad(tmp_path / "train.json", [paragraph("the film", {**right, **changes})])
    assert_refused(file, told)


def test_two_questions_of_one_id(tmp_path: Path) -> None:
    twice = [paragraph("the film", question("q7", "what", ("film", 4)))] * 2
    assert_refused(write_squad(tmp_path / "train.json", twice), "question 'q7': there are two")


def test_without_is_impossible_it_is_no_file_of_squad_2(tmp_path: Path) -> None:
    told = question("q7", "what", ("film", 4))
    file = write_squad(tmp_path / "train.json", [paragraph("the film", told)])
    with pytest.raises(UserError, match="question 'q7' has no field 'is_impossible'"):
        read_questions(file, is_training=True, with_negative=True)


def assert_refused(file: Path, told: str) -> None:
    with pytest.raises(UserError) as caught:
        read_questions(file, is_training=True, with_negative=False)
    assert str(file) in str(caught.value) and told in str(caught.value)
