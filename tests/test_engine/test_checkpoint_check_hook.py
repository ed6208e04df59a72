"""A checkpoint of another network or of other images is an error."""

from types import SimpleNamespace

import pytest
import torch
from fault_training import tiny_config, train
from mmengine.config import Config
from mmengine.runner import BaseLoop, Runner
from torch.utils.data import DataLoader

from fdep_mm.core.checkpoints import read_checkpoint
from fdep_mm.engine import CheckpointCheckHook


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    train(tiny_config(folder, epochs=1))
    return folder / 'epoch_1.pth'


def resume(cfg: Config, path) -> None:
    cfg.load_from = str(path)
    train(cfg, resume=True)


def edited(trained, tmp_path, edit) -> str:
    checkpoint = read_checkpoint(trained)
    edit(checkpoint)
    path = tmp_path / 'edited.pth'
    torch.save(checkpoint, path)
    return str(path)


def test_another_host_is_not_tested(trained, tmp_path, repo):
    cfg = tiny_config(tmp_path)
    (other,) = (repo / 'configs/alcnet').glob('alcnet_*synthetic*.py')
    cfg.model.backbone = Config.fromfile(other).model.backbone
    cfg.load_from = str(trained)
    with pytest.raises(ValueError, match='not in it, such as') as error:
        Runner.from_cfg(cfg).test()
    assert str(trained) in str(error.value)
    assert 'Name the config' in str(error.value)


def test_other_widths_and_missing_weights(trained, tmp_path):
    def narrow(checkpoint):
        state = checkpoint['state_dict']
        key = next(key for key, value in state.items() if value.ndim == 4)
        state[key] = state[key][:1]

    cfg = tiny_config(tmp_path)
    cfg.load_from = edited(trained, tmp_path, narrow)
    for run in (Runner.test, Runner.train):
        with pytest.raises(ValueError, match='1 weights have another shape'):
            run(Runner.from_cfg(cfg))


def test_weights_that_only_training_needs_may_be_there_or_not(
    trained, tmp_path
):
    def add_samf(checkpoint):
        checkpoint['state_dict']['samf.weight'] = torch.zeros(1)

    path = edited(trained, tmp_path, add_samf)
    cfg = tiny_config(tmp_path)
    cfg.load_from = path
    Runner.from_cfg(cfg).test()
    with pytest.raises(ValueError, match="such as 'samf.weight'"):
        resume(tiny_config(tmp_path), path)


def test_a_backbone_alone_starts_a_training_but_nothing_does_not(
    trained, tmp_path
):
    def keep(part):
        def edit(checkpoint):
            checkpoint['state_dict'] = {
                key: value
                for key, value in checkpoint['state_dict'].items()
                if key.startswith(part)
            }

        return edit

    cfg = tiny_config(tmp_path, epochs=1)
    cfg.load_from = edited(trained, tmp_path, keep('backbone.'))
    train(cfg)
    cfg.load_from = edited(trained, tmp_path, keep('nothing'))
    with pytest.raises(ValueError, match='not in it'):
        train(cfg)


class Loop(BaseLoop):
    """Over four numbers."""

    def __init__(self) -> None:
        self.dataloader = DataLoader(range(4))

    def run(self) -> None:
        pass


def fake_runner(**record):
    model = torch.nn.Linear(1, 1)
    model.vfm = SimpleNamespace(
        out_indices=(2,),
        record=dict(model_name='vit', norm=True, weights="timm's") | record,
    )
    return SimpleNamespace(
        model=model,
        cfg={},
        _train_loop=Loop(),
        _val_loop=None,
        _resume=True,
        _load_from='last.pth',
        param_schedulers=None,
    )


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        (dict(model_name='vit_of_the_same_width'), "'vit' in the last run"),
        (dict(norm=False), 'norm True in the last run, False now'),
        (dict(weights='file other.pth'), "'file other.pth' now"),
        (dict(input_scale=2.0), 'input_scale 1.0 in the last run, 2.0 now'),
        (dict(weights_sha256='b'), "weights_sha256 'a' in the last run"),
    ],
)
def test_another_vfm(change, text):
    hook = CheckpointCheckHook()
    before = fake_runner(input_scale=1.0, weights_sha256='a')
    checkpoint = dict(meta={}, state_dict=before.model.state_dict())
    hook.before_save_checkpoint(before, checkpoint)
    hook.after_load_checkpoint(before, checkpoint)
    # what only a cache knows is not compared
    hook.after_load_checkpoint(fake_runner(seed=None), checkpoint)
    with pytest.raises(ValueError, match='it had another VFM') as error:
        hook.after_load_checkpoint(fake_runner(**change), checkpoint)
    assert text in str(error.value)
    other = fake_runner()
    other.model.vfm.out_indices = (3,)
    with pytest.raises(ValueError, match=r'layers \[2\] in the last run'):
        hook.after_load_checkpoint(other, checkpoint)


@pytest.mark.parametrize('name', ['train', 'val'])
def test_a_split_that_shrinks(trained, tmp_path, name):
    cfg = tiny_config(tmp_path)
    cfg[f'{name}_dataloader'].dataset.num_images = 3
    with pytest.raises(ValueError, match='4 then, 3 now') as error:
        resume(cfg, trained)
    kind = dict(train='training', val='validation')[name]
    assert f'the {kind} images' in str(error.value)
    cfg.default_hooks.checkpoint_check.changed_data = 'warn'
    cfg.train_cfg.max_epochs = 1  # nothing left to train
    resume(cfg, trained)
    logs = ''.join(path.read_text() for path in tmp_path.rglob('*.log'))
    assert '4 then, 3 now. Scores' in logs


@pytest.mark.parametrize('same', [True, False])
def test_weights_trained_on_other_values_are_told(trained, tmp_path, same):
    cfg = tiny_config(tmp_path)
    settings = Config(cfg.to_dict()).pretty_text
    if not same:
        cfg.model.data_preprocessor.mean = [1.0, 2, 3]
    cfg.load_from = edited(
        trained, tmp_path, lambda one: one['meta'].update(cfg=settings)
    )
    Runner.from_cfg(cfg).test()
    logs = ''.join(path.read_text() for path in tmp_path.rglob('*.log'))
    assert ('other values than it knows' in logs) is not same
    assert ("'mean': [1.0, 2.0, 3.0]" in logs) is not same


def test_images_of_other_names(trained, tmp_path):
    cfg = tiny_config(tmp_path)
    cfg.val_dataloader.dataset.seed = 1
    with pytest.raises(ValueError, match='with other names'):
        resume(cfg, trained)


def test_an_unknown_way_with_changed_data():
    with pytest.raises(ValueError, match="changed_data='ignore': give one of"):
        CheckpointCheckHook(changed_data='ignore')
