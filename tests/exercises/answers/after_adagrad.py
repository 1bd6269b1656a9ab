"""Answers to the exercises of chapter 7: right ones in other forms, and wrong ones."""

RIGHT = []

# With what the hint must say, or None where there must be none.
WRONG = [
    ("7.6", lambda p, q: (0, 0), "opposite"),
]
