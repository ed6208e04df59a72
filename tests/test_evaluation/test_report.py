"""What is stored can be read again."""

import math

import numpy as np
import pytest
from naive_evaluation import random_images

from fdep_mm.evaluation.functional import (
    EvalProtocol,
    count_image,
    read_json,
    reduce_records,
    write_json,
)


@pytest.mark.parametrize('tolerances', [(1, 2, 3), ()])
def test_scores_and_curves_come_back(tmp_path, tolerances):
    protocol = EvalProtocol(7, tolerances)
    pairs = zip(*random_images(np.random.default_rng(0), 3), strict=True)
    records = [count_image(*pair, protocol, '') for pair in pairs]
    scores, curves = reduce_records(records, protocol)
    path = tmp_path / 'scores.json'
    write_json(path, scores, curves, protocol.settings())
    read_scores, read_curves, settings = read_json(path)
    assert settings['match'] == 'greedy' and settings['empty'] == 'one'
    assert math.isnan(scores['HSE']) == (not tolerances)
    np.testing.assert_equal(read_scores, scores)
    assert read_curves.keys() == curves.keys()
    for key, value in curves.items():
        np.testing.assert_array_equal(read_curves[key], value)


@pytest.mark.parametrize(
    'text',
    [
        'nonsense',
        '[]',
        '{"scores": {"HSE": "a"}}',
        '{"scores": {}, "curves": {"thresholds": [0.5]}, "settings": {}}',
        '{"scores": {}, "settings": {}, "curves": {"thresholds": [0.5], '
        '"F1": [[1]], "IoU": [1], "nIoU": [1], "Pd": [1], "Fa": [1], '
        '"TPR": [1], "FPR": [1]}}',
    ],
)
def test_other_files(tmp_path, text):
    path = tmp_path / 'other.json'
    path.write_text(text)
    with pytest.raises(ValueError, match='other.json: not a file of scores'):
        read_json(path)
