"""Renders a site: Markdown documents through a template engine, to HTML.

Text processing as web programs do it: a block parser, an inline parser, a template
language with loops, conditions and filters that is compiled to closures.
"""

from __future__ import annotations

import hashlib
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

WORDS = (
    "stream frame table cache value guard trace loop entry depth field index module package "
    "system reader writer parser object number string method result window buffer record"
).split()


@dataclass
class Block:
    """One block of a document."""

    kind: str
    text: str = ""
    level: int = 0
    items: list[str] = field(default_factory=list)


@dataclass
class Page:
    """A rendered document."""

    title: str
    body: str
    headings: list[tuple[int, str]]
    words: int


class MarkdownParser:
    """Splits text into blocks; inline marks are handled by the renderer."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.position = 0

    def blocks(self) -> Iterator[Block]:
        """All blocks in order."""
        while self.position < len(self.lines):
            line = self.lines[self.position]
            if not line.strip():
                self.position += 1
            elif line.startswith("#"):
                yield self._heading(line)
            elif line.startswith("```"):
                yield self._code()
            elif line.startswith(("- ", "* ")):
                yield self._list()
            elif line.startswith(">"):
                yield self._run("quote", lambda s: s.startswith(">"), lambda s: s[1:].strip())
            elif line.startswith("|"):
                yield self._table()
            else:
                yield self._run("paragraph", self._continues, str.strip)

    @staticmethod
    def _continues(line: str) -> bool:
        return bool(line.strip()) and not line.startswith(("#", "```", "- ", "* ", ">", "|"))

    def _heading(self, line: str) -> Block:
        self.position += 1
        level = len(line) - len(line.lstrip("#"))
        return Block("heading", line[level:].strip(), level)

    def _code(self) -> Block:
        self.position += 1
        start = self.position
        while self.position < len(self.lines) and not self.lines[self.position].startswith("```"):
            self.position += 1
        text = "\n".join(self.lines[start : self.position])
        self.position += 1
        return Block("code", text)

    def _list(self) -> Block:
        block = Block("list")
        while self.position < len(self.lines) and self.lines[self.position][:2] in ("- ", "* "):
            block.items.append(self.lines[self.position][2:].strip())
            self.position += 1
        return block

    def _table(self) -> Block:
        block = Block("table")
        while self.position < len(self.lines) and self.lines[self.position].startswith("|"):
            block.items.append(self.lines[self.position])
            self.position += 1
        return block

    def _run(self, kind: str, more: Callable[[str], bool], clean: Callable[[str], str]) -> Block:
        parts = []
        while self.position < len(self.lines) and more(self.lines[self.position]):
            parts.append(clean(self.lines[self.position]))
            self.position += 1
        return Block(kind, " ".join(parts))


class Renderer:
    """Turns blocks into HTML."""

    MARKS = {"*": "em", "_": "strong", "`": "code"}

    def __init__(self) -> None:
        self.headings: list[tuple[int, str]] = []
        self.words = 0

    def inline(self, text: str) -> str:
        """Emphasis, code and links within a line, one character at a time."""
        out: list[str] = []
        opened: list[str] = []
        i, end = 0, len(text)
        while i < end:
            c = text[i]
            if c in self.MARKS:
                tag = self.MARKS[c]
                if opened and opened[-1] == tag:
                    opened.pop()
                    out.append(f"</{tag}>")
                else:
                    opened.append(tag)
                    out.append(f"<{tag}>")
            elif c == "[":
                close = text.find("](", i)
                stop = text.find(")", close)
                if close > 0 and stop > 0:
                    label, target = text[i + 1 : close], text[close + 2 : stop]
                    out.append(f'<a href="{escape(target)}">{escape(label)}</a>')
                    i = stop
                else:
                    out.append(c)
            elif c == "&":
                out.append("&amp;")
            elif c == "<":
                out.append("&lt;")
            else:
                out.append(c)
            i += 1
        while opened:
            out.append(f"</{opened.pop()}>")
        self.words += text.count(" ") + 1
        return "".join(out)

    def render(self, block: Block) -> str:
        """One block."""
        match block:
            case Block(kind="heading", text=text, level=level):
                self.headings.append((level, text))
                return f"<h{level}>{self.inline(text)}</h{level}>"
            case Block(kind="code", text=text):
                return f"<pre><code>{escape(text)}</code></pre>"
            case Block(kind="list", items=items):
                return "<ul>" + "".join(f"<li>{self.inline(i)}</li>" for i in items) + "</ul>"
            case Block(kind="quote", text=text):
                return f"<blockquote>{self.inline(text)}</blockquote>"
            case Block(kind="table", items=rows):
                cells = [[c.strip() for c in row.strip("|").split("|")] for row in rows]
                return "<table>" + "".join(map(self._row, cells)) + "</table>"
        return f"<p>{self.inline(block.text)}</p>"

    def _row(self, cells: list[str]) -> str:
        return "<tr>" + "".join(f"<td>{self.inline(c)}</td>" for c in cells) + "</tr>"


class TemplateError(Exception):
    """A template that cannot be compiled."""


Emit = Callable[[dict[str, Any], list[str]], None]


class Template:
    """A small template language, compiled to closures."""

    TOKEN = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})")
    FILTERS: dict[str, Callable[[Any], Any]] = {
        "upper": lambda v: str(v).upper(),
        "length": len,
        "title": lambda v: str(v).title(),
        "escape": lambda v: escape(str(v)),
    }

    def __init__(self, source: str) -> None:
        self.tokens = [t for t in self.TOKEN.split(source) if t]
        self.position = 0
        self.program = self._block(())

    def _block(self, enders: tuple[str, ...]) -> list[Emit]:
        program: list[Emit] = []
        while self.position < len(self.tokens):
            token = self.tokens[self.position]
            self.position += 1
            if token.startswith("{{"):
                program.append(self._value(token[2:-2].strip()))
            elif token.startswith("{%"):
                words = token[2:-2].split()
                if words[0] in enders:
                    return program
                program.append(self._statement(words))
            else:
                program.append(self._text(token))
        if enders:
            raise TemplateError(f"no {enders[0]}")
        return program

    def _statement(self, words: list[str]) -> Emit:
        match words:
            case ["for", name, "in", path]:
                return self._for(name, self._lookup(path), self._block(("endfor",)))
            case ["if", path]:
                return self._if(self._lookup(path), self._block(("endif",)))
        raise TemplateError(" ".join(words))

    @staticmethod
    def _text(text: str) -> Emit:
        return lambda scope, out: out.append(text)

    @staticmethod
    def _lookup(path: str) -> Callable[[dict[str, Any]], Any]:
        first, *rest = path.split(".")

        def get(scope: dict[str, Any]) -> Any:
            value = scope[first]
            for name in rest:
                if isinstance(value, dict):
                    value = value[name]
                elif name.isdigit():
                    value = value[int(name)]
                else:
                    value = getattr(value, name)
            return value

        return get

    def _value(self, text: str) -> Emit:
        path, *names = (part.strip() for part in text.split("|"))
        get, filters = self._lookup(path), [self.FILTERS[name] for name in names]

        def emit(scope: dict[str, Any], out: list[str]) -> None:
            value = get(scope)
            for one in filters:
                value = one(value)
            out.append(str(value))

        return emit

    @staticmethod
    def _for(name: str, get: Callable[[dict[str, Any]], Any], body: list[Emit]) -> Emit:
        def emit(scope: dict[str, Any], out: list[str]) -> None:
            inner = dict(scope)
            for value in get(scope):
                inner[name] = value
                for one in body:
                    one(inner, out)

        return emit

    @staticmethod
    def _if(get: Callable[[dict[str, Any]], Any], body: list[Emit]) -> Emit:
        def emit(scope: dict[str, Any], out: list[str]) -> None:
            if get(scope):
                for one in body:
                    one(scope, out)

        return emit

    def render(self, **scope: Any) -> str:
        """The text for these values."""
        out: list[str] = []
        for one in self.program:
            one(scope, out)
        return "".join(out)


LAYOUT = Template(
    "<html><head><title>{{ page.title | escape }}</title></head><body>"
    "{% if page.headings %}<nav>{% for h in page.headings %}"
    '<a class="l{{ h.0 }}">{{ h.1 | title | escape }}</a>{% endfor %}</nav>{% endif %}'
    "<main>{{ page.body }}</main><footer>{{ page.words }} words, "
    "{{ page.headings | length }} headings{% for p in site %}"
    "{% if p.title %} · {{ p.title | upper }}{% endif %}{% endfor %}</footer></body></html>"
)


def write_document(dice: random.Random, number: int) -> str:
    """Make up one document."""

    def sentence(words: int) -> str:
        chosen = [dice.choice(WORDS) for _ in range(words)]
        mark = dice.randrange(words)
        chosen[mark] = dice.choice(("*{}*", "_{}_", "`{}`", "[{}](/x?a=1&b=2)", "{} < &")).format(
            chosen[mark]
        )
        return " ".join(chosen)

    lines = [f"# Document {number}: {sentence(3)}", ""]
    for _ in range(12):
        kind = dice.randrange(7)
        if kind == 0:
            lines += [f"{'#' * dice.randint(2, 4)} {sentence(4)}"]
        elif kind == 1:
            lines += [f"- {sentence(6)}" for _ in range(dice.randint(2, 6))]
        elif kind == 2:
            lines += ["```", f"if a < {number}:", "    return a & b", "```"]
        elif kind == 3:
            lines += [f"> {sentence(9)}" for _ in range(2)]
        elif kind == 4:
            lines += [f"| {sentence(2)} | {sentence(2)} | {dice.random():.3f} |" for _ in range(3)]
        else:
            lines += [sentence(11) for _ in range(dice.randint(2, 6))]
        lines.append("")
    return "\n".join(lines)


def render_page(text: str) -> Page:
    """Render one document."""
    renderer = Renderer()
    body = "\n".join(renderer.render(block) for block in MarkdownParser(text).blocks())
    title = renderer.headings[0][1] if renderer.headings else "untitled"
    return Page(title, body, renderer.headings, renderer.words)


def main(documents: int = 4500) -> None:
    """Build a site and print its digest."""
    dice = random.Random(20261121)
    digest, size, words = hashlib.sha256(), 0, 0
    recent: list[Page] = []
    for number in range(documents):
        page = render_page(write_document(dice, number))
        recent = [*recent[-9:], page]
        html = LAYOUT.render(page=page, site=recent)
        digest.update(html.encode())
        size += len(html)
        words += page.words
    print(f"{documents} pages, {words} words, {size} characters of HTML, {digest.hexdigest()[:16]}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
