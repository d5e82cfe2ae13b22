"""Compares headers with all names known for the fields: character n-grams and edit ratio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from scipy import sparse

from masterflow.domain.fields.canonical import FIELDS
from masterflow.domain.fields.not_fields import NOT_FIELDS
from masterflow.domain.fields.presets import Preset, foreign_columns
from masterflow.domain.fields.words import header_terms, normalise_header

Scores = NDArray[np.float64]
UNMAPPED = ""
"""The class of headers known to have no canonical field."""

# As a header "host_name" nearly always means the machine's own name.
_NO_HEADER = frozenset({"host_name"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in the index: its terms, how it is written, the tool it is from ("" for our own aliases)."""

    terms: tuple[str, ...]
    written: str
    title: str
    target: str


def _grams(terms: Sequence[str]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for term in terms:
        padded = f" {term} "
        for size in (2, 3, 4):
            counted.update(padded[start : start + size] for start in range(len(padded) - size + 1))
    return counted


def _own_entries() -> list[Entry]:
    entries = [
        Entry(header_terms(alias), alias, "", name)
        for name, field in FIELDS.items()
        for alias in (*(() if name in _NO_HEADER else (name,)), *field.aliases)
    ]
    return entries + [Entry(header_terms(alias), alias, "", UNMAPPED) for alias in NOT_FIELDS]


def _entries(presets: Mapping[str, Preset], without: str) -> list[Entry]:
    own = _own_entries()
    named = {entry.terms for entry in own}
    foreign = [
        Entry(column.terms, column.header, column.title, column.target or UNMAPPED)
        for column in foreign_columns(presets, without=without)
        # One word such as "Address" or "Device" says little outside its own tool.
        if column.terms not in named and (column.target or len(column.terms) > 1)
    ]
    unique = dict.fromkeys(sorted(own + foreign, key=lambda entry: (entry.target, entry.terms, entry.written)))
    return list(unique)


class LexicalIndex:
    """All known names with the weights of their character n-grams; built once, then only read."""

    def __init__(self, presets: Mapping[str, Preset], *, without: str = "") -> None:
        """Index the aliases, and the columns of every tool of `presets` but the one named `without`."""
        self.entries = _entries(presets, without)
        grams = [_grams(entry.terms) for entry in self.entries]
        seen = Counter(gram for counted in grams for gram in counted)
        self._ids = {gram: number for number, gram in enumerate(sorted(seen))}
        total = len(grams)
        self._idf = {gram: 1.0 + float(np.log((1 + total) / (1 + times))) for gram, times in seen.items()}
        self._unknown_idf = 1.0 + float(np.log(1 + total))
        self._matrix = self._vectors(grams).T.tocsr()
        self._sorted = [" ".join(sorted(entry.terms)) for entry in self.entries]
        self._same_terms: dict[tuple[str, ...], list[int]] = {}
        self._same_words: dict[str, list[int]] = {}
        for number, entry in enumerate(self.entries):
            self._same_terms.setdefault(tuple(sorted(entry.terms)), []).append(number)
            self._same_words.setdefault(normalise_header(entry.written), []).append(number)
        self.targets = sorted({entry.target for entry in self.entries})
        column = {target: number for number, target in enumerate(self.targets)}
        self._target_of = np.array([column[entry.target] for entry in self.entries])
        self._starts = np.flatnonzero(np.diff(self._target_of, prepend=-1))

    def _vectors(self, grams: Sequence[Counter[str]]) -> sparse.csr_matrix:
        """Rows of length 1; a gram no name contains has no column but still adds to the length."""
        values: list[float] = []
        columns: list[int] = []
        ends = [0]
        for counted in grams:
            weights = {gram: times * self._idf.get(gram, self._unknown_idf) for gram, times in counted.items()}
            length = float(np.sqrt(sum(weight * weight for weight in weights.values()))) or 1.0
            known = sorted(gram for gram in weights if gram in self._ids)
            columns.extend(self._ids[gram] for gram in known)
            values.extend(weights[gram] / length for gram in known)
            ends.append(len(columns))
        return sparse.csr_matrix((values, columns, ends), shape=(len(grams), len(self._ids)))

    def compare(self, headers: Sequence[str]) -> tuple[Scores, NDArray[np.intp]]:
        """Similarity 0..1 of each header (row) to each target (column), and the name that gave it.

        Half cosine of TF-IDF weighted character 2-4-grams inside terms, half edit ratio of the
        sorted terms. Equal terms give 0.98, the same words 1: "Disks" is rather "disks" than "disk".
        """
        terms = [header_terms(header) for header in headers]
        cosine = (self._vectors([_grams(each) for each in terms]) @ self._matrix).toarray()
        joined = [" ".join(sorted(each)) for each in terms]
        ratio = process.cdist(joined, self._sorted, scorer=fuzz.ratio, dtype=np.float32)
        similar = np.minimum(0.5 * cosine + 0.005 * ratio.astype(np.float64), 0.97)
        for row, (header, each) in enumerate(zip(headers, terms, strict=True)):
            similar[row, self._same_terms.get(tuple(sorted(each)), [])] = 0.98
            similar[row, self._same_words.get(normalise_header(header), [])] = 1.0
        best = np.maximum.reduceat(similar, self._starts, axis=1)
        ends = [*self._starts[1:], len(self.entries)]
        named = [
            start + np.argmax(similar[:, start:end], axis=1) for start, end in zip(self._starts, ends, strict=True)
        ]
        return best, np.stack(named, axis=1)
