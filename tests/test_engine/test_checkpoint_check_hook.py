"""A checkpoint of another network or of other images is an error."""

import pytest
import torch
from fault_training import tiny_config, train
from mmengine.config import Config
from mmengine.runner import Runner

from fdep_mm.checkpoints import read_checkpoint


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
    with pytest.raises(ValueError, match='such as samf.weight'):
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


def test_another_vfm(trained, tmp_path):
    def rename(checkpoint):
        checkpoint['meta']['vfm'] = 'vit_of_the_same_width, layers [2]'

    path = edited(trained, tmp_path, rename)
    with pytest.raises(ValueError, match='vit_of_the_same_width'):
        resume(tiny_config(tmp_path), path)


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


def test_images_of_other_names(trained, tmp_path):
    cfg = tiny_config(tmp_path)
    cfg.val_dataloader.dataset.seed = 1
    with pytest.raises(ValueError, match='of other names'):
        resume(cfg, trained)
