"""OBJ and MTL files as they really come: what can be opened opens, and whatever is changed on the way is said."""

import numpy as np
import pytest
from user_files import BLUE, CUBE, GREEN, QUAD, RED, corners, picture, read, texel, triangles, zipped

from perturber.errors import InvalidInputError
from perturber.objects import MorphPair

ROW = "".join(f"v {x} {y} 0\n" for x in range(4) for y in range(2)) + "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
"""Vertices of three squares in a row, seen from the front."""

GREYS = (204, 204, 204)
COLOURS = {"1 0 0": RED, "0 1 0": GREEN, "0 0 1": BLUE}


def row(*before: str) -> str:
    """Three squares, each after a line of its own."""
    squares = (f"f {2 * x + 1}/1 {2 * x + 3}/2 {2 * x + 4}/3 {2 * x + 2}/4\n" for x in range(3))
    return ROW + "".join(f"{line}\n{square}" for line, square in zip(before, squares, strict=True))


def library(*names: str) -> str:
    """A red, a green and a blue material."""
    return "".join(f"newmtl {name}\nKd {colour}\n" for name, colour in zip(names, COLOURS, strict=False))


def shown(pair: MorphPair) -> list[tuple[int, ...]]:
    """Colours of the three squares of a row, from left to right."""
    faces = triangles(pair)
    left = np.argsort(faces[..., 0].mean(1), kind="stable")
    seen = texel(pair, pair.uv[pair.faces].mean(1))[left]
    return [tuple(seen[len(seen) * i // 6][:3].tolist()) for i in (1, 3, 5)]


def said(pair: MorphPair) -> str:
    return " ".join(pair.notes)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "gbk", "shift_jis", "latin-1"]
)
def test_names_in_any_encoding_stay_different(encoding: str) -> None:
    names = {"shift_jis": ("赤", "表", "青"), "latin-1": ("rötlich", "grünlich", "blaß")}.get(
        encoding, ("红色", "绿色", "蓝色")
    )
    obj = "mtllib a.mtl\n" + row(*(f"usemtl {name}" for name in names))
    mtl = library(*names) + f"newmtl unused\nmap_Kd {names[0]}.png\n"
    pair = read({"a.obj": obj.encode(encoding), "a.mtl": mtl.encode(encoding)})
    assert shown(pair) == [RED, GREEN, BLUE]
    assert pair.notes == ()
    textured = (library(*names[:2]) + f"newmtl {names[2]}\nmap_Kd textures\\{names[1]}.png\n").encode(encoding)
    files = {f"{names[0]}.png": picture(RED), f"{names[1]}.png": picture((9, 8, 7))}
    pair = read({"a.obj": obj.encode(encoding), "a.mtl": textured, **files})
    assert shown(pair) == [RED, GREEN, (9, 8, 7)]
    assert pair.notes == (f"Not used: '{names[0]}.png'.",)


def test_files_in_a_zip_are_found_by_names_that_are_not_utf8() -> None:
    files = {"a.obj": "mtllib a.mtl\nusemtl m\n" + QUAD, "a.mtl": "newmtl m\nmap_Kd 红绿蓝.png\n"}
    content = zipped(
        {"123456.png": picture(RED), "b.png": picture(BLUE)} | {k: v.encode("gbk") for k, v in files.items()}
    )
    pair = read({"a.zip": content.replace(b"123456.png", "红绿蓝.png".encode("gbk"))})
    assert (pair.textures == RED).all()
    assert pair.notes == ("Not used: 'b.png'.",)


def test_names_match_across_encodings() -> None:
    names = ("红色", "绿色", "蓝色")
    obj = "mtllib a.mtl\n" + row(*(f"usemtl {name}" for name in names))
    assert shown(read({"a.obj": obj.encode("utf-16"), "a.mtl": library(*names).encode("gbk")})) == [RED, GREEN, BLUE]


def test_what_follows_a_hash_may_be_a_name_or_a_comment() -> None:
    obj = "# a comment \\\nmtllib #a.mtl\n" + row("usemtl #1 red", "usemtl #2 green", "usemtl blue # behind")
    mtl = "#newmtl no\n" + library("#1 red", "#2 green", "blue #as the sky") + "d 1.0 # opaque\n"
    pair = read({"a.obj": obj.replace("vt 0 0", "vt 0 0#x").replace("v 0 0 0", "v 0 0 0 # y"), "#a.mtl": mtl})
    assert shown(pair) == [RED, GREEN, BLUE]
    assert "'blue #as the sky' for 'blue # behind'" in said(pair)
    map_kd = 'newmtl m\nmap_Kd tex #2.png\nnewmtl n\nmap_Kd tex.png # the other\nnewmtl o\nmap_Kd "tex.png"\n'
    files = {"a.mtl": map_kd, "tex #2.png": picture(RED), "tex.png": picture(GREEN)}
    pair = read({"a.obj": "mtllib a.mtl\n" + row("usemtl m", "usemtl n", "usemtl o"), **files})
    assert shown(pair) == [RED, GREEN, GREEN]
    assert pair.notes == ()


def test_faces_without_a_known_material_have_the_only_one_or_it_is_said() -> None:
    only = read({"a.obj": row("mtllib a.mtl", "usemtl other", "usemtl m"), "a.mtl": library("m")})
    assert shown(only) == [RED] * 3
    assert "(1) take the only one there is, 'm'" in said(only)
    assert "('other') take the only one there is, 'm'" in said(only)
    several = read({"a.obj": row("mtllib a.mtl", "usemtl other", "usemtl n"), "a.mtl": library("m", "n")})
    assert shown(several) == [GREYS, GREYS, GREEN]
    assert "(1) are grey, as they could have any of 'm', 'n'" in said(several)
    assert "('other') are grey" in said(several)
    textured = read({"a.obj": QUAD, "a.mtl": "newmtl m\nmap_Kd t.png\n", "t.png": picture(BLUE), "bump.png": corners()})
    assert (textured.textures == BLUE).all()
    assert "It names no .mtl file, so those in 'a.mtl' are used." in said(textured)
    assert "Not used: 'bump.png'." in said(textured)
    nothing = read({"a.obj": row("mtllib gone.mtl", "usemtl m", "usemtl n")})
    assert nothing.notes == (
        "a.obj: The materials in 'gone.mtl' are not among the .mtl files given, so the colours and pictures of its "
        "materials are missing.",
    )
    assert "There is no material in 'a.mtl'." in said(read({"a.obj": row("usemtl m", "", ""), "a.mtl": b"\x00\xff"}))
    assert read({"a.obj": CUBE}).notes == ()


def test_names_that_differ_in_case_are_found_and_said() -> None:
    pair = read({"a.obj": row("usemtl Red", "usemtl green", "usemtl x  y"), "a.mtl": library("red", "green", "X y")})
    assert shown(pair) == [RED, GREEN, BLUE]
    assert "Materials are found under other names: 'red' for 'Red', 'X y' for 'x  y'." in said(pair)


@pytest.mark.parametrize(
    "statement",
    [
        "a.mtl b.mtl c d.mtl",
        '"c d.mtl" b.mtl a.mtl',
        "a.mtl  c d.mtl b.MTL # all",
        "a.mtl\nmtllib b.mtl\nmtllib ./c d.mtl",
    ],
)
def test_one_line_may_name_several_libraries_with_spaces_in_their_names(statement: str) -> None:
    obj = f"mtllib {statement}\n" + row("usemtl r", "usemtl g", "usemtl b")
    files = {"a.mtl": library("r"), "b.mtl": "newmtl g\nKd 0 1 0\n", "c d.mtl": "newmtl b\nKd 0 0 1\n"}
    pair = read({"a.obj": obj, **files})
    assert shown(pair) == [RED, GREEN, BLUE]
    assert pair.notes == ()
    pair = read({"a.obj": obj, **dict(list(files.items())[:2]), "other.mtl": "newmtl r\nKd 1 1 1\n"})
    assert shown(pair) == [RED, GREEN, GREYS]
    assert "The materials in 'c d.mtl' are not among the .mtl files given." in said(pair)
    assert "No object names 'other.mtl'" in said(pair)


@pytest.mark.parametrize(
    ("options", "scale", "offset"),
    [
        ("-s 4 4 1", (4, 4), (0, 0)),
        ("-s 2", (2, 1), (0, 0)),
        ("-o 0.5 0 0", (1, 1), (0.5, 0)),
        ("-o 0.25 0.5 -blendu on -s 3 -2 -clamp off", (3, -2), (0.25, 0.5)),
        ("-unknown -s 2 2 2", (1, 1), (0, 0)),
    ],
)
def test_pictures_are_scaled_and_moved_as_the_material_says(
    options: str, scale: tuple[float, float], offset: tuple[float, float]
) -> None:
    mtl = f"newmtl m\nmap_Kd {options} my tex.png\n"
    pair = read({"a.obj": "mtllib a.mtl\nusemtl m\n" + QUAD, "a.mtl": mtl, "my tex.png": corners(256)})
    for place in np.random.default_rng(0).uniform(0.02, 0.98, (200, 2)):
        u, v = (place * scale + offset) % 1
        if min(abs(u - 0.5), abs(v - 0.5), u, v, 1 - u, 1 - v) < 0.02:
            continue
        expected = [[RED, GREEN], [BLUE, (255, 255, 0)]][int(v < 0.5)][int(u > 0.5)]
        np.testing.assert_allclose(seen_at(pair, place), expected, atol=8)


def seen_at(pair: MorphPair, place: np.ndarray) -> np.ndarray:
    """What a square shows at a place (u, v) between its corners."""
    for triangle in pair.faces:
        corners_ = pair.positions[0][triangle][:, :2]
        low, size = pair.positions[0].min(0)[:2], np.ptp(pair.positions[0], axis=0)[:2]
        weights = np.linalg.solve(np.vstack((corners_.T, np.ones(3))), [*(low + place * size), 1])
        if weights.min() >= 0:
            return texel(pair, weights @ pair.uv[triangle])
    raise AssertionError(place)


def test_a_clamped_picture_goes_on_as_its_edge() -> None:
    files = {"a.mtl": "newmtl m\nmap_Kd -clamp on -s 3 3 -o -1 -1 t.png\n", "t.png": corners(256)}
    pair = read({"a.obj": "mtllib a.mtl\nusemtl m\n" + QUAD, **files})
    for place, colour in {(0.1, 0.9): RED, (0.4, 0.1): BLUE, (0.9, 0.6): GREEN, (0.4, 0.6): RED}.items():
        np.testing.assert_allclose(seen_at(pair, np.array(place)), colour, atol=8)


def test_numbers_that_nothing_needs_may_be_none() -> None:
    sound = QUAD.replace("f", "vn 0 0 1\nf").replace("/1 ", "/1/1 ").replace("/4", "/4/1")
    reference = read({"a.obj": sound})
    broken = sound.replace("vn", "v nan nan nan\nv 1\nv\nvn").replace("vn", "vn x y z\nvn 0 inf 1\nvn 0 0\nvn")
    pair = read({"a.obj": broken})
    np.testing.assert_array_equal(pair.positions, reference.positions)
    np.testing.assert_array_equal(pair.normals, reference.normals)
    np.testing.assert_array_equal(pair.uv, reference.uv)
    assert "Vertices that are not three numbers (3)" in said(pair)
    assert "Normals that are not numbers (3)" in said(pair)
    for vt in ("vt nan nan", "vt text", "vt"):
        pair = read({"a.obj": sound.replace("vt 0 0", vt), "a.png": corners()})
        assert np.isfinite(pair.uv).all()
        assert "Texture coordinates that are not numbers (1)" in said(pair)
    pair = read({"a.obj": QUAD.replace("2/2", "2/77").replace("3/3", "3/-9")})
    assert "Faces ask for texture coordinates that are not there (2 corners)" in said(pair)


def test_faces_without_three_corners_are_counted_and_left_out() -> None:
    reference = read({"a.obj": CUBE})
    more = "f 1 2\nf 1\nf\nf 3 3 3\nf 1 2 1\nfo 4 5 5 4\n"
    pair = read({"a.obj": CUBE.replace("f 5 6 7 8", "f 5 6 6 7 8 5") + more + "l 1 2\np 1 2\np 3\n"})
    np.testing.assert_array_equal(pair.positions, reference.positions)
    np.testing.assert_array_equal(pair.faces, reference.faces)
    assert "Faces of fewer than three different corners (6) are left out." in said(pair)
    assert "Faces that name a corner twice in a row (1)" in said(pair)
    assert "lines (1)" in said(pair)
    assert "points (2)" in said(pair)


def test_vertices_without_a_colour_show_their_material() -> None:
    obj = "mtllib a.mtl\n" + row("usemtl r", "usemtl g", "usemtl b")
    lines = [
        f"{line} 0 0 1" if i > 3 and line.startswith("v ") else line for i, line in enumerate(obj.splitlines(), -1)
    ]
    pair = read({"a.obj": "\n".join(lines), "a.mtl": library("r", "g", "b")})
    assert shown(pair)[0] == RED
    assert shown(pair)[2] == BLUE
    assert "Vertices without a colour of their own (4 of 8)" in said(pair)
    negative = read({"a.obj": "\n".join(lines).replace(" 0 0 1", " 0 0 -1")})
    assert "so it is no colour" in said(negative)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("tex.tga", "tex.png"),
        ("TEX.png", "tex.PNG"),
        ("tex", "tex.jpg"),
        ("tex.dds", "Tex.png"),
        ("a/tex.png", "b.png"),
    ],
)
def test_a_picture_of_another_ending_or_case_is_found_and_said(asked: str, given: str) -> None:
    files = {"a.mtl": f"newmtl m\nmap_Kd {asked}\n", given: picture(BLUE), "tex_normal.dds": b"x"}
    pair = read({"a.obj": "mtllib a.mtl\nusemtl m\n" + QUAD, **files})
    np.testing.assert_allclose(pair.textures[0].mean((0, 1)), BLUE, atol=2)
    assert f"{given!r} for {asked.split('/')[-1]!r}" in said(pair)
    assert "Left out, in formats that are not read: 'tex_normal.dds'." in said(pair)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"tex.dds": b"DDS "}, "'tex.dds', which is in a format that cannot be read. Add it as PNG"),
        ({}, "'tex.dds', which was not given and is in a format that cannot be read"),
        ({"x.png": corners(), "y.png": corners()}, "'tex.dds', which was not given"),
    ],
)
def test_a_picture_that_cannot_be_read_is_named(files: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        read({"a.obj": "mtllib a.mtl\nusemtl m\n" + QUAD, "a.mtl": "newmtl m\nmap_Kd tex.dds\n", **files})


def test_a_texture_chosen_by_the_user_is_named_if_it_cannot_be_read() -> None:
    with pytest.raises(InvalidInputError, match=r"'t.dds' is in a format that cannot be read; \.png"):
        read({"a.obj": QUAD, "t.dds": b"DDS "}, texture="t.dds")


def test_only_materials_in_use_need_their_pictures() -> None:
    mtl = library("r", "g", "b") + "newmtl unused\nmap_Kd gone.png\nmap_d gone too.png\n"
    pair = read({"a.obj": "mtllib a.mtl\n" + row("usemtl r", "usemtl g", "usemtl b"), "a.mtl": mtl})
    assert shown(pair) == [RED, GREEN, BLUE]
    assert pair.notes == ()


@pytest.mark.parametrize(
    ("statement", "colour", "sentence"),
    [
        ("Kd 1 x 0", GREYS, "Colours that are not three numbers are left out, of: 'm'."),
        ("Kd 2 0 -1", RED, "Colours are cut off at 0 and 1, of: 'm'."),
        ("Kd 0 0 0\nKe 0 1 0", GREEN, "What emits light and has no colour else has that of the light: 'm'."),
        ("Ke 0 0 1", BLUE, "What emits light and has no colour else has that of the light: 'm'."),
        ("Kd 1 0 0\nd 0", RED, "An opacity of 0 would hide everything, so these are opaque: 'm'."),
        ("Kd 1 0 0\nTr 0.25", (*RED, 191), ""),
        ("Kd 1 0 0\nd 0.5 # half\nTr 0", (*RED, 128), ""),
        (
            "Kd 1 0 0\nmap_d gone.png",
            RED,
            "Pictures of opacity are left out that were not given or cannot be read: 'gone.png'.",
        ),
        ("map_Kd -mm 0.2 1 t.png", BLUE, "The texture option -mm is left out, in: 'm'."),
        (
            "map_Kd -s 2 2 t.png\nmap_d white.png",
            BLUE,
            "The picture of opacity is laid on as that of colour is, in: 'm'.",
        ),
    ],
)
def test_what_a_material_says_is_shown_or_said(statement: str, colour: tuple[int, ...], sentence: str) -> None:
    files = {"a.mtl": f"newmtl m\n{statement}\n", "t.png": picture(BLUE), "white.png": picture((255,) * 3)}
    files = {name: content for name, content in files.items() if name == "a.mtl" or name in statement}
    pair = read({"a.obj": "mtllib a.mtl\nusemtl m\n" + QUAD, **files})
    np.testing.assert_allclose(pair.textures[0, 9, 9][: len(colour)], colour, atol=1)
    assert sentence in said(pair)
    assert bool(pair.notes) == bool(sentence)


def test_a_picture_laid_over_colours_is_said() -> None:
    pair = read({"a.obj": "mtllib a.mtl\nusemtl r\n" + QUAD, "a.mtl": library("r", "g"), "t.png": picture(BLUE)})
    assert (pair.textures == BLUE).all()
    assert "No material has a picture, so 't.png' is laid on all" in said(pair)
