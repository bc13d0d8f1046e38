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
