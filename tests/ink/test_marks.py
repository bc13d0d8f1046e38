"""Marks are the same wherever they are looked for."""

import cv2
import numpy as np
import pytest

from mnist_transformer.ink.marks import _connected


@pytest.mark.parametrize("left", [0, 1, 6, 7])
@pytest.mark.parametrize("top", [0, 1, 4, 5])
def test_marks_that_are_looked_for_in_a_part_alone_have_the_numbers_of_the_whole(left, top):
    mask = np.zeros((60, 90), np.uint8)
    part = mask[top:-3, left:-4]
    part[np.random.default_rng(0).random(part.shape) < 0.1] = 255
    count, labels, boxes, areas = _connected(mask)
    expected_count, expected, stats, _ = cv2.connectedComponentsWithStats(mask)
    assert count == expected_count > 100
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(boxes[1:, :2], stats[1:, :2])
    np.testing.assert_array_equal(boxes[1:, 2:] - boxes[1:, :2], stats[1:, 2:4])
    np.testing.assert_array_equal(areas[1:], stats[1:, 4])


@pytest.mark.parametrize("missing", [0, 1])
def test_marks_are_numbered_whether_16_bits_suffice_or_just_do_not(missing):
    mask = np.zeros((509, 513), np.uint8)
    mask[::2, ::2] = 255  # 65,535 marks of a pixel
    mask[-1, -1] = 0 if missing else 255
    count, labels, _, areas = _connected(mask)
    assert count == 65_536 - missing == labels.max() + 1
    assert labels.itemsize == (2 if missing else 4)
    assert (areas[1:] == 1).all()
