"""Random queues of the spellings that people and tools use, most of them plain, from a seed."""

# ruff: noqa: SIM905 - rows of sample text read better as one string

from __future__ import annotations

from random import Random

NAMES = (
    "Foo|Bar|Baz qux|Spotify Integration|Old thing|it's Con|con|Clean up, then (ship)|A-b|Foo!|Überprüfung|`code` name|"
    "A name that is so long that its label has to be cut somewhere before its end is reached"
).split("|")
#: Fields in the order in which `add` writes them; `/` stands for a line end.
FIELDS = [
    text.replace("/", "\n")
    for text in (
        "- **Description:** Some `code` text, long.|- **Description:** None|- **Description:** a <!-- x --> b  c|- **Description:** **bold** - Priority: High|"
        "- **Completion Criteria:**/  - [ ] it works: `make test`/  - [x] done.|- **Completion Criteria:**/  - [ ] none/  - [ ] `a` and `b`: `c`|"
        "- **Completion Criteria:**/  - [X] - x/  - [ ] # y/  - [ ] `README.md` is there|- **Completion Criteria:** a sentence|- **Completion Criteria:**|"
        "- **Tech Stack:** Python, C|- Tech Stack: n.a|- **Tech Stack:** NONE.|- **Estimated Time:** 4 hours|- **Estimated Time:** 2-3 h|- **Estimated Time:** *1 h*|"
        "- **Estimated Time:** soon|- **Category:** New *features*|- **Category:** Bug fixes|- **Blockers:** None|- **Blockers:** the key, and [ ] that|"
        "- **Blockers:** [x] done|- **Blockers:** - a|- **Depends On:** Foo|- **Depends On:** Bar, Baz qux|- **Depends On:** [[Clean up, then (ship)]]|"
        "- **Depends On:** Clean up, then (ship)|- **Depends On:** nope|- **Depends On:** None|- **Touches:** src*, `a,b`|- **Touches:** {a,b}.py|"
        "- **Not Before:** 2026-02-30|- **Not Before:** 2026-02-06 10:00|- **Window:** overnight|- **Window:** *Quick win*|- Window: None|- **Approved:** yes|- **Approved:** Yes|- Approved: true|- **Repository:** ..x|"
        "- **Base:** main|- **Agent:** `command`|- **Role:** *x*|- **Timeout:** 90 min|- **Timeout:** never|- **Steps:**/  ```sh/  make/  ```|"
        "- **Steps:**/  ```/  # comment//    deep/   /  ```|- **Steps:**/  ```/  ```|- **Steps:**/  ~~~/  x/  ~~~|- **Steps:** `make`|"
        "- **Steps:** run `a`, then `b`.|- **Steps:** `a` `b`.|- Steps: None|- **Steps:** ``` x ```|- **Steps:** - a|- **Steps:** ```sh|- **Deliverables:** a, b|"
        "- **Source:** owner|- **Notes:** see <!-- x --> it|- Priority: hgih|- **Label:** other|- **Owner:** me"
    ).split("|")
]
LINES = (
    "|||| - Added: 2026-02-06 15:00| - Added: 2026-02-30| - Added: 2026-03-08 02:30 - Priority: High| - Priority: Low| - Priority: hgih| — Priority: Low|"
    " - Priority: High - Completed: 2026-02-28| - Depends On: Foo| - Label: zed| - Foo: bar"
).split("|")


def fields(pick: Random, indent: str = "") -> str:
    """Return the lines of some fields, mostly each once and in the usual order."""
    chosen = [pick.choice(FIELDS) for _ in range(pick.randrange(7))]
    if pick.random() < 0.8:
        by_key = {field.replace("*", "").split(":")[0]: field for field in chosen}
        chosen = sorted(by_key.values(), key=FIELDS.index)
    rows = [row for field in chosen for row in field.split("\n")]
    return "".join(f"{indent}{row}\n" if row else "\n" for row in rows)


def queue(pick: Random) -> str:
    """Return the text of one queue."""
    active, done, details = "", "", []
    for name in pick.sample(NAMES, pick.randrange(1, 5)):
        nested = fields(pick, "  ") if pick.random() < 0.35 else ""
        line = name + pick.choice(LINES)
        if pick.random() < 0.8:
            active += f"- [{pick.choice('   x')}] {line}\n{nested}"
            active += pick.choice(["\n", "\n---\n", "text\n", "---\n", "  wrapped\n"]) if pick.random() < 0.05 else ""
        else:
            done += f"- [{pick.choice('xxX ')}] {line}\n{nested}"
        if pick.random() < 0.6:
            heading = name + pick.choice(["", "", "", " #", " ##"])
            details.append(f"### {heading}\n{pick.choice(['', '', chr(10)])}{fields(pick)}{_end(pick)}")
    if pick.random() < 0.04:
        details.append("### Nobody\n- **Category:** x\n")
    pick.shuffle(details)
    parts = [
        f"## Active Queue\n{pick.choice(['', chr(10)])}{active}\n",
        f"## Task Details\n\n{''.join(details)}\n",
        f"## Completed\n{done}",
    ]
    if pick.random() < 0.1:
        parts.insert(pick.randrange(4), pick.choice(["## Notes\ntext\n", "# Top\n\n", "## Foo\n- x\n", "  ### odd\n"]))
    return pick.choice(["# Q\n\n", "", "intro\n\n"]) + "".join(parts)


def _end(pick: Random) -> str:
    return pick.choice(["\n", "\n", "\n\n", "", "\n---\n\n"] if pick.random() < 0.9 else ["\ntext\n\n", "<b>\n", "  continued\n\n"])
