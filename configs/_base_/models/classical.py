# A child names the method. No normalization, no padding: gray levels 0..255.
# Without a data_preprocessor here MMEngine would take that of the data set.
model = dict(
    type='fdep_mm.ClassicalSegmentor',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        bgr_to_rgb=True,
        test_cfg=dict(size_divisor=1),
    ),
)
# Ranking counts, not the threshold; 0.1 is what the published rows are near.
nocoap = dict(type='fdep_mm.NoCoAPMetric', threshold=0.1)
