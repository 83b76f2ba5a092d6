"""The weekend as text: for the terminal, and as Markdown for the page that a duty writes."""

from __future__ import annotations

from autobuilds.cli.formatters.style import Style
from autobuilds.domain.inert import terminal
from autobuilds.domain.times import format_minutes, format_when, reached
from autobuilds.domain.weekend import FreeTime, Proposal, Spell, Step
from autobuilds.runtime.weekend import Suggestion
from autobuilds.runtime.weekend_start import Started
from autobuilds.runtime.weekend_view import Mile, Standing


def suggestion(found: Suggestion, style: Style) -> str:
    """Return the proposals, each with its milestones, its reasons, and what is not in it."""
    plan = found.plan
    lines = [style.bold(f"Weekend of {plan.free.id}") + f": {format_minutes(plan.free.minutes)} free", *_times(plan.free)]
    lines.append(f"a project may take {format_minutes(plan.limit)}: {plan.why}")
    if found.chosen is not None:
        lines.append(f"chosen already: {terminal(found.chosen.title)} (autobuilds weekend progress)")
    lines += [terminal(note) for note in found.notes]
    for number, one in enumerate(plan.proposals, 1):
        lines += ["", *_proposal(number, one, style)]
    if not plan.proposals:
        lines += ["", "No task that is open fits: autobuilds list shows the queue, autobuilds weekend suggest --json what was looked at"]
    if found.ideas:
        lines += ["", style.bold("Ideas that are no tasks yet") + " (a description and a criterion that can be checked are missing):"]
        lines += [f"  BUILD_QUEUE.md:{idea.line}: {terminal(idea.text)}" for idea in found.ideas[:5]]
        lines.append('  autobuilds add "NAME" --desc "…" --criterion "…: `command`" --time "3 h" makes one a task')
    if plan.proposals and found.chosen is None:
        lines += ["", f"Nothing was written. autobuilds weekend start {plan.proposals[0].id} writes the first one into the queue"]
    return "\n".join(lines) + "\n"


def _times(free: FreeTime) -> list[str]:
    lines = [f"  free  {span(spell)}" for spell in free.free]
    return lines + [f"  taken {span(spell)}: {terminal(spell.why)}" for spell in free.taken]


def span(spell: Spell) -> str:
    """Return a span of time with its days: `Sat 2026-11-28 07:00 - 23:00`."""
    end = f"{spell.end:%H:%M}" if spell.end.date() == spell.start.date() else f"{spell.end:%a %H:%M}"
    return f"{spell.start:%a} {format_when(spell.start)} - {end}"


def _proposal(number: int, one: Proposal, style: Style) -> list[str]:
    lines = [style.bold(f"{number}. {terminal(one.title)}") + f"  {format_minutes(one.minutes)}  ({one.id})"]
    for place, step in enumerate(one.steps, 1):
        lines += _step(place, step)
    lines += [f"   why: {terminal(reason)}" for reason in one.evidence]
    lines += [f"   not in it: {terminal(left.name)}: {terminal(left.why)}" for left in one.left_out]
    return lines


def _step(place: int, step: Step) -> list[str]:
    about = f"{format_minutes(step.minutes)}{' (guessed)' if step.guessed else ''}{', new' if step.new else ''}"
    lines = [f"   {place}. {terminal(step.name)}  {about}"]
    lines += [f"      missing: {terminal(said)}" for said in step.missing]
    lines += [f"      asks: {terminal(said)}" for said in step.risks[:2]]
    return lines


def choice(one: Proposal, style: Style) -> str:
    """Return what a choice would write, before the owner is asked."""
    lines = _proposal(1, one, style)
    lines[0] = style.bold(terminal(one.title)) + f"  {format_minutes(one.minutes)}"
    for step in one.steps:
        if step.new:
            lines += ["", f"New task: {terminal(step.name)}", f"  {terminal(' '.join(step.description.split()))}"]
            lines += [f"  - [ ] {terminal(text)}" for text in step.criteria]
    return "\n".join(lines) + "\n"


