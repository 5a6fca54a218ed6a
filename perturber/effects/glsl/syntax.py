"""Tokens → tree-sitter's syntax tree, with every node's place in the user's text.

tree-sitter-glsl is derived from a grammar of C, which reads some GLSL as C would: ``(a) - b`` as a cast of ``-b``,
``a ^^ b`` and ``float[](1.0)`` not at all, ``highp`` as the name of a type. The text it parses is therefore written
anew from the tokens: grouping brackets are doubled, which no cast can begin with, ``^^`` becomes ``||`` (told apart
again by `Tree.operator`), an empty ``[]`` holds a 0, and what has no meaning here is left out.
"""

import warnings
from bisect import bisect_right

import tree_sitter_glsl
from tree_sitter import Language, Node, Parser

from perturber.effects.glsl.errors import GlslError, Place
from perturber.effects.glsl.tokens import PRECISIONS, Token, tokenise

MAX_DEPTH = 128
"""Levels of the syntax tree: what recursion over it can bear."""

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # how the grammar's package hands over its pointer
    _LANGUAGE = Language(tree_sitter_glsl.language())


class Tree:
    """A snippet that tree-sitter has accepted.

    Args:
        source: the user's text.

    Raises:
        GlslError: the text is no GLSL, or nested too deeply.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = list(_rewritten(tokenise(source)))
        self._starts, offset = [], 0
        for text, _ in self._tokens:
            self._starts.append(offset)
            offset += len(text) + 1
        text = " ".join(text for text, _ in self._tokens)
        self._tree = Parser(_LANGUAGE).parse(text.encode("ascii"))
        self.root = self._tree.root_node
        self._check()

    def _index(self, byte: int) -> int:
        return max(0, bisect_right(self._starts, byte) - 1)

    def place(self, node: Node) -> Place:
        """Where the node begins in the user's text."""
        return self._tokens[self._index(node.start_byte)][1].place if self._tokens else Place(1, 1)

    def text(self, node: Node) -> str:
        """What the user wrote for the node, on one line and not too long to be quoted."""
        first = self._tokens[self._index(node.start_byte)][1]
        last = self._tokens[self._index(max(node.start_byte, node.end_byte - 1))][1]
        return shortened(self._source[first.start : max(first.end, last.end)])

    def word(self, node: Node) -> str:
        """The one token that the node consists of."""
        return self._tokens[self._index(node.start_byte)][1].text

    def operator(self, node: Node) -> str:
        """The operator of a unary, binary, assigning or stepping expression, as the user wrote it."""
        operator = node.child_by_field_name("operator")
        return self.word(operator) if operator else ""

    def error(self, node: Node, reason: str) -> GlslError:
        """The error to raise for something wrong with a node."""
        return self.place(node).error(reason)

    def _check(self) -> None:
        """Walk over all nodes without recursion, in the order of the text."""
        cursor, depth = self.root.walk(), 0
        while True:
            node = cursor.node
            assert node is not None
            if node.is_error or node.is_missing:
                raise self._refusal(node)
            if depth > MAX_DEPTH:
                raise self.error(node, f"this is nested too deeply; {MAX_DEPTH} levels are allowed")
            if cursor.goto_first_child():
                depth += 1
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return
                depth -= 1

    def _statement(self, index: int) -> Token:
        """The token that begins the statement of another."""
        while index > 0 and self._tokens[index - 1][0] not in (";", "{", "}"):
            index -= 1
        return self._tokens[index][1]

    def _refusal(self, node: Node) -> GlslError:
        if not self._tokens:
            return GlslError("the snippet cannot be read", line=1, column=1)
        index = self._index(node.start_byte)
        token = self._tokens[index][1]
        start = self._statement(index)
        if start.text == "else":
            return start.place.error("this 'else' belongs to no 'if'")
        if node.type in ("++", "--"):
            return start.place.error("this is neither an assignment nor a call, so it changes nothing")
        if token.text == "?":
            return token.place.error("this '?' lacks its ':'")
        if node.is_missing:
            wanted = f"a '{node.type}'" if node.type in (";", ")", "]", "}", "(") else f"an {node.type}"
            before = self._tokens[index - 1][1] if node.start_byte < self._starts[index] and index else token
            return before.after.error(f"{wanted} is missing after '{shortened(before.text)}'")
        return token.place.error(f"'{shortened(token.text)}' cannot be understood here")


def shortened(text: str, longest: int = 40) -> str:
    """Text on one line, cut to a length that fits a sentence."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _rewritten(tokens: list[Token]) -> list[tuple[str, Token]]:
    """The text to parse, token by token, each beside the user's token that it stands for."""
    result: list[tuple[str, Token]] = []
    i = 0
    while i < len(tokens):
        token = tokens[i]
        following = [t.text for t in tokens[i + 1 : i + 4]]
        if token.text == "precision":
            if not (len(following) == 3 and following[0] in PRECISIONS and following[2] == ";"):
                raise token.place.error("a precision statement looks like 'precision mediump float;'")
            i += 4
            continue
        if token.text in PRECISIONS or (token.text == "in" and result and result[-1][0] == "const"):
            i += 1
            continue
        if token.role == "group" and token.text in ("(", ")"):
            result.append((token.text, token))
        result.append(("||" if token.text == "^^" else token.text, token))
        if token.text == "[" and following[:2] == ["]", "("]:
            result.append(("0", token))
        i += 1
    return result
