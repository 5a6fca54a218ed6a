"""Mistakes and limits: each is one sentence with the right line, column and reason, before anything has run."""

import pytest

from perturber.effects.glsl import GlslError, compile_source
from perturber.errors import InvalidInputError

MISTAKES = [
    # Names
    ("color.rgb = colour.rgb;", 1, 13, "there is no variable 'colour'; did you mean 'color'?"),
    ("color.r = smoothstp(0.0, 1.0, value);", 1, 11, "there is no function 'smoothstp'; did you mean 'smoothstep'?"),
    ("vec5 x = vec4(1.0);", 1, 1, "there is no type 'vec5'; did you mean 'vec4'?"),
    ("{ float x = 1.0; }\ncolor.r = x;", 2, 11, "there is no variable 'x'"),
    ("color.r = 1.0; // ü\n/* ä */ color.g = x;", 2, 19, "there is no variable 'x'"),
    ("vec3 image = vec3(1.0);", 1, 6, "there is already something called 'image' here, one of the snippet's inputs"),
    ("float x; float x;", 1, 16, "there is already something called 'x' here"),
    ("color.r = sin;", 1, 11, "'sin' is a function, not a variable"),
    ("color.r = value(1.0);", 1, 11, "'value' is a variable, not a function"),
    ("float if = 1.0;", 1, 7, "'if' is a reserved word; choose another name"),
    ("gl_FragColor = vec4(1.0);", 1, 1, "'gl_FragColor' is not available: write to color"),
    # Punctuation
    ("color.r = 1.0", 1, 14, "a ';' is missing after '1.0'"),
    ("color.rgb = vec3(1.0)\ncolor.r = 0.0;", 1, 22, "a ';' is missing after ')'"),
    ("vec3 f(vec3 c) { return c }", 1, 26, "a ';' is missing after 'c'"),
    ("color.r = (1.0;", 1, 15, "a ')' is missing before ';'"),
    ("color.r = 1.0);", 1, 14, "there is no opening bracket for this ')'"),
    ("if (value > 0.5) {\n  color.r = 1.0;", 1, 18, "this '{' is never closed"),
    ("if value > 0.5) color.r = 1.0;", 1, 15, "there is no opening bracket for this ')'"),
    ("color.r = ;", 1, 11, "an expression is missing before ';'"),
    ("color.r = 1.0 +;", 1, 16, "an expression is missing before ';'"),
    ("color.r = 1.0 2.0;", 1, 15, "an operator or a ';' is missing between '1.0' and '2.0'"),
    ("color.r = 1.5.0;", 1, 11, "'1.5.0' is not a number"),
    ("color.r = 1.0 $ 2.0;", 1, 15, "the character '$' is not part of GLSL"),
    ("else color.r = 1.0;", 1, 1, "this 'else' belongs to no 'if'"),
    ("color.r = value > 0.5 ? 1.0;", 1, 23, "this '?' lacks its ':'"),
    ("/* open", 1, 1, "this comment is never closed"),
    # Types
    ("float x = vec3(1.0);", 1, 11, "a vec3 cannot be the start of a float"),
    ("color.rgb = vec2(1.0);", 1, 13, "a vec2 cannot be assigned to a vec3"),
    ("int i = 1.5;", 1, 9, "a float cannot be the start of an int"),
    ("color.r = 1.0 + true;", 1, 15, "'+' cannot be applied to float and bool"),
    ("mat3 m = mat3(1.0); color.rg = m * uv;", 1, 34, "'*' cannot be applied to mat3 and vec2"),
    (
        "bool b = color.rgb < vec3(0.5);",
        1,
        20,
        "'<' cannot be applied to vec3 and vec3; compare vectors with lessThan() and its relatives",
    ),
    ("if (1.0) color.r = 1.0;", 1, 4, "the condition of 'if' must be a bool, not float"),
    ("color.r = dot(color.rgb, uv);", 1, 11, "'dot' cannot be applied to (vec3, vec2)"),
    ("color.r = sin(1.0, 2.0);", 1, 11, "'sin' takes 1 argument, not 2"),
    ("float f(float x) { return x; } color.r = f();", 1, 42, "'f' takes 1 argument, not 0"),
    ("mat3 m = mat3(1.0, 2.0);", 1, 10, "mat3 needs 9 components, but only 2 are given"),
    ("vec2 v = vec2(1.0, 2.0, 3.0);", 1, 25, "vec2 has 2 components; this argument is one too many"),
    ("color.r = color.rgb.w;", 1, 21, "a vec3 has no component 'w'"),
    ("color.r = color.rx;", 1, 17, "'.rx' is no choice of components; use up to four of xyzw, rgba or stpq"),
    ("color.r = value.x;", 1, 17, "a float has no components like '.x'"),
    ("float a[3]; a[3] = 1.0;", 1, 15, "the index 3 is outside float[3]; use 0 to 2"),
    ("float a[3]; for (int i = 0; i < 4; i++) a[i] = 1.0;", 1, 43, "the index 3 is outside float[3]; use 0 to 2"),
    ("color.r = (float) 1;", 1, 11, "casts are not supported; write float(x) instead of (float) x"),
    # Assignment
    ("color.rr = vec2(1.0);", 1, 7, "'color.rr' names a component twice and cannot be assigned to"),
    ("uv.x = 1.0;", 1, 1, "'uv' can only be read"),
    ("const float k = 1.0; k = 2.0;", 1, 22, "'k' can only be read"),
    ("const float k;", 1, 13, "the constant 'k' needs a value"),
    ("vec3(0.5).r = 1.0;", 1, 1, "'vec3(0.5).r' cannot be assigned to"),
    (
        "void f(out float x) { x = 1.0; } f(value);",
        1,
        36,
        "this argument is written to and must be a variable that can be",
    ),
    ("color.r == 1.0;", 1, 1, "this is neither an assignment nor a call, so it changes nothing"),
    ("value * 2.0;", 1, 1, "this is neither an assignment nor a call, so it changes nothing"),
    ("color.r;", 1, 1, "this is neither an assignment nor a call, so it changes nothing"),
    # Functions and jumps
    ("float f(float x) { return f(x); }", 1, 27, "the function 'f' ends up calling itself, which GLSL forbids"),
    ("float f() { float x = 1.0; } color.r = f();", 1, 7, "the function 'f' never returns its float"),
    ("float f() { return; } color.r = f();", 1, 13, "a value of type float must follow 'return'"),
    ("return 1.0;", 1, 1, "the snippet returns no value"),
    ("break;", 1, 1, "'break' is only allowed inside of a loop"),
    (
        "void main() { color.r = 1.0; } color.g = 1.0;",
        1,
        32,
        "with a main() function, all statements must be inside of functions",
    ),
    (
        "for (int i = 0; i < int(color.r); i++) {}",
        1,
        19,
        "the bounds of a loop must be constant; to leave it for some pixels alone, use 'if' and 'break'",
    ),
    # What there is not
    (
        "#define X 1",
        1,
        1,
        "preprocessor lines are not supported; use constants and functions instead of #define",
    ),
    ("discard;", 1, 1, "'discard' is not supported: lower color.a instead"),
    ("do { } while (true);", 1, 1, "'do' is not supported: use a for loop with constant bounds"),
    ("color.r = color.r & 1;", 1, 19, "the operator '&' is not supported; for conditions write '&&'"),
    ('color.r = "red";', 1, 11, "there is no text in GLSL: quotation marks are not allowed"),
    ("color.r = dFdx(color.g);", 1, 11, "there is no function 'dFdx'"),
]


