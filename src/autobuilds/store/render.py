"""Rendering: Jinja templates in a sandbox, where every value is inert unless a filter of the sink made it so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autobuilds.domain import inert
from autobuilds.domain.verdicts import is_command
from autobuilds.errors import BadInput
from autobuilds.kept import Table, stamp
from autobuilds.store import template_sandbox
from autobuilds.store.guarded import read_guarded
from autobuilds.store.template_sandbox import Budget, sandbox

if TYPE_CHECKING:
    from types import CodeType

    from jinja2 import Environment

#: Bytes of a template: it is a page of text, and takes half a second for 64 KiB to be understood.
_MAX_TEMPLATE = 32 * 1024
#: Characters of one rendered page.
_MAX_PAGE = 16 * 1024 * 1024
#: Filters of Jinja that neither read attributes nor make much out of little.
_KEPT_FILTERS = ("default", "d", "first", "last", "length", "count", "lower", "upper", "capitalize", "trim", "round", "int", "abs")


class BrokenTemplate(BadInput):
    """A template can't be rendered; the message names the file and the line."""


def packaged_templates() -> Path:
    """Return the folder of the shipped templates: the package's own when installed, else the repository's."""
    here = Path(__file__).resolve().parents[1]
    installed = here / "templates"
    return installed if installed.is_dir() else here.parents[1] / "templates"


class Renderer:
    """Renders templates by name, a workspace's `templates/` first; `problems` says which of those could not be used."""

    def __init__(self, workspace: Path | None = None) -> None:
        self._own = None if workspace is None else workspace / "templates"
        self._environments: dict[str, Environment] = {}
        self._budget = Budget()
        self.problems: list[str] = []

    def render(self, name: str, context: Mapping[str, Any]) -> str:
        """Return the page; `context` holds plain data only (text, numbers, booleans, lists, dicts).

        The name's ending before `.j2` chooses the sink: `.md`, `.html`, or text. A workspace's template that fails is noted in
        `problems` and the packaged one is used. Raises BrokenTemplate when that one fails.
        """
        own = self._read_own(name)
        if own is not None:
            try:
                return self._render(name, own, context)
            except BrokenTemplate as error:
                self._note(f"templates/{name}{error} (the packaged template was used instead)")
        path = packaged_templates() / name
        try:
            source = path.read_text(encoding="utf-8")
        except OSError as error:
            raise BrokenTemplate(f"the packaged template {name} can't be read ({error.strerror}); install autobuilds again") from error
        try:
            return self._render(name, source, context, code=_kept_code)
        except BrokenTemplate as error:
            raise BrokenTemplate(f"the packaged template {name}{error}") from error

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _read_own(self, name: str) -> str | None:
        if self._own is None:
            return None
        found = read_guarded(self._own / name, head=_MAX_TEMPLATE, tail=0)
        if found.problem is not None:
            self._note(f"templates/{name} {found.problem} (the packaged template was used instead)")
            return None
        return found.text

    def _render(self, name: str, source: str, context: Mapping[str, Any], code: Callable[[str, str], CodeType] | None = None) -> str:
        """Render one source, or raise BrokenTemplate with `:LINE: what` to go behind the file's name."""
        import jinja2

        sink = name.removesuffix(".j2").rpartition(".")[2]
        environment = self._environment(sink)
        try:
            values = _plain(context)
            self._budget.begin(values)
            template = jinja2.Template.from_code(environment, (code or _compiled)(sink, source), {})
            pieces, size = [], 0
            for piece in template.generate(values):
                size += len(piece)
                if size > _MAX_PAGE:
                    raise BrokenTemplate(f": the page grew beyond {_MAX_PAGE // 1024 // 1024} MiB")
                pieces.append(piece)
        except jinja2.TemplateSyntaxError as error:
            raise BrokenTemplate(f":{error.lineno}: {inert.line(error.message or 'syntax error', 200)}") from error
        except (
            jinja2.TemplateError,
            ArithmeticError,
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            RecursionError,
            MemoryError,
        ) as error:
            at = _line_of(error)
            raise BrokenTemplate(f":{at}: {inert.line(str(error), 200)}" if at else f": {inert.line(str(error), 200)}") from error
        page = "".join(pieces)
        return page if page.endswith("\n") else page + "\n"

    def _environment(self, sink: str) -> Environment:
        if sink not in self._environments:
            self._environments[sink] = _environment(sink, self._budget)
        return self._environments[sink]


