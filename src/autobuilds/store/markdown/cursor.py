"""A place on a line, in characters and in columns: tabs reach to the next multiple of four."""

from __future__ import annotations


class Cursor:
    """How far the line at hand has been read; after `_look` also where its next character stands that is no white space."""

    __slots__ = ("blank", "col", "end", "indent", "next", "next_col", "pos", "text")

    #: Set as each line begins.
    pos: int
    col: int
    end: int
    #: Set by `_look`.
    next_col: int
    indent: int
    blank: bool

    def __init__(self, text: str) -> None:
        self.text = text
        self.next = -1

    def _look(self) -> None:
        """Find the next character that is no white space, and how many columns it is indented."""
        if self.pos <= self.next:  # found on this line before: white space was read since, and columns count from the line's start
            self.indent = self.next_col - self.col
            return
        text, pos, col, end = self.text, self.pos, self.col, self.end
        while pos < end:
            char = text[pos]
            if char == " ":
                col += 1
            elif char == "\t":
                col += 4 - col % 4
            else:
                break
            pos += 1
        self.next, self.next_col, self.indent, self.blank = pos, col, col - self.col, pos >= end

    def _advance(self, columns: int) -> None:
        """Go on by columns of white space; a tab may be used in part."""
        while columns > 0 and self.pos < self.end:
            width = 4 - self.col % 4 if self.text[self.pos] == "\t" else 1
            if width > columns:
                self.col += columns
                return
            self.col += width
            self.pos += 1
            columns -= width

    def _skip(self) -> None:
        self.pos, self.col = self.next, self.next_col
