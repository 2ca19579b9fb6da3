"""The files of a tagging task: train, dev and test, and the tags that they have."""

import dataclasses
import functools
from pathlib import Path

from bert.errors import UserError
from bert.training.dataset import DEV, TRAIN
from bert.training.messages import tell
from bert.training.tables import find_file
from bert.training.tagging.sentences import ENDINGS, TaggedSentence, read_sentences

# The tag of a word that belongs to nothing.
OUTSIDE = "O"


@dataclasses.dataclass(frozen=True)
class TaggingDataset:
    """Sentences in files of a person's own, with whatever tags they have."""

    data_dir: Path
    given_labels: tuple[str, ...] | None
    """in class order; None: those that an earlier training wrote into `output_dir`, else those of
    the training sentences, sorted"""

    output_dir: Path

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """The tags, in class order: those given, else those found, sorted.

        Raises:
          UserError: there are not at least two.
        """
        # Imported here for TensorFlow, without which mistakes in the flags are told.
        from bert.checkpoints.labels_file import trained_for

        given = self.given_labels
        if given is None:
            before = trained_for(self.output_dir)
            given = None if before is None else before.labels
        file = self.file(TRAIN)
        if given is not None and not file.exists():
            return given
        found = {tag for sentence in self._training for tag in sentence.tags or ()}
        if len(found) < 2:
            raise UserError(
                f"{file}: every word has the tag {next(iter(found))!r}, where at least two tags "
                "are expected: give a file whose last column has the tags."
            )
        if given is None:
            return tuple(sorted(found))
        never = [label for label in given if label not in found]
        if never:
            tell(f"Warning: {file} has no word with the tag {', '.join(map(repr, never))}.")
        return given

    def file(self, split: str) -> Path:
        """The file of a split.

        Raises:
          UserError: there are two, of different formats.
        """
        return find_file(self.data_dir, split, ENDINGS)

    def has(self, split: str) -> bool:
        """Whether its file is there."""
        return self.file(split).exists()

    def sentences(self, split: str) -> list[TaggedSentence]:
        """The sentences of TRAIN, DEV or TEST; those of TRAIN and DEV have tags.

        Raises:
          UserError: the file cannot be read, or a line of it is wrong.
        """
        sentences = self._training if split == TRAIN else read_sentences(self.file(split), split)
        known = set(self.labels)
        for sentence in sentences:
            for index, tag in enumerate(sentence.tags or ()):
                # A test file may have a column of any kind behind the tokens.
                if tag not in known and split in (TRAIN, DEV):
                    raise UserError(
                        f"{sentence.places[index]}: found the tag {tag!r}, where one of "
                        f"{', '.join(self.labels[:20])} is expected: correct the line."
                    )
        return sentences

    @functools.cached_property
    def _training(self) -> list[TaggedSentence]:
        return read_sentences(self.file(TRAIN), TRAIN)
