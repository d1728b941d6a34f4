"""Face geometry against other definitions, and the whole way on small ONNX networks whose outputs are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import affine_transform

from mimetic2.embedding import get_embedder
from mimetic2.embedding.alignment import SIZE, TEMPLATE, similarity_transform, warp
from mimetic2.embedding.base import identity_of
from mimetic2.embedding.scrfd import Faces, decode, detect, letterbox, suppress
from mimetic2.errors import InputError, MissingRequirement

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SIDE = 160
"""Side of the small detector's square."""
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255)]


# The similarity transform and the warp


def by_least_squares(source, target):
    """The same transform as a linear problem: x' = ax - by + c, y' = bx + ay + d."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        wanted += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    return np.array([[a, -b, c], [b, a, d]])


@given(st.integers(0, 10**6), st.floats(0.05, 20), st.floats(-np.pi, np.pi), st.floats(0, 5))
def test_the_transform_is_the_least_squares_one(seed, scale, angle, noise):
    rng = np.random.default_rng(seed)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = (TEMPLATE - 50) / scale @ turn + rng.normal(0, noise / scale, (5, 2)) + rng.uniform(-500, 500, 2)
    found = similarity_transform(source, TEMPLATE)
    np.testing.assert_allclose(found, by_least_squares(source, TEMPLATE), rtol=1e-6, atol=1e-6 * max(scale, 1))


def test_mirrored_landmarks_are_not_mirrored_back():
    mirrored = TEMPLATE * [-1, 1] + [112, 0]
    found = similarity_transform(mirrored, TEMPLATE)
    assert np.linalg.det(found[:, :2]) > 0
    np.testing.assert_allclose(found, by_least_squares(mirrored, TEMPLATE), atol=1e-9)


def test_one_point_has_no_transform():
    assert similarity_transform(np.full((5, 2), 7.0), TEMPLATE) is None


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_the_warp_is_scipys(scale):
    picture = np.random.default_rng(2).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    angle = 0.5
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    transform = np.column_stack([linear, [30.0, -10.5]])
    back = np.linalg.inv(np.vstack([transform, [0, 0, 1]]))
    swap = [1, 0, 2]  # scipy speaks of rows and columns
    matrix = back[np.ix_(swap, swap)]
    expected = np.dstack(
        [
            affine_transform(channel.astype(float), matrix, output_shape=(SIZE, SIZE), order=1, mode="grid-constant")
            for channel in np.moveaxis(picture, 2, 0)
        ]
    )
    assert np.abs(warp(picture, transform).astype(float) - expected).max() <= 0.5 + 1e-6


# Decoding and suppressing


def encoded(faces, size, strides=(8, 16, 32), anchors=2):
    """The outputs of a network that sees exactly these faces: (level, row, column, anchor, box, points, score)."""
    outputs = []
    for kind, width in (("score", 1), ("box", 4), ("points", 10)):
        for level, stride in enumerate(strides):
            grid = np.zeros((size // stride, size // stride, anchors, width), np.float32)
            for at, row, column, anchor, box, points, score in faces:
                if at != level:
                    continue
                x, y = column * stride, row * stride
                values = {
                    "score": [score],
                    "box": [x - box[0], y - box[1], box[2] - x, box[3] - y],
                    "points": [value - (x, y)[place % 2] for place, value in enumerate(np.ravel(points))],
                }[kind]
                grid[row, column, anchor] = values if kind == "score" else np.array(values) / stride
            outputs.append(grid.reshape(-1, width))
    return outputs


@st.composite
def scenes(draw):
    levels, anchors, size = draw(st.sampled_from([((8, 16, 32), 2, 96), ((8, 16, 32, 64, 128), 1, 128)]))
    seed = np.random.default_rng(draw(st.integers(0, 10**6)))
    cells = draw(
        st.lists(
            st.tuples(
                st.integers(0, len(levels) - 1), st.floats(0, 0.99), st.floats(0, 0.99), st.integers(0, anchors - 1)
            ),
            max_size=6,
        )
    )
    faces = {}
    for level, down, right, anchor in cells:
        side = size // levels[level]
        place = (level, int(down * side), int(right * side), anchor)
        corner, extent = seed.uniform(0, size, 2), seed.uniform(1, size, 2)
        points = seed.uniform(0, size, (5, 2))
        faces[place] = (*place, [*corner, *(corner + extent)], points, float(np.float32(seed.uniform(0.4, 1))))
    return levels, anchors, size, list(faces.values())


@given(scenes())
@settings(max_examples=50)
def test_faces_come_out_as_they_were_encoded(scene):
    levels, anchors, size, faces = scene
    found = decode(encoded(faces, size, levels, anchors), size)
    expected = sorted((face for face in faces if face[-1] > 0.5), key=lambda face: -face[-1])
    assert len(found.scores) == len(expected)
    for row, (*_, box, points, score) in enumerate(expected):
        np.testing.assert_allclose(found.boxes[row], box, atol=1e-3)
        np.testing.assert_allclose(found.points[row], points, atol=1e-3)
        assert found.scores[row] == pytest.approx(score)


def overlap(one, other):
    wide = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (sum(areas) - wide * high)


@given(st.integers(0, 10**6), st.integers(0, 12))
def test_suppression_keeps_the_best_of_every_heap(seed, number):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 20, (number, 2))
    boxes = np.hstack([corners, corners + rng.uniform(5, 20, (number, 2))])
    faces = Faces(boxes, -np.sort(-rng.uniform(0.5, 1, number)), rng.uniform(0, 9, (number, 5, 2)))
    kept = []
    for row in range(number):
        if all(overlap(boxes[row], boxes[better]) <= 0.4 for better in kept):
            kept.append(row)
    np.testing.assert_array_equal(suppress(faces).points, faces.points[kept])


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (40, 40), (1000, 3)])
def test_letterbox_fits_and_tells_its_scales(size):
    picture = Image.new("RGB", size, "white")
    pixels, scale = letterbox(picture, SIDE)
    width, height = scale * size
    assert pixels.shape == (SIDE, SIDE, 3)
    assert max(width, height) == SIDE
    seen = pixels.any(2)
    assert seen[: round(height), : round(width)].all()
    assert seen.sum() == round(width) * round(height)


# The whole way


def save_detector(path, faces, side=SIDE):
    """A network that finds these faces, with scores times the red of its input's first pixel."""
    from onnx import TensorProto, helper, numpy_helper

    constants = [numpy_helper.from_array(value, f"c{place}") for place, value in enumerate(encoded(faces, side))]
    for name, value in (("start", [0, 0, 0, 0]), ("stop", [1, 1, 1, 1])):
        constants.append(numpy_helper.from_array(np.array(value, np.int64), name))
    constants.append(numpy_helper.from_array(np.array([1, 1], np.int64), "flat"))
    nodes = [
        helper.make_node("Slice", ["pixels", "start", "stop"], ["corner"]),
        helper.make_node("Reshape", ["corner", "flat"], ["red"]),
        *(helper.make_node("Mul", [f"c{place}", "red"], [f"o{place}"]) for place in range(3)),
        *(helper.make_node("Identity", [f"c{place}"], [f"o{place}"]) for place in range(3, 9)),
    ]
    outputs = [
        helper.make_tensor_value_info(f"o{place}", TensorProto.FLOAT, list(constants[place].dims)) for place in range(9)
    ]
    save(path, nodes, [1, 3, side, side], outputs, constants)