def started(done: Started, style: Style) -> str:
    """Return what became of a choice."""
    if not done.changed:
        return f"{terminal(done.weekend.title)} is chosen already; nothing was changed"
    number = len(done.weekend.milestones)
    lines = [style.bold(terminal(done.weekend.title)) + f": {number} {'milestone' if number == 1 else 'milestones'} in the queue"]
    if done.approved:
        lines.append(f"approved by your choice: {', '.join(done.approved)}")
    lines += [f"{label} still needs you: {terminal(why)}; autobuilds why {label}" for label, why in done.asks]
    lines += [terminal(note) for note in done.notes]
    if done.trouble:
        lines.append(f"not committed: {terminal(done.trouble)}")
    return "\n".join([*lines, "they start in the weekend's window; autobuilds weekend progress shows how it goes"])


def progress(found: Standing, style: Style) -> str:
    """Return how the project stands, a line for each milestone."""
    weekend = found.weekend
    lines = [style.bold(terminal(weekend.title)) + f" (weekend of {weekend.id})", f"  {_sums(found)}"]
    for mile in found.milestones:
        lines.append(f"  {_sign(mile)} {terminal(mile.name)}  {mile.state}{_ran(mile)}{_proof(mile)}")
        if mile.why:
            lines.append(f"      {terminal(mile.why)}" + (f"; {terminal(mile.fix)}" if mile.fix else ""))
    return "\n".join(lines) + "\n"


def summary(found: Standing, style: Style) -> str:
    """Return what a weekend brought: what is done and how surely, what it took, what is left."""
    weekend = found.weekend
    over = reached(weekend.ends, found.now)
    lines = [
        style.bold(f"Weekend of {weekend.id}: {terminal(weekend.title)}"),
        _sums(found) + ("" if over else "; the weekend goes on"),
        "",
    ]
    done = [mile for mile in found.milestones if mile.is_done]
    left = [mile for mile in found.milestones if not mile.is_done]
    lines += ["Done:", *(f"- {terminal(m.name)}{_proof(m)}{_size(m)}{_ran(m)}{_next(m)}" for m in done)] if done else ["Nothing is done."]
    if left:
        lines += ["", "Left:", *(f"- {terminal(m.name)}: {m.state}{_ran(m)}{_next(m)}" for m in left)]
    return "\n".join(lines) + "\n"


def _sums(found: Standing) -> str:
    whole = sum(mile.minutes for mile in found.milestones)
    return (
        f"{found.done} of {len(found.milestones)} milestones done ({found.percent} % of {format_minutes(whole)} planned), "
        f"built for {format_minutes(found.ran)}, {format_minutes(found.minutes_left)} left"
    )


def _sign(mile: Mile) -> str:
    return "[x]" if mile.is_done else "[ ]"


def _ran(mile: Mile) -> str:
    return (
        f", {format_minutes(mile.ran)} of {format_minutes(mile.minutes)}"
        if mile.ran or mile.is_done
        else f", {format_minutes(mile.minutes)}"
    )


def _proof(mile: Mile) -> str:
    if not mile.is_done:
        return ""
    return f" ({mile.evidence})" if mile.evidence else " (by your word)"


def _size(mile: Mile) -> str:
    return f", {mile.files_changed} files +{mile.lines_added} -{mile.lines_removed}" if mile.files_changed else ""


def _next(mile: Mile) -> str:
    why = f": {terminal(mile.why)}" if mile.why else ""
    return why + (f"; {terminal(mile.fix)}" if mile.fix else "")


def page(found: Suggestion, text: str) -> str:
    """Return the page of a suggestion as Markdown: the text as it is said, which nothing in it can leave."""
    told = f"Proposed {format_when(found.at)}. Nothing of it is in the queue until you choose."
    return f"# Weekend of {found.plan.free.id}\n\n{told}\n\n{_fenced(text)}"


def summary_page(text: str) -> str:
    """Return the page of a summary as Markdown."""
    return f"# Weekend\n\n{_fenced(text)}"


def _fenced(text: str) -> str:
    fence = "`" * 3
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}{fence}\n"
