"""Texts without their typography, so that labels compare equal however they were typed.

Publishers change full-width brackets, colons and blanks between editions. Figures are never normalised: only
headers, titles, units and labels are.
"""

from __future__ import annotations

import re
import unicodedata

# Marks that refer to a note below the table: superscript digits, circled digits, asterisks, daggers, [1].
_FOOTNOTE = re.compile(r"(?:[\u00b9\u00b2\u00b3\u2070-\u2079\u2460-\u2473*\u2020\u2021]|\[\d{1,2}\])+$")
_BLANKS = re.compile(r"[\s\u200b\ufeff]+")


def normal(text: str) -> str:
    """Return a text in Unicode's form NFKC, with single blanks, and none at its ends."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text)).strip()


def without_footnote(text: str) -> str:
    """Return a label as `normal` does, without the footnote marks at its end."""
    return normal(_FOOTNOTE.sub("", _BLANKS.sub(" ", text).strip()))