def save_recogniser(path, normalises=False, side=SIZE):
    """A network that gives the means of 8 x 8 squares: 3 x 14 x 14 numbers."""
    from onnx import TensorProto, helper, numpy_helper

    constants, nodes, entry = [numpy_helper.from_array(np.array([1, -1], np.int64), "shape")], [], "pixels"
    if normalises:
        constants += [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in (("m", 127.5), ("s", 1 / 127.5))]
        nodes = [helper.make_node("Sub", ["pixels", "m"], ["d"]), helper.make_node("Mul", ["d", "s"], ["n"])]
        entry = "n"
    nodes += [
        helper.make_node("AveragePool", [entry], ["mean"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Reshape", ["mean", "shape"], ["vector"]),
    ]
    width = 3 * (side // 8) ** 2
    save(
        path,
        nodes,
        [1, 3, side, side],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, width])],
        constants,
    )


def save(path, nodes, shape, outputs, constants):
    from onnx import TensorProto, helper

    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "net", [pixels], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def placed(angle, scale, shift):
    """The template turned, scaled and moved: where a picture's landmarks are."""
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (TEMPLATE - 56) @ turn.T + shift


def face_at(points, factor, level=1, score=0.9, cell=(3, 4)):
    """The encoding of a face whose landmarks are ``points`` in the picture, seen at ``factor``."""
    seen = points * factor
    box = [*(seen.min(0) - 10), *(seen.max(0) + 10)]
    return (level, *cell, 0, box, seen, score)


