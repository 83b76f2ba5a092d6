"""Front matter as a person means it: every value is text with a place, and what can't be trusted is a problem, never silence."""

from __future__ import annotations

import re
from typing import Any, cast

from autobuilds.domain.patterns import pattern
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.spelling import quoted
from autobuilds.records import dataclass, field

#: Characters of a front matter; a configuration is far below, and a reader's time grows with it.
MAX_BLOCK = 16 * 1024
MAX_FILE = 1024 * 1024
_MAX_DEPTH = 8

_RULE = pattern(r"-{3,}[ \t]*")
_END = pattern(r"(?:-{3,}|\.{3})[ \t]*")
_KEY = pattern(r"[\"']?[\w-][\w .-]*[\"']?[ \t]*:(?:[ \t]|$)")
_FENCE = pattern(r" {0,3}(?:```|~~~)")
#: One `key: value` line that means the same in YAML and to the eye: no quote, no indicator, no text that YAML might fold.
_PLAIN = pattern(r"([a-z][a-z_]*):[ \t]+([A-Za-z0-9](?:[\w./+@-]|:(?=\d))*(?: (?:[\w./+@-]|:(?=\d))+)*) *(?: #.*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A value of the front matter: text, a list, a mapping of Located, or None for nothing written; counted from 1."""

    value: str | list[Located] | dict[str, Located] | None
    line: int
    column: int
    #: The place of its key; the value of a block stands below it.
    key_line: int
    key_column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """A file split into its fields and its body; `body_line` is the 1-based line of the body's first line."""

    fields: dict[str, Located] = field(default_factory=dict)
    body: str = ""
    body_line: int = 1
    problems: tuple[Problem, ...] = ()


class _Trouble(Exception):
    """The block can't be read on; lines and columns count from 1, in the block."""

    def __init__(self, line: int, column: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.line, self.column, self.kind, self.message = line, column, kind, message


def read_front_matter(data: bytes, file: str) -> FrontMatter:
    """Return the fields and the body of a file; what is wrong with it is in `problems`, as errors.

    Every scalar stays the text that was written (`22:00`, `no`, `0123`). LF, CRLF and CR end lines, a BOM is fine, `...`
    may end the block, a rule as the first line of a file without front matter is a rule.
    """
    if len(data) > MAX_FILE:
        return FrontMatter(problems=(_problem(file, 1, 1, "front-matter", f"the file is larger than {MAX_FILE} bytes; it was not read"),))
    text, problems = _decode(data, file)
    if problems:
        return FrontMatter(problems=problems)
    lines = text.split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    head = lines[first].rstrip() if first < len(lines) else ""
    if head == "+++":
        message = "TOML front matter (+++) is not read; write `key: value` lines between two lines of ---"
        return FrontMatter(problems=(_problem(file, first + 1, 1, "front-matter", message),))
    if not _RULE.fullmatch(head):
        return FrontMatter(body=text, problems=_misplaced(lines, file))
    end = next((n for n in range(first + 1, len(lines)) if _END.fullmatch(lines[n])), None)
    inside = lines[first + 1 : end]
    if _is_rule(inside):
        return FrontMatter(body=text, problems=_misplaced(lines, file))
    if end is None:
        message = "the front matter that begins here has no end; close it with a line of ---"
        return FrontMatter(problems=(_problem(file, first + 1, 1, "front-matter", message),))
    body = "\n".join(lines[end + 1 :])
    troubles: list[_Trouble] = []
    fields: dict[str, Located] = {}
    try:
        fields = _fields("\n".join(inside), first + 1, troubles)
    except _Trouble as trouble:
        troubles.append(trouble)
    problems = tuple(_problem(file, t.line, t.column, t.kind, t.message) for t in troubles)
    return FrontMatter(fields=fields, body=body, body_line=end + 2, problems=problems)


def _problem(file: str, line: int, column: int, kind: str, message: str) -> Problem:
    return Problem(file=file, line=line, column=column, kind=kind, severity=Severity.ERROR, message=message)


def _decode(data: bytes, file: str) -> tuple[str, tuple[Problem, ...]]:
    """Return the text with LF line ends and without a BOM, or a problem where it is no text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        message = "not UTF-8 from here on; save the file as UTF-8"
        return "", (_problem(file, good.count(b"\n") + 1, len(good) - good.rfind(b"\n"), "not-utf8", message),)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    nul = text.find("\0")
    if nul >= 0:
        column = nul - text.rfind("\n", 0, nul)
        return "", (
            _problem(file, text.count("\n", 0, nul) + 1, column, "nul-bytes", "a NUL byte stands here; the file is damaged or no text"),
        )
    return text, ()


def _is_rule(inside: list[str]) -> bool:
    """Whether a first line of dashes is a thematic break: a blank line follows, and then something that is no setting."""
    if inside and inside[0].strip():
        return False
    told = next((line for line in inside if line.strip() and not line.startswith("#")), "")
    return not (_KEY.match(told) or told.startswith(("- ", "{", "[")))


def _misplaced(lines: list[str], file: str) -> tuple[Problem, ...]:
    """Return an error for settings that stand below the top of the file, where they would be ignored."""
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            break
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if (
            _RULE.fullmatch(line)
            and re.match(r"[a-z]+(?:_[a-z]+)*:[ \t]", below)
            and any(_END.fullmatch(later) for later in lines[number + 2 :])
        ):
            message = "front matter only counts at the very top of the file; move it there"
            return (_problem(file, number + 1, 1, "front-matter", message),)
    return ()


def _fields(block: str, offset: int, troubles: list[_Trouble]) -> dict[str, Located]:
    """Return the fields of a block whose first line is line `offset` + 1 of the file; raises _Trouble where nothing can be read."""
    if len(block) > MAX_BLOCK:
        raise _Trouble(offset, 1, "front-matter", f"the front matter is longer than {MAX_BLOCK} characters; it was not read")
    plain = plain_fields(block, offset)
    return yaml_fields(block, offset, troubles) if plain is None else plain


def plain_fields(block: str, offset: int = 0) -> dict[str, Located] | None:
    """Return the fields of a block of nothing but simple `key: value` lines, or None if YAML has to be asked.

    The common file is read without loading a YAML library; a test holds this against `yaml_fields`.
    """
    fields: dict[str, Located] = {}
    for number, line in enumerate(block.split("\n"), start=offset + 1):
        if not line.strip(" ") or line.startswith("#"):
            continue
        match = _PLAIN.fullmatch(line)
        if match is None or match[1] in fields:
            return None
        fields[match[1]] = Located(value=match[2], line=number, column=match.start(2) + 1, key_line=number)
    return fields


def yaml_fields(block: str, offset: int, troubles: list[_Trouble]) -> dict[str, Located]:
    """Return the fields of a block as YAML with every scalar as text, repeated keys in `troubles`; raises _Trouble for the rest."""
    import frontmatter
    import yaml

    strange = re.search("[\x85\u2028\u2029]", block)
    if strange:
        line = block.count("\n", 0, strange.start()) + offset + 1
        raise _Trouble(line, 1, "front-matter", f"an invisible line separator (U+{ord(strange[0]):04X}) stands in this line; delete it")

    # YAML refuses a tab after a key, where people and editors put one; one space for each keeps the columns.
    block = re.sub(r"(?m)^( *[\w-]+:)([ \t]+)", lambda m: m[1] + " " * len(m[2]), block)
    handler = _handler(offset, troubles)
    try:
        fields = frontmatter.parse(f"---\n{block}\n---\n", handler=handler)[0]
    except yaml.MarkedYAMLError as error:
        raise _misread(error, offset) from error
    except yaml.YAMLError as error:
        place = block.count("\n", 0, max(0, getattr(error, "position", 0) - 1)) + offset + 1
        raise _Trouble(place, 1, "front-matter", "a control character stands near here; delete it") from error
    return cast("dict[str, Located]", fields)


def _misread(error: Any, offset: int) -> _Trouble:
    """Return the trouble that a yaml.MarkedYAMLError stands for."""
    sign = {"while scanning an alias": "*", "while scanning an anchor": "&", "while scanning a tag": "!"}.get(error.context or "")
    mark = (error.context_mark if sign else None) or error.problem_mark or error.context_mark
    line, column = (mark.line + offset, mark.column + 1) if mark else (offset, 1)
    if sign:
        return _Trouble(line, column, "front-matter", f"a value that begins with {sign} means something else in YAML; put it in quotes")
    message = f"this can't be read as `key: value` lines ({error.problem or error.context}); a value with signs in it needs quotes"
    return _Trouble(line, column, "front-matter", message)


def _handler(offset: int, troubles: list[_Trouble]) -> Any:
    """Return the python-frontmatter handler that keeps text as text and places with it."""
    from frontmatter.default_handlers import YAMLHandler

    class Handler(YAMLHandler):
        #: The library's own pattern takes blank lines after the rule for a part of it, and lines would be miscounted.
        FM_BOUNDARY = re.compile(r"^---$", re.MULTILINE)

        def load(self, fm: str, **_: object) -> dict[str, Located]:
            return _compose(fm, offset, troubles)

    return Handler()


def _compose(text: str, offset: int, troubles: list[_Trouble]) -> dict[str, Located]:
    """Return the mapping that a text of YAML holds; its first line is empty (the rest of the opening rule)."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            line, column = event.start_mark.line + offset, event.start_mark.column + 1
            if isinstance(event, yaml.AliasEvent):
                raise _Trouble(line, column, "front-matter", "a value that begins with * means something else in YAML; put it in quotes")
            if getattr(event, "anchor", None):
                raise _Trouble(line, column, "front-matter", "a value that begins with & means something else in YAML; put it in quotes")
            if getattr(event, "tag", None):
                raise _Trouble(line, column, "front-matter", "a value that begins with ! means something else in YAML; put it in quotes")
            self.depth = getattr(self, "depth", 0) + 1
            if self.depth > _MAX_DEPTH:
                raise _Trouble(line, column, "front-matter", "nested too deep")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    loader = Loader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        mark = node.start_mark
        raise _Trouble(mark.line + offset, mark.column + 1, "front-matter", "the front matter has to be `key: value` lines")
    fields = _located(node, offset, troubles).value
    assert isinstance(fields, dict)
    return fields


def _located(node: Any, offset: int, troubles: list[_Trouble], key: tuple[int, int] | None = None) -> Located:
    """Return a YAML node as text with places; `key` is the place of its key."""
    import yaml

    line, column = node.start_mark.line + offset, node.start_mark.column + 1
    value: str | list[Located] | dict[str, Located] | None
    if isinstance(node, yaml.SequenceNode):
        value = [_located(item, offset, troubles) for item in node.value]
    elif isinstance(node, yaml.MappingNode):
        value = _mapping(node, offset, troubles)
    else:
        nothing = node.style is None and node.value in {"", "~", "null", "Null", "NULL"}
        value = None if nothing else node.value
    key_line, key_column = key or (line, column)
    if value is None:
        line, column = key_line, key_column
    return Located(value=value, line=line, column=column, key_line=key_line, key_column=key_column)


def _mapping(node: Any, offset: int, troubles: list[_Trouble]) -> dict[str, Located]:
    import yaml

    fields: dict[str, Located] = {}
    for key, item in node.value:
        where = (key.start_mark.line + offset, key.start_mark.column + 1)
        if not isinstance(key, yaml.ScalarNode):
            raise _Trouble(*where, "front-matter", "a key has to be a word")
        if key.value in fields:
            first = fields[key.value].key_line
            troubles.append(
                _Trouble(*where, "repeated-key", f"{quoted(key.value)} is set twice, first in line {first}; delete one of the two")
            )
        else:
            fields[key.value] = _located(item, offset, troubles, where)
    return fields
