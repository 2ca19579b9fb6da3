"""Flags made from declared options, and the values that were given for them."""

from typing import Any

from absl import flags

from bert.command.options import Option, options_of


class _Number(flags.ArgumentParser):
    """Parses a number, and says in plain words that it is none."""

    def __init__(self, kind: type) -> None:
        super().__init__()
        self._kind = kind
        self.syntactic_help = "a whole number" if kind is int else "a number"

    def parse(self, argument: Any) -> Any:
        try:
            return self._kind(argument)
        except ValueError:
            raise ValueError(f"{self.syntactic_help} is expected: give one") from None


class _Switch(flags.BooleanFlag):
    """A flag that is true or false, and says so of other values."""

    def parse(self, argument: Any) -> None:
        try:
            super().parse(argument)
        except flags.IllegalFlagValueError:
            raise flags.IllegalFlagValueError(
                f"flag --{self.name}={argument}: true or false is expected: give one of the two"
            ) from None


def define_flags(options_class: Any, values: flags.FlagValues) -> None:
    """Defines a flag for every option that is one."""
    for each in options_of(options_class):
        if each.declared.is_flag:
            _define(each, values)


def given_options(options_class: Any, values: flags.FlagValues) -> dict[str, Any]:
    """What the command line said: option name -> value, defaults where it said nothing."""
    return {
        each.name: values[each.name].value
        for each in options_of(options_class)
        if each.declared.is_flag
    }


def _define(option: Option, values: flags.FlagValues) -> None:
    default = None if option.is_required else option.default
    help = option.describe()
    if option.kind is bool:
        flags.DEFINE_flag(_Switch(option.name, default, help), flag_values=values)
    elif option.kind in (int, float):
        flags.DEFINE(
            _Number(option.kind),
            option.name,
            default,
            help,
            flag_values=values,
            serializer=flags.ArgumentSerializer(),
        )
    elif option.kind is tuple:
        flags.DEFINE_list(option.name, default, help, flag_values=values)
    else:
        # Choices are checked with the other mistakes, in the same words: not by DEFINE_enum.
        flags.DEFINE_string(option.name, default, help, flag_values=values)
