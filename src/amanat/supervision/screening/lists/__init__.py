"""Readers of lists: a file in a published format in, `ListedSubject`s out, or every mistake."""