@pytest.mark.parametrize(("source", "line", "column", "reason"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_has_place_and_reason(source: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(GlslError) as caught:
        compile_source(source)
    error = caught.value
    assert (error.line, error.column, error.reason) == (line, column, reason)
    assert str(error) == f"Line {line}, column {column}: {reason}" + ("" if reason.endswith("?") else ".")
    assert isinstance(error, InvalidInputError)


def _tower(body: str, first: str, levels: int) -> str:
    functions = [f"float f0(float x) {{ return {first}; }}"]
    functions += [f"float f{i}(float x) {{ return {body.replace('F', f'f{i - 1}')}; }}" for i in range(1, levels)]
    return " ".join(functions) + f" color.r = f{levels - 1}(color.g);"


LIMITS = {
    "characters": ("x" * 10_001, "10000 are allowed"),
    "brackets": ("color.r = " + "(" * 300 + "1.0" + ")" * 300 + ";", "levels are allowed"),
    "blocks": ("{" * 300 + "}" * 300, "levels are allowed"),
    "signs": ("color.r = " + "- " * 3000 + "1.0;", "levels are allowed"),
    "sums": ("color.r = " + "+".join(["value"] * 1500) + ";", "levels are allowed"),
    "conditions": ("color.r = " + "true ? 1.0 : " * 700 + "1.0;", "levels are allowed"),
    "else if": ("if (value > 1.0) {} " + "else if (value > 2.0) {} " * 390, "levels are allowed"),
    "assignments": ("color.r = " * 900 + "1.0;", "levels are allowed"),
    "loop": ("for (int i = 0; i < 257; i++) {}", "256 passes"),
    "nested loops": ("for (int i = 0; i < 17; i++) for (int j = 0; j < 16; j++) {}", "256 passes"),
    "endless loop": ("for (;;) {}", "256 passes"),
    "loop to infinity": ("for (float x = 1.0; x > 0.0; x *= 2.0) {}", "256 passes"),
    "loop left by some pixels": ("while (true) { if (color.r > 0.5) break; }", "256 passes"),
    "loops in functions": (
        "void f() { for (int i = 0; i < 16; i++) {} } for (int j = 0; j < 17; j++) f();",
        "256 passes",
    ),
    "many loops": ("for (int i = 0; i < 256; i++) {}" * 9, "2048 passes"),
    "reads": (
        "for (int i = 0; i < 131; i++) color += texture2D(image, uv * float(i)) + texture2D(image, uv - float(i));",
        "256 times",
    ),
    "work": ("for (int i = 0; i < 256; i++) {" + "color.rgb = sin(color.rgb * 1.1);" * 9 + "}", "too much work"),
    "calls that double": (_tower("F(x * 1.1) + F(x + 0.1)", "sin(x)", 17), "too much work"),
    "calls that double without a pixel": (_tower("F(1.0) + F(1.0)", "1.0", 17), "too much work"),
    "calls that are deep": (_tower("F(x)", "x", 60), "levels are allowed"),
    "functions": ("".join(f"void f{i}() {{}} " for i in range(70)), "64 are allowed"),
    "array": ("float a[65];", "from 1 to 64"),
    "memory": (
        "vec4 a[64]; for (int i = 0; i < 64; i++) a[i] = sin(color * float(i)); for (int i = 0; i < 64; i++) color += a[i] * a[63 - i];",  # noqa: E501
        "192 numbers",
    ),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_limits_hold_before_anything_runs(limit: str) -> None:
    source, reason = LIMITS[limit]
    with pytest.raises(GlslError) as caught:
        compile_source(source)
    assert reason in caught.value.reason


def test_what_is_allowed_is_allowed() -> None:
    """The limits leave room for real work: a 9 × 9 blur, a fractal, a chain of sixty returns."""
    compile_source(
        "vec4 s; for (int y = -4; y <= 4; y++) for (int x = -4; x <= 4; x++)"
        " s += texture2D(image, uv + vec2(x, y) / resolution); color = s / 81.0;"
    )
    compile_source(
        "vec2 z; vec2 c = uv * 3.0 - vec2(2.0, 1.5); float n; for (int i = 0; i < 200; i++) {"
        " z = vec2(z.x * z.x - z.y * z.y, 2.0 * z.x * z.y) + c; if (dot(z, z) > 4.0) break; n += 0.005; } color.r = n;"
    )
    compile_source(
        "float f(float x) {" + "if (x < color.g) return 0.1; x -= 0.01;" * 60 + "return x; } color.r = f(1.);"
    )
