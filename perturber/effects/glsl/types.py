"""The types of GLSL ES 1.00 that a snippet may use."""

from dataclasses import dataclass, replace

_PREFIX = {"float": "", "int": "i", "bool": "b"}


@dataclass(frozen=True)
class Type:
    """A scalar, vector, matrix, array of these, `void` or `sampler2D`.

    Args:
        scalar: "float", "int", "bool", "void" or "sampler2D".
        rows: components of a vector, or of a matrix' column; 1 for scalars.
        columns: of a matrix; 1 for everything else.
        length: elements of an array; 0 for what is no array.
    """

    scalar: str
    rows: int = 1
    columns: int = 1
    length: int = 0

    @property
    def size(self) -> int:
        """Number of scalar components."""
        return self.rows * self.columns * max(self.length, 1)

    @property
    def is_scalar(self) -> bool:
        """A single float, int or bool."""
        return self.rows == 1 and not self.length and self.scalar in _PREFIX

    @property
    def is_vector(self) -> bool:
        """One of vec2 to bvec4."""
        return self.rows > 1 and self.columns == 1 and not self.length

    @property
    def is_matrix(self) -> bool:
        """One of mat2 to mat4."""
        return self.columns > 1 and not self.length

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic is defined: floats and ints, no arrays."""
        return self.scalar in ("float", "int") and not self.length

    @property
    def element(self) -> "Type":
        """What ``[i]`` gives: an array's element, a matrix' column, a vector's component."""
        if self.length:
            return replace(self, length=0)
        return replace(self, columns=1) if self.columns > 1 else replace(self, rows=1)

    @property
    def count(self) -> int:
        """How many elements ``[i]`` chooses from; 0 where there is nothing to choose."""
        if self.length:
            return self.length
        return self.columns if self.columns > 1 else self.rows if self.rows > 1 else 0

    def of(self, scalar: str) -> "Type":
        """The same shape of another scalar."""
        return replace(self, scalar=scalar)

    def __str__(self) -> str:
        if self.columns > 1:
            name = f"mat{self.columns}"
        elif self.rows > 1:
            name = f"{_PREFIX[self.scalar]}vec{self.rows}"
        else:
            name = self.scalar
        return f"{name}[{self.length}]" if self.length else name


VOID = Type("void")
SAMPLER = Type("sampler2D")
FLOAT = Type("float")
INT = Type("int")
BOOL = Type("bool")


def vector(rows: int, scalar: str = "float") -> Type:
    """The vector type of 2 to 4 `rows`."""
    return Type(scalar, rows)


def converts(source: Type, target: Type) -> bool:
    """Whether a value may stand where `target` is wanted: the same type, or ints for floats as in desktop GLSL."""
    return source == target or (source.scalar == "int" and target.scalar == "float" and source == target.of("int"))


TYPES: dict[str, Type] = {
    str(type_): type_
    for type_ in (
        *(VOID, SAMPLER, FLOAT, INT, BOOL),
        *(Type(scalar, rows) for scalar in _PREFIX for rows in (2, 3, 4)),
        *(Type("float", size, size) for size in (2, 3, 4)),
    )
}
TYPES |= {f"mat{size}x{size}": Type("float", size, size) for size in (2, 3, 4)}
"""Every type by its name in the language."""
