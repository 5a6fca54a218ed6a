"""A snippet's characters → tokens, and the mistakes that can be named best there.

tree-sitter recovers from errors by dropping or inventing tokens, so that it says *that* a text is wrong but seldom
where and why. Brackets, missing semicolons and missing operands are therefore found here, in the row of tokens.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from perturber.effects.glsl.errors import GlslError, Place, suggestion
from perturber.effects.glsl.types import TYPES

MAX_CHARACTERS = 10_000
MAX_BRACKETS = 24

_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<open>/\*)"
    r"|(?P<number>(?:\d|\.\d)(?:[eE][+-](?=\d)|[\w.])*)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<mark><<=|>>=|\+\+|--|&&|\|\||\^\^|<<|>>|->|[-+*/%<>=!&|^]=|[-+*/%<>=!?:;,.(){}\[\]~&|^])",
    re.DOTALL | re.ASCII,
)
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,8}|0[0-7]*|[1-9]\d*|(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?[fF]?")

QUALIFIERS = frozenset({"const", "in", "out", "inout"})
PRECISIONS = frozenset({"lowp", "mediump", "highp"})
CONTROL = frozenset({"if", "for", "while"})
KEYWORDS = QUALIFIERS | PRECISIONS | CONTROL | {"else", "return", "break", "continue", "precision", "true", "false"}

_ONLY_INPUTS = "the snippet's inputs are color, uv, value, image and resolution"
_UNSUPPORTED = {
    "discard": "lower color.a instead",
    "do": "use a for loop with constant bounds",
    "switch": "use if and else",
    "struct": "use separate variables",
    "uint": "use int",
    "uniform": _ONLY_INPUTS,
    "varying": _ONLY_INPUTS,
    "attribute": _ONLY_INPUTS,
    "layout": _ONLY_INPUTS,
}
_RESERVED = frozenset(
    """case default goto union enum typedef extern static register volatile restrict inline noinline public external
    interface template this packed class asm cast namespace using sizeof alignof offsetof typeof auto invariant flat
    smooth centroid noperspective superp long short double half fixed unsigned signed char input output filter buffer
    shared coherent readonly writeonly subroutine sample patch precise NULL nullptr size_t ssize_t noreturn
    sampler1D sampler3D samplerCube sampler1DShadow sampler2DShadow""".split()  # noqa: SIM905
)
_INSTEAD_OF_GL = {
    "gl_FragColor": "write to color",
    "gl_FragCoord": "read uv * resolution",
    "gl_PointCoord": "read uv",
}
_BITWISE = frozenset({"&", "|", "^", "~", "<<", ">>", "&=", "|=", "^=", "<<=", ">>=", "->"})
_ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "%="})
_BINARY = _ASSIGNMENTS | {"*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&&", "||", "^^", "?", ":", "."}
_WANTS_OPERAND = _BINARY | {"+", "-", "!", ","}
_OPENING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Token:
    """One word or mark of the snippet; `start` and `end` are offsets in the user's text."""

    text: str
    kind: str  # "number", "name" or "mark"
    place: Place
    start: int
    role: str = ""  # of brackets: "control", "call", "group", "block", "list"

    @property
    def end(self) -> int:
        """The offset right behind the token."""
        return self.start + len(self.text)

    @property
    def after(self) -> Place:
        """The place right behind the token."""
        return Place(self.place.line, self.place.column + len(self.text))


def tokenise(source: str) -> list[Token]:
    """The snippet's tokens, without white space and comments, each bracket with its role.

    Raises:
        GlslError: where the text is too long, holds a foreign character, a preprocessor line, an unsupported word, or
            brackets, semicolons or operands that do not fit together.
    """
    if len(source) > MAX_CHARACTERS:
        raise GlslError(f"the snippet has {len(source)} characters; {MAX_CHARACTERS} are allowed", line=1, column=1)
    tokens = _with_roles([_checked(token) for token in _scan(source)])
    for opening, type_, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.role == closing.role == "group" and type_.text in TYPES:
            raise opening.place.error(f"casts are not supported; write {type_.text}(x) instead of ({type_.text}) x")
    for before, token in pairwise(tokens):
        _check_neighbours(before, token)
    _check_types(tokens)
    if tokens and tokens[-1].text not in (";", "}"):
        _check_neighbours(tokens[-1], Token("the end", "end", tokens[-1].after, tokens[-1].end))
        raise tokens[-1].after.error(f"a ';' is missing after '{_short(tokens[-1])}'")
    return tokens


def _scan(source: str) -> list[Token]:
    tokens = []
    offset, line, line_start = 0, 1, 0
    while offset < len(source):
        place = Place(line, offset - line_start + 1)
        match = _TOKEN.match(source, offset)
        if match is None:
            raise place.error(_foreign(source, offset))
        if match.lastgroup != "space":
            tokens.append(Token(match.group(), match.lastgroup or "", place, offset))
        breaks = match.group().count("\n")
        if breaks:
            line += breaks
            line_start = source.rindex("\n", offset, match.end()) + 1
        offset = match.end()
    return tokens


def _foreign(source: str, offset: int) -> str:
    if source[offset] == "#":
        return "preprocessor lines are not supported; use constants and functions instead of #define"
    if source[offset] in "\"'":
        return "there is no text in GLSL: quotation marks are not allowed"
    return f"the character {source[offset]!r} is not part of GLSL"


def _short(token: Token) -> str:
    return token.text if len(token.text) <= 40 else token.text[:39] + "…"


