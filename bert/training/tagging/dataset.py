"""The files of a tagging task: train, dev and test, and the tags that they have."""

import dataclasses
import functools
from pathlib import Path

from bert.errors import UserError
from bert.training.dataset import DEV, TEST, TRAIN
from bert.training.held_out import share
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
    dev_fraction: float
    """the share of the training sentences that is held out where there is no file for DEV"""

    seed: int

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
        """The file that has the sentences of a split: that of TRAIN, where DEV is a share of them.

        Raises:
          UserError: there are two, of different formats.
        """
        found = find_file(self.data_dir, split, ENDINGS)
        if split != DEV or found.exists() or not self.dev_fraction:
            return found
        training = find_file(self.data_dir, TRAIN, ENDINGS)
        return training if training.exists() else found

    def has(self, split: str) -> bool:
        """Whether its file is there, or a share of the training sentences for DEV."""
        return self.file(split).exists()

    def sentences(self, split: str) -> list[TaggedSentence]:
        """The sentences of TRAIN, DEV or TEST; those of TRAIN and DEV have tags.

        Raises:
          UserError: the file cannot be read, or a line of it is wrong.
        """
        sentences = self._read(split)
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

    def _read(self, split: str) -> list[TaggedSentence]:
        if split == TEST or self.file(DEV) != self.file(TRAIN):
            return self._training if split == TRAIN else read_sentences(self.file(split), split)
        names = [set(sentence.tags or ()) - {OUTSIDE} for sentence in self._training]
        return share(split, self._training, names, self.dev_fraction, self.seed)

    @functools.cached_property
    def _training(self) -> list[TaggedSentence]:
        return read_sentences(self.file(TRAIN), TRAIN)