def drawn(points, radius, size=(320, 240), corner=(255, 0, 0)):
    """A picture with a coloured disc at each landmark; its first pixel turns the detector on or off."""
    pixels = np.full((size[1], size[0], 3), 40.0)
    pixels[:8, :8] = corner
    rows, columns = np.mgrid[: size[1], : size[0]]
    for (x, y), colour in zip(points, COLOURS, strict=True):
        covered = np.clip(radius + 0.5 - np.hypot(columns - x, rows - y), 0, 1)[..., None]
        pixels = pixels * (1 - covered) + covered * colour
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


@pytest.mark.parametrize(("angle", "scale"), [(0, 1.0), (0.6, 1.3), (-2.5, 0.9)])
def test_drawn_landmarks_land_on_the_template(tmp_path, angle, scale):
    points = placed(angle, scale, (180, 120))
    picture = drawn(points, 6 * scale)
    save_detector(tmp_path / "det.onnx", [face_at(points, SIDE / 320)])
    save_recogniser(tmp_path / "rec.onnx")
    face, reason = get_embedder("arcface-onnx", tmp_path)._face(picture)
    assert reason is None
    assert face.shape == (SIZE, SIZE, 3)
    known = np.array([(40, 40, 40), *COLOURS], float)
    nearest = np.argmin(np.linalg.norm(face[:, :, None] - known, axis=3), axis=2)
    for place in range(5):
        rows, columns = np.nonzero(nearest == place + 1)
        np.testing.assert_allclose([columns.mean(), rows.mean()], TEMPLATE[place], atol=0.2)


@pytest.mark.parametrize("normalises", [False, True])
def test_vectors_are_those_of_the_known_networks(tmp_path, normalises, capsys):
    points = placed(0.2, 1.1, (170, 130))
    picture = drawn(points, 8)
    save_detector(tmp_path / "det.onnx", [face_at(points, SIDE / 320)])
    save_recogniser(tmp_path / "rec.onnx", normalises)
    embedder = get_embedder("arcface-onnx", tmp_path)
    assert "non-commercial research only" in capsys.readouterr().err
    vectors, reasons = embedder.embed([picture, drawn(points, 8, corner=(0, 0, 255)), picture])
    aligned = warp(np.asarray(picture), by_least_squares(points, TEMPLATE)).astype(float)
    means = ((aligned - 127.5) / 127.5).reshape(14, 8, 14, 8, 3).mean((1, 3)).transpose(2, 0, 1).ravel()
    assert reasons == [None, "no face found", None]
    assert vectors.shape == (3, embedder.dim) == (3, 588)
    np.testing.assert_allclose(vectors[0], means / np.linalg.norm(means), atol=2e-4)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert np.isnan(vectors[1]).all()


def test_the_detector_sees_red_first_and_values_from_minus_one_to_one(tmp_path):
    from mimetic2.embedding.onnx_models import open_model

    points = placed(0, 1, (170, 130))
    save_detector(tmp_path / "det.onnx", [face_at(points, SIDE / 320, score=1)])
    run = open_model(tmp_path / "det.onnx", ["CPUExecutionProvider"])
    for red, score in ((255, 127.5 / 128), (200, 72.5 / 128)):
        found = detect(run, drawn(points, 3, corner=(red, 9, 99)), SIDE)
        assert found.scores.tolist() == pytest.approx([score])
        np.testing.assert_allclose(found.points[0], points, atol=1e-3)