def _checked(token: Token) -> Token:
    text, place = token.text, token.place
    if token.kind == "open":
        raise place.error("this comment is never closed")
    if token.kind == "number" and not _NUMBER.fullmatch(text):
        raise place.error(f"'{_short(token)}' is not a number")
    if text in _BITWISE:
        hint = {"&": "; for conditions write '&&'", "|": "; for conditions write '||'", "->": "; write '.'"}
        raise place.error(f"the operator '{text}' is not supported" + hint.get(text, ""))
    if token.kind == "name":
        if text in _UNSUPPORTED:
            raise place.error(f"'{text}' is not supported: {_UNSUPPORTED[text]}")
        if text.startswith("gl_"):
            instead = _INSTEAD_OF_GL.get(text, _ONLY_INPUTS)
            raise place.error(f"'{_short(token)}' is not available: {instead}")
        if text in _RESERVED or "__" in text:
            raise place.error(f"'{_short(token)}' is a reserved word; choose another name")
    return token


def _with_roles(tokens: list[Token]) -> list[Token]:
    """Match brackets, and say of each what it holds."""
    result: list[Token] = []
    open_: list[Token] = []
    for token in tokens:
        before = result[-1] if result else None
        role = ""
        if token.text in _OPENING:
            role = _role(token, before, open_)
            token = Token(token.text, token.kind, token.place, token.start, role)
            open_.append(token)
            if len(open_) > MAX_BRACKETS:
                raise token.place.error(f"brackets are nested too deeply; {MAX_BRACKETS} levels are allowed")
        elif token.text in (")", "]", "}"):
            if not open_:
                raise token.place.error(f"there is no opening bracket for this '{token.text}'")
            opening = open_.pop()
            if _OPENING[opening.text] != token.text:
                wanted = _OPENING[opening.text]
                raise token.place.error(
                    f"a '{wanted}' is missing before '{token.text}', for the '{opening.text}' of line "
                    f"{opening.place.line}, column {opening.place.column}"
                )
            token = Token(token.text, token.kind, token.place, token.start, opening.role)
        elif token.text == ";" and open_ and open_[-1].role not in ("block", "control"):
            raise token.place.error(f"a '{_OPENING[open_[-1].text]}' is missing before ';'")
        result.append(token)
    if open_:
        raise open_[-1].place.error(f"this '{open_[-1].text}' is never closed")
    return result


def _role(token: Token, before: Token | None, open_: list[Token]) -> str:
    previous = before.text if before else ";"
    if token.text == "{":
        in_list = bool(open_) and open_[-1].role == "list"
        return "list" if in_list or previous == "=" else "block"
    if token.text == "[":
        return "index"
    if previous in CONTROL:
        return "control"
    is_call = before is not None and (previous in ("]", ")") or (before.kind == "name" and previous not in KEYWORDS))
    return "call" if is_call and not (previous == ")" and before and before.role == "control") else "group"


def _ends_operand(token: Token) -> bool:
    if token.kind == "name":
        return token.text in ("true", "false") or (token.text not in KEYWORDS and token.text not in TYPES)
    return token.kind == "number" or token.text == "]" or (token.text == ")" and token.role != "control")


def _check_neighbours(before: Token, token: Token) -> None:
    """Refuse two tokens that can never follow each other."""
    shown = _short(token)
    if before.text in CONTROL and token.text != "(":
        raise token.place.error(f"a '(' is missing after '{before.text}'")
    if before.text in TYPES and token.text in KEYWORDS:
        raise token.place.error(f"'{token.text}' is a reserved word; choose another name")
    starts = token.kind in ("number", "name") or (token.text == "{" and token.role == "list")
    if _ends_operand(before) and starts and not (before.kind == token.kind == "name"):
        _raise_missing(before, token)
    if token.text == "}" and token.role == "block" and (_ends_operand(before) or before.text in ("++", "--")):
        raise before.after.error(f"a ';' is missing after '{_short(before)}'")
    wanting = before.text in _WANTS_OPERAND or before.text == "("
    closes = token.text in ("]", ";", "}", ",") or token.text in _BINARY or token.kind == "end"
    if wanting and (closes or (token.text == ")" and before.text != "(")) and before.role != "control":
        where = "at the end of the text" if token.kind == "end" else f"before '{shown}'"
        raise token.place.error(f"an expression is missing {where}")


def _raise_missing(before: Token, token: Token) -> None:
    if before.place.line != token.place.line:
        raise before.after.error(f"a ';' is missing after '{_short(before)}'")
    raise token.place.error(f"an operator or a ';' is missing between '{_short(before)}' and '{_short(token)}'")


def _check_types(tokens: list[Token]) -> None:
    """Two names in a row: the first is a type, or something lies between that is missing."""
    for i, (before, token) in enumerate(pairwise(tokens)):
        if not (before.kind == token.kind == "name" and _ends_operand(before)):
            continue
        previous = tokens[i - 1] if i else None
        starts = previous is None or previous.text in {";", "{", "}", "else", "(", ","} | QUALIFIERS | PRECISIONS
        starts = starts or (previous is not None and previous.text == ")" and previous.role == "control")
        if starts and before.place.line == token.place.line and token.text not in KEYWORDS and token.text not in TYPES:
            raise before.place.error(f"there is no type '{_short(before)}'{suggestion(before.text, TYPES)}")
        _raise_missing(before, token)
