"""The tokens that were added to a Hugging Face vocabulary, from the four files that name some."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bert.checkpoints.fields import Fields
from bert.checkpoints.text.tokenizer_class import TokenizerClass
from bert.errors import UserError
from bert.tokenizers.huggingface.settings import AddedToken

SPECIAL_TOKENS_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"

# transformers, PreTrainedTokenizerBase.SPECIAL_TOKENS_ATTRIBUTES
_ROLES = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)

# The list of further special tokens, and its name before release 5.
_EXTRA, _OLDER = "extra_special_tokens", "additional_special_tokens"

NumberedTokens = Sequence[tuple[int | None, AddedToken]]
"""tokens with the id that a file gives each, None where it gives none"""


class AddedTokenFiles:
    """tokenizer_config.json, special_tokens_map.json and added_tokens.json of a directory.

    Source: transformers 5, PreTrainedTokenizerBase._from_pretrained, TokenizersBackend.__init__.
    Where tokenizer_config.json has `added_tokens_decoder`, the other two are not read.
    """

    def __init__(self, directory: Path, config: Fields, kind: TokenizerClass) -> None:
        """Reads the files; `config` is of tokenizer_config.json, which names the class.

        Raises:
          UserError: special_tokens_map.json is not a JSON object.
        """
        self._directory = directory
        self._kind = kind
        self._decoder = config.values.get("added_tokens_decoder")
        self._config = config.values
        self._map: Mapping[str, Any] = {}
        if self._decoder is None:
            self._map = Fields.of_json_if_any(directory / SPECIAL_TOKENS_FILE).values
        self._named = {**self._config, **self._map}

    @property
    def source(self) -> Path:
        """The file that gives tokens their ids."""
        if self._decoder is not None:
            return self._directory / TOKENIZER_CONFIG_FILE
        file = self._directory / ADDED_TOKENS_FILE
        return file if file.is_file() else self._directory / SPECIAL_TOKENS_FILE

    def roles(self) -> dict[str, str]:
        """The names of the class's special tokens by role, such as "[CLS]" of cls_token.

        Raises:
          UserError: one of them is no token.
        """
        try:
            by_role = self._kind.special_tokens.by_role
            return {role: _content(self._named.get(role) or name) for role, name in by_role.items()}
        except (KeyError, TypeError) as error:
            raise self._error(error) from error

    def tokens(
        self, pieces: Mapping[str, int], of_tokenizer_json: NumberedTokens
    ) -> NumberedTokens:
        """The added tokens in the order in which the library adds them.

        Those with an id come first, by id; then the special ones by role, and the extra ones.
        BertTokenizer takes those of tokenizer.json where `added_tokens_decoder` is not there,
        the generic class always: `{"7": <a>}` in tokenizer_config.json and `6: <b>` in
        tokenizer.json are `<a>` to the one and `<b>, <a>` to the other.

        Args:
          pieces: the vocabulary of WordPiece.
          of_tokenizer_json: what that file has, none where there is no such file.

        Raises:
          UserError: something is no token, or no token by id.
        """
        try:
            is_generic = self._kind.is_generic
            named = self._special_tokens(pieces)
            told: list[tuple[int | None, AddedToken]] = []
            if is_generic or self._decoder is None:
                told += of_tokenizer_json
            in_file = {index for index, _ in told}
            told += [
                (index, token)
                for index, token in self._by_id(named)
                # tokenizer.json goes before added_tokens.json, and added_tokens_decoder before it.
                if self._decoder is not None or index not in in_file
            ]
            if not is_generic:
                told.sort(key=lambda item: -1 if item[0] is None else item[0])
            known = {token.content for _, token in told}
            for name, token in named.items():
                if name not in known:
                    told.append((None, _added_token(token)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._error(error) from error
        return told

    def _special_tokens(self, pieces: Mapping[str, int]) -> dict[str, Any]:
        """The special tokens by content, in the library's order."""
        tokens: list[Any] = []
        defaults = self._kind.special_tokens
        for role in _ROLES:
            token = self._named.get(role)
            # A default that the vocabulary lacks would get an id without an embedding.
            if not token and not self._kind.is_generic and defaults.by_role.get(role) in pieces:
                token = defaults.by_role[role]
            if isinstance(token, str) and role == "mask_token" and defaults.mask_takes_space:
                token = {"content": token, "lstrip": True, "special": True}
            if token:
                tokens.append(token)
        for name, token in self._named.items():
            if name.endswith("_token") and name not in _ROLES and isinstance(token, str):
                tokens.append(token)
        tokens += self._extra_tokens()
        first: dict[str, Any] = {}
        for token in tokens:
            first.setdefault(_content(token), token)
        return first

    def _extra_tokens(self) -> list[Any]:
        """Those of `extra_special_tokens`, or of its older name.

        The older name counts where the newer one is not there or names tokens by role, as in
        `{"image_token": "<image>"}`.
        """
        extra = self._config.get(_EXTRA) or self._config.get(_OLDER)
        extra = extra or self._map.get(_EXTRA, extra)
        if isinstance(extra, dict):
            return [*extra.values(), *(self._named.get(_OLDER) or [])]
        return [*((self._named.get(_OLDER) or []) if extra is None else extra)]

    def _by_id(self, special: Mapping[str, Any]) -> list[tuple[int, AddedToken]]:
        if self._decoder is not None:
            by_id = sorted((int(index), token) for index, token in self._decoder.items())
            return [(index, _added_token(token, is_special=False)) for index, token in by_id]
        file = self._directory / ADDED_TOKENS_FILE
        contents = Fields.of_json_if_any(file).values.items()
        # The library looks special tokens up before it has read this list of
        # special_tokens_map.json, and adds no token twice.
        late = {_content(token) for token in self._map.get(_OLDER) or []}
        late -= {_content(self._named[role]) for role in _ROLES if self._named.get(role)}
        if self._config.get(_EXTRA) or self._config.get(_OLDER) or self._map.get(_EXTRA):
            late = set()
        return [
            (index, _added_token(content, is_special=content in special and content not in late))
            for index, content in sorted((index, content) for content, index in contents)
        ]

    def _error(self, error: Exception) -> UserError:
        files = f"{TOKENIZER_CONFIG_FILE}, {SPECIAL_TOKENS_FILE} or {ADDED_TOKENS_FILE}"
        return UserError(
            f"{self._directory}: {files} has special tokens that are not tokens by role, or added "
            f"ones that are not tokens by id ({error!r}): correct the file."
        )


def _content(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)


def _added_token(token: Any, is_special: bool = True) -> AddedToken:
    """A token from its name or from its properties; by default special ones are raw."""
    properties = token if isinstance(token, dict) else {}
    flags = {
        name: bool(properties.get(name, False)) for name in ("single_word", "lstrip", "rstrip")
    }
    raw = properties.get("special", is_special)
    return AddedToken(_content(token), -1, bool(properties.get("normalized", not raw)), **flags)