def test_face_rules(tmp_path):
    near, far = placed(0, 1.2, (230, 120)), placed(0, 0.5, (80, 120))
    picture = drawn(near, 6)
    save_detector(
        tmp_path / "det.onnx",
        [face_at(far, SIDE / 320, score=0.95, cell=(1, 1)), face_at(near, SIDE / 320, score=0.8, cell=(5, 5))],
    )
    save_recogniser(tmp_path / "rec.onnx")
    largest, one = get_embedder("arcface-onnx", tmp_path), get_embedder("arcface-onnx", tmp_path, faces="one")
    vectors, reasons = largest.embed([picture])
    assert reasons == [None]
    aligned = warp(np.asarray(picture), by_least_squares(near, TEMPLATE)).astype(float)
    means = ((aligned - 127.5) / 127.5).reshape(14, 8, 14, 8, 3).mean((1, 3)).transpose(2, 0, 1).ravel()
    assert vectors[0] @ means / np.linalg.norm(means) > 0.999
    assert one.embed([picture])[1] == ["several faces"]
    every, reasons = one.embed_faces([picture, drawn(near, 6, corner=(0, 0, 0))])
    assert [len(each) for each in every] == [2, 0]
    assert reasons == [None, "no face found"]
    np.testing.assert_array_equal(every[0][0], vectors[0])
    assert identity_of(one) != identity_of(largest)
    with pytest.raises(InputError, match="largest, one"):
        get_embedder("arcface-onnx", tmp_path, faces="all")


def test_landmarks_in_one_point_are_a_reason(tmp_path):
    save_detector(tmp_path / "det.onnx", [face_at(np.full((5, 2), 150.0), SIDE / 320)])
    save_recogniser(tmp_path / "rec.onnx")
    assert get_embedder("arcface-onnx", tmp_path).embed([drawn(TEMPLATE, 4)])[1] == ["landmarks in one point"]


def test_other_networks_of_a_pack_are_passed_over(tmp_path):
    points = placed(0, 1, (170, 130))
    save_detector(tmp_path / "det.onnx", [face_at(points, SIDE / 320)])
    save_recogniser(tmp_path / "rec.onnx")
    save_recogniser(tmp_path / "age.onnx", side=96)
    save_recogniser(tmp_path / "landmarks.onnx", side=192)
    embedder = get_embedder("arcface-onnx", tmp_path)
    assert embedder._recogniser.path.name == "rec.onnx"
    first = embedder.weights_sha256
    save_detector(tmp_path / "det.onnx", [face_at(points, SIDE / 321)])
    assert get_embedder("arcface-onnx", tmp_path).weights_sha256 != first


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda folder: None, InputError, "no such folder"),
        (lambda folder: folder.touch(), InputError, "is a file"),
        (lambda folder: folder.mkdir(), InputError, "holds no detector"),
        (lambda folder: (folder.mkdir(), (folder / "a.onnx").write_text("text")), InputError, "no ONNX file"),
        (lambda folder: (folder.mkdir(), save_detector(folder / "a.onnx", [])), InputError, "holds no recogniser"),
        (
            lambda folder: (folder.mkdir(), *(save_detector(folder / f"{name}.onnx", []) for name in "ab")),
            InputError,
            r"2 networks that can be the detector \(a\.onnx, b\.onnx\)",
        ),
    ],
)
def test_folders_that_hold_no_pair(tmp_path, make, kind, message):
    make(tmp_path / "x")
    with pytest.raises(kind, match=message):
        get_embedder("arcface-onnx", tmp_path / "x")


def test_it_comes_without_weights():
    with pytest.raises(MissingRequirement, match="comes without weights: name them"):
        get_embedder("arcface-onnx")


@pytest.mark.parametrize(("device", "kind"), [("tpu", InputError), ("cpu:1", InputError), ("cuda", MissingRequirement)])
def test_devices(tmp_path, device, kind):
    save_detector(tmp_path / "det.onnx", [])
    save_recogniser(tmp_path / "rec.onnx")
    with pytest.raises(kind, match="device"):
        get_embedder("arcface-onnx", tmp_path, device=device)


def test_a_gpu_is_taken_if_there_is_one_and_its_absence_is_said(tmp_path, monkeypatch):
    from mimetic2.embedding.onnx_models import open_model, providers_for

    assert providers_for(None) == ["CPUExecutionProvider"]
    found = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: found)
    assert providers_for(None) == [("CUDAExecutionProvider", {"device_id": 0})]
    assert providers_for("cuda:2") == [("CUDAExecutionProvider", {"device_id": 2})]
    assert providers_for("cpu") == ["CPUExecutionProvider"]
    save_recogniser(tmp_path / "rec.onnx")
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda path, settings, providers: FellBack())
    with pytest.raises(MissingRequirement, match="cannot use the GPU here"):
        open_model(tmp_path / "rec.onnx", providers_for(None))


class FellBack:
    """A session that was asked for a GPU and runs on the CPU."""

    def get_providers(self):
        return ["CPUExecutionProvider"]
