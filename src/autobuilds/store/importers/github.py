"""GitHub issues as JSON: what `gh issue list --json …` prints, and what the REST interface answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any

from autobuilds.domain.patterns import pattern
from autobuilds.domain.times import parse_when
from autobuilds.errors import BadInput
from autobuilds.records import replace
from autobuilds.store.importers.imported import Imported
from autobuilds.store.importers.sense import Account, clean_name, folded, noted, priority_of, with_priority
from autobuilds.store.markdown.inline import without_comments
from autobuilds.store.queue.compose import NewTask

_BOX = pattern(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[(?P<mark>[ xX])\][ \t]+(?P<text>\S.*)")
_FENCE = pattern(r"[ \t]{0,3}(?:```|~~~)")
_CATEGORIES = {
    "Bug fixes": ("bug", "fix", "defect", "regression"),
    "New features": ("enhancement", "feature", "feature request", "new feature"),
    "Documentation": ("documentation", "docs", "doc"),
    "Performance optimization": ("performance", "perf", "optimization"),
    "Infrastructure": ("infrastructure", "ci", "build", "tooling", "dependencies", "chore"),
    "Config changes": ("config", "configuration"),
}
_CATEGORY = {word: category for category, words in _CATEGORIES.items() for word in words}


def read_issues(text: str, zone: tzinfo) -> Imported:
    """Return a task for every issue; closed ones are done, pull requests and issues *not planned* are named as left out.

    Every task's Source is its issue, so it is never taken for the owner's own word. Raises BadInput for other JSON.
    """
    account = Account()
    tasks = [task for issue in _issues(text) if (task := _task(issue, zone, account)) is not None]
    return Imported(shape="GitHub issues", tasks=tuple(tasks), remarks=tuple(account.remarks), left=tuple(account.left))


def _issues(text: str) -> list[Mapping[str, Any]]:
    try:
        data = json.loads(text)
    except ValueError as error:
        try:
            data = [json.loads(line) for line in text.split("\n") if line.strip()]
        except (ValueError, RecursionError):
            raise BadInput(
                f"the file is no JSON: {error}. `gh issue list --json number,title,body,labels,state,url,createdAt` writes it"
            ) from error
    except RecursionError as error:
        raise BadInput("the JSON is nested too deeply for a list of issues") from error
    if isinstance(data, dict):
        data = data.get("items", [data])
    if not isinstance(data, list) or not all(isinstance(one, dict) and isinstance(one.get("title"), str) for one in data):
        raise BadInput(
            "the JSON is no list of GitHub issues, each with a title. `gh issue list --json number,title,body,labels,state,url,createdAt` writes one"
        )
    return data


def _task(issue: Mapping[str, Any], zone: tzinfo, account: Account) -> NewTask | None:
    number = issue.get("number")
    where = f"issue #{number}" if isinstance(number, int) else f"issue {issue['title'][:40]!r}"
    if issue.get("pull_request") or issue.get("isPullRequest"):
        account.left.append(f"{where}: {issue['title'][:60]!r} is a pull request")
        return None
    name = clean_name(issue["title"], where, account)
    if not name:
        account.left.append(f"{where}: it has no title")
        return None
    closed = _text(issue, "state").casefold() == "closed"
    reason = _text(issue, "stateReason", "state_reason").casefold()
    if closed and reason in {"not_planned", "duplicate"}:
        account.left.append(f"{where}: {name!r} was closed as {reason.replace('_', ' ')}")
        return None
    task = NewTask(
        name=name,
        done=closed,
        added=parse_when(_text(issue, "createdAt", "created_at"), zone),
        completed=parse_when(_text(issue, "closedAt", "closed_at"), zone) if closed else None,
        source=_source(issue, number),
    )
    task = _with_body(task, _text(issue, "body"), where, account)
    task = _with_labels(task, list(_labels(issue.get("labels"))), where, account)
    milestone = issue.get("milestone")
    if isinstance(milestone, dict) and isinstance(milestone.get("title"), str):
        task = noted(task, "Milestone", folded(milestone["title"], where, account))
    return task


def _text(issue: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := issue.get(name), str)), "")


def _source(issue: Mapping[str, Any], number: object) -> str:
    url = _text(issue, "html_url", "url")
    plain = re.fullmatch(r"https?://[^\s<>`\"']{1,300}", url) is not None
    return url if plain else f"GitHub issue #{number}" if isinstance(number, int) else "GitHub"


def _labels(labels: object) -> Iterator[str]:
    for label in labels if isinstance(labels, list) else []:
        name = label.get("name") if isinstance(label, dict) else label
        if isinstance(name, str) and name.strip():
            yield name


def _with_labels(task: NewTask, labels: list[str], where: str, account: Account) -> NewTask:
    """Return the task with its labels by their sense: the first priority, the first category, the others in the notes."""
    others = []
    for label in labels:
        text = folded(label, where, account)
        category = _CATEGORY.get(re.sub(r"^(?:type|kind)\s*[:/]\s*", "", text.casefold()))
        if task.priority is None and priority_of(text)[0] is not None:
            task = with_priority(task, text, where, account)
        elif task.category is None and category is not None:
            account.remarks.append(f"{where}: the label {text!r} was taken as category {category}")
            task = replace(task, category=category)
        else:
            others.append(text)
    return noted(task, "Labels", ", ".join(others)) if others else task


def _with_body(task: NewTask, body: str, where: str, account: Account) -> NewTask:
    """Return the task with an issue's text: its boxes as criteria, everything else as description in one line."""
    prose: list[str] = []
    criteria: list[str] = []
    ticked: set[int] = set()
    fenced = False
    for row in re.split("\r\n|\r|\n", without_comments(body)):
        fenced = fenced != bool(_FENCE.match(row))
        box = None if fenced else _BOX.fullmatch(row)
        if box is None:
            prose += [row.strip()] if row.strip() else []
            continue
        criteria.append(folded(box["text"], where, account))
        if box["mark"] in "xX":
            ticked.add(len(criteria))
    if without_comments(body) != body:
        account.remarks.append(f"{where}: comments that GitHub does not show were left out")
    if any("`" in text for text in criteria):
        account.remarks.append(f"{where}: criteria with commands were taken over; they are run once the task is approved")
    description = folded("\n".join(prose), where, account) if prose else ""
    return replace(task, description=description, criteria=tuple(criteria), ticked=frozenset(ticked))
