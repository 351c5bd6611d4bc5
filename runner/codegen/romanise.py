"""Names in letters that every keyboard has: Korean by the Revised Romanization, accents left out, other scripts by anyascii.

The tables are those of the Revised Romanization of Korean (2000), with the changes of sound of its section 3.1; the exceptions
that need a dictionary (an n put in between words, aspiration in verbs) are not made.
"""

from __future__ import annotations

import re
import unicodedata
from importlib import import_module
from itertools import pairwise

from runner.errors import UsageError

_SYLLABLES = re.compile("[가-힣]+")
_INITIALS = "g kk n d tt r m b pp s ss - j jj ch k t p h".replace("-", "").split(" ")
_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split(" ")
_FINALS = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t".replace("-", "").split(" ")
_BEFORE_VOWELS = "- g kk ks n nj n d r lg lm lb ls lt lp r m b ps s ss ng j ch k t p -".replace("-", "").split(" ")
_BEFORE_I = {7: "j", 25: "ch"}
_WITH_H = {6: "n", 15: "l", 27: ""}
_ASPIRATED = {"g": "k", "d": "t", "j": "ch"}
_MEETING = dict(
    pair.split(":") for pair in "kn:ngn km:ngm kr:ngn tn:nn tm:nm tr:nn pn:mn pm:mm pr:mn nr:ll ln:ll lr:ll mr:mn ngr:ngn".split()
)


def romanised(name: str) -> str:
    """A name in ASCII.

    Raises:
        UsageError: it is in a script other than Latin and Korean, and anyascii is not installed.
    """
    korean = _SYLLABLES.sub(lambda found: _romanised(found[0]), unicodedata.normalize("NFKC", name))
    plain = "".join(char for char in unicodedata.normalize("NFKD", korean) if not unicodedata.combining(char))
    return plain if plain.isascii() else _by_anyascii(korean, name)


def _romanised(word: str) -> str:
    syllables = [(code // 588, code % 588 // 28, code % 28) for code in (ord(char) - ord("가") for char in word)]
    first, last = syllables[0], syllables[-1]
    middle = (
        _between(final, _INITIALS[initial], _VOWELS[vowel]) + _VOWELS[vowel]
        for (_, _, final), (initial, vowel, _) in pairwise(syllables)
    )
    return _INITIALS[first[0]] + _VOWELS[first[1]] + "".join(middle) + _FINALS[last[2]]


def _between(final: int, initial: str, vowel: str) -> str:
    """What stands between two vowels: how a syllable ends (by its number in Unicode), and how the next one begins."""
    if not initial:
        return _BEFORE_I.get(final, _BEFORE_VOWELS[final]) if vowel == "i" else _BEFORE_VOWELS[final]
    if final in _WITH_H and initial in _ASPIRATED:
        return _WITH_H[final] + _ASPIRATED[initial]
    met = _FINALS[final] + initial
    return _MEETING.get(met, met)


def _by_anyascii(text: str, name: str) -> str:
    try:
        library = import_module("anyascii")
    except ImportError as error:
        raise UsageError(f"there are no ASCII letters for {name!r} here", hint="pip install 'pabal[ascii]'") from error
    return str(library.anyascii(text))
