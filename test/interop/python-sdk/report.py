"""Prints what was compared, a line a check, and counts."""

import traceback
from contextlib import contextmanager

import numpy as np


class Skip(Exception):
    """A check that can't be made here; its text says why. It does not count as passed."""


class Comparison:
    """What one check compared; the first difference ends it."""

    def __init__(self):
        self.compared = []

    def equal(self, what, got, expected):
        if got != expected:
            raise AssertionError(f"{what}: expected {expected!r}, got {got!r}")
        value = str(expected)
        self.compared.append(f"{what} = {value}" if len(value) <= 40 else what)

    def close(self, what, got, expected, tolerance=1e-4):
        got, expected = np.asarray(got, float), np.asarray(expected, float)
        if got.shape != expected.shape:
            raise AssertionError(f"{what}: expected shape {expected.shape}, got {got.shape}")
        difference = float(np.max(np.abs(got - expected) / np.maximum(1, np.abs(expected)), initial=0))
        if not difference <= tolerance:
            raise AssertionError(f"{what}: expected {expected}, got {got} (difference {difference:.2g})")
        self.compared.append(f"{what} to {difference:.1g}")

    def true(self, what, holds):
        if not holds:
            raise AssertionError(f"expected that {what}")
        self.compared.append(what)

    def fails(self, what, action, *parts):
        """The action must fail with an error whose text holds all the parts."""
        try:
            action()
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            missing = [part for part in parts if part not in text]
            if missing:
                raise AssertionError(f"{what}: expected an error with {missing}, got {text}") from error
            self.compared.append(f"{what} fails with {' '.join(parts)}")
        else:
            raise AssertionError(f"{what}: expected an error, got none")


class Report:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0

    @contextmanager
    def check(self, name):
        comparison = Comparison()
        try:
            yield comparison
            if not comparison.compared:
                raise AssertionError("nothing was compared")
            self.passed += 1
            print(f"PASS {name}: {'; '.join(dict.fromkeys(comparison.compared))}", flush=True)
        except Skip as reason:
            self.skipped += 1
            print(f"SKIP {name}: {reason}", flush=True)
        except Exception as error:
            self.failed += 1
            print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
            traceback.print_exc()

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed or not self.passed else 0
