"""Answers to the exercises of chapter 3: right ones in other forms, and wrong ones."""

RIGHT = []

# With what the hint must say, or None where there must be none.
WRONG = []
