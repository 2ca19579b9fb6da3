"""Sentences of the user's, and our own where there are none."""

from pathlib import Path

from bert.errors import UserError
from exporter.contract import TEXT_PAIR_INPUTS

# What classifiers are asked: reviews, messages, news, questions, fragments; short and long ones.
CALIBRATION_TEXTS: tuple[str, ...] = (
    "A quiet film that trusts its audience, and is right to.",
    "Two hours of my life that nobody will give back to me.",
    "great food, slow service",
    "The plot makes no sense, the jokes fall flat and the ending is an insult.",
    "I have bought three of these by now, one for each of my brothers.",
    "It broke on the second day; the shop refused to take it back.",
    "Not bad at all, but not what I had hoped for either.",
    "Could somebody tell me how to reset the password of my account?",
    "My order 48213 has still not arrived, although you promised it for Monday.",
    "Where is the nearest station, and when does the last train leave?",
    "The central bank left its interest rate unchanged at 4.25 percent on Thursday.",
    "Heavy rain flooded several streets in the old town overnight, the fire brigade said.",
    "The home side won 3-1 after being a goal down at half-time.",
    "Researchers found the enzyme in bacteria that live near hot springs.",
    "She was born in Lisbon in 1931 and moved to Toronto as a child.",
    "An appeal against the ruling must be lodged within thirty days.",
    "Turn off the power before you open the case, and wait for five minutes.",
    "The patient reported a mild headache and no fever.",
    "function returns None if the key is missing, else the first value",
    "Meeting moved to 10:30, room 4. Please bring the figures for the third quarter!",
    "lol that was the worst call of the season :(",
    "Thanks a lot, you have been very helpful.",
    "This phone has a bright screen, a battery that lasts two days and a camera that is no use "
    "in the dark, so whether it is worth its price depends on when you take your pictures.",
    "Although the first half drags, and although the author explains every joke twice, the last "
    "hundred pages are so good that I forgave him everything and read them again the next day.",
    "The hotel is ten minutes on foot from the beach. Breakfast was fresh and the staff were kind; "
    "our room, however, looked out on a building site where work began at six in the morning.",
    "Le film est long, mais les acteurs sont excellents.",
    "Das Essen war kalt und der Kellner unfreundlich.",
    "La entrega fue rápida y el producto funciona perfectamente.",
    "no",
    "ok",
    "A masterpiece.",
    "Boring!",
    "What is the capital of the country that won the cup in 1998?",
    "He said he would come, she said she would not, and in the end neither of them was there.",
    "Prices of wheat rose by 2.3 % in May, those of maize fell by 0.8 %.",
    "The company expects a net profit of between 12 and 14 million dollars this year.",
    "You will love it if you like loud music, and hate it if you do not.",
    "I cannot recommend this course: the slides are from 2009 and the exercises do not run.",
    "Best bakery in the whole neighbourhood, go early or the rolls are gone.",
    "The dog sleeps, the children play in the garden, and the kettle begins to sing.",
)


def calibration_rows(text_pair: bool) -> list[tuple[bytes, ...]]:
    """Our own sentences, each in a pair with the next one where texts come in pairs."""
    texts = [text.encode() for text in CALIBRATION_TEXTS]
    if not text_pair:
        return [(text,) for text in texts]
    return list(zip(texts, [*texts[1:], texts[0]], strict=True))


def read_rows(flag: str, file: Path, text_pair: bool) -> list[tuple[bytes, ...]]:
    """Reads the file that a flag names: a row a line, of two texts with a tab between them if
    `text_pair`.

    Raises:
      UserError: the file cannot be read, is not UTF-8, holds no row or one of another form.
    """
    try:
        lines = file.read_bytes().decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{flag} {file} cannot be read ({error}): give a text file in UTF-8, one "
            "sentence a line."
        ) from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        texts = line.rstrip("\r").split("\t") if text_pair else [line.rstrip("\r")]
        if text_pair and len(texts) != len(TEXT_PAIR_INPUTS):
            raise UserError(
                f"{flag} {file}: line {number} holds {len(texts) - 1} tabs, where "
                "--text_pair expects two texts with one tab between them: correct the line."
            )
        rows.append(tuple(text.encode() for text in texts))
    if not rows:
        raise UserError(f"{flag} {file} holds no sentence: give one a line, or leave the flag out.")
    return rows