def _line_of(error: BaseException) -> int | None:
    """Return the template's line in which an error arose."""
    line, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == "<template>":
            line = step.tb_lineno
        step = step.tb_next
    return line


def _plain(value: Any) -> Any:
    """Return plain data, so that no template ever holds an object with methods of ours. Raises TypeError for anything else."""
    kind = type(value)
    if kind is str or value is None or kind in {int, bool, float}:
        return value
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"templates take plain data, not {type(value).__name__}")


@lru_cache(maxsize=32)
def _compiled(sink: str, source: str) -> CodeType:
    """Return a template's code, which is the same for every page of a sink: to make it takes longer than to render with it."""
    budget = Budget()
    budget.begin({})
    return _environment(sink, budget).compile(source)


def _kept_code(sink: str, source: str) -> CodeType:
    """Return the code of a packaged template; it is made once for an installation (`kept`)."""
    from jinja2 import compiler, lexer, nodes, optimizer, parser, sandbox

    modules = (compiler, lexer, nodes, optimizer, parser, sandbox, template_sandbox)
    try:
        of = stamp(__file__, *(str(module.__file__) for module in modules))
    except OSError:
        return _compiled(sink, source)  # the library lies where files are not, in an archive say
    code: CodeType = _templates.find((sink, source, of), lambda: _compiled(sink, source))
    return code


_templates = Table("templates")


def _environment(sink: str, budget: Budget) -> Environment:
    """Return the sandbox for one sink: strict about undefined names, without globals, without calls, with few filters."""
    from jinja2 import StrictUndefined
    from markupsafe import Markup

    inline = {"md": inert.markdown, "html": None}.get(sink, inert.line)

    def finalize(value: Any) -> Any:
        if value is None:
            return Markup("")
        if isinstance(value, list | tuple | dict):
            raise ValueError("a list is no text; show it with a loop or with join")
        budget.made(value)
        if isinstance(value, str) and not hasattr(value, "__html__"):
            return inert.clean(value) if inline is None else Markup(inline(value))  # noqa: S704 - made inert for this sink just here
        return value

    environment: Any = sandbox(budget)(
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=finalize,
        cache_size=0,
    )
    kept = {name: environment.filters[name] for name in _KEPT_FILTERS}
    environment.allow({**kept, **_filters(sink, finalize, budget.made)})
    made: Environment = environment
    return made


def _filters(sink: str, finalize: Callable[[Any], Any], count: Callable[[Any], Any]) -> dict[str, Callable[..., Any]]:
    """Return our filters; what they make is marked as inert for the sink already, and counted."""
    from markupsafe import Markup, escape

    def marked(function: Callable[..., str]) -> Callable[..., Markup]:
        def call(value: Any, *args: Any) -> Markup:
            made = count(function("" if value is None else str(value), *args))
            return escape(made) if sink == "html" else Markup(made)  # noqa: S704 - made inert by the function

        return call

    def join(values: Iterable[Any], between: str = ", ") -> Markup:
        return Markup(between).join(escape(finalize(v)) for v in values if count(between) is not None)  # noqa: S704 - the template's own text

    return {
        "md": marked(inert.markdown),
        "said": marked(inert.said),
        "code": marked(inert.code_span),
        "way": marked(lambda text: inert.code_span(text) if is_command(text) else inert.said(text)),
        "fence": marked(inert.code_block),
        "line": marked(inert.line),
        "term": marked(inert.terminal),
        "data": marked(inert.quoted),
        "shorten": lambda value, limit=80: inert.shorten(inert.line(str(value)), limit),
        "join": join,
    }
