"""CO-ISD's main branch beside any network: the same for every kind of host.

*Rethinking Infrared Small Target Detection: A Foundation-Driven Efficient
Paradigm* (FDEP), Yu et al., arXiv 2512.05511; what its abstract and figure
leave open is listed in :mod:`fdep_mm.models.segmentors.co_isd`.
"""

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from fdep_mm.core.compat import denormalized, swaps_channels
from fdep_mm.priors import batch_priors
from fdep_mm.priors.identity import note_channel_order
from fdep_mm.registry import MODELS

from .backbones import ZeroPriors
from .two_passes import depends_on, kept_statistics, tensors_in, unchanged


class TwoBranches:
    """Mixin of an mmengine model: its losses with and without a prior.

    ``L = w_main * L_main + w_light * L_light``, from the same labels, in one
    backward pass. The model gives its features and, for any features, its
    losses. Those that its attribute `index_name` names are replaced in the
    main branch. Testing needs none of this.
    """

    index_name: str

    def _host_feats(self, inputs: Tensor) -> Sequence[Tensor]:
        """Features of the host, the replaced one among them."""
        raise NotImplementedError

    def _laterals(self, feats: list[Tensor]) -> list[Tensor] | None:
        """What the head makes of features that no prior reaches, or None."""
        return None

    def _host_loss(
        self,
        feats: list[Tensor],
        laterals: list[Tensor] | None,
        data_samples: list,
    ) -> dict:
        """Losses of the host for these features."""
        raise NotImplementedError

    def _add_main_branch(
        self, vfm: dict, samf: dict, loss_weights: dict
    ) -> None:
        """Build what only training needs; the host is built already."""
        if set(loss_weights) != {'main', 'light'}:
            raise ValueError(
                "loss_weights needs the keys 'main' and 'light', "
                f'got {sorted(loss_weights)}'
            )
        self.loss_weights = dict(loss_weights)
        self.vfm = MODELS.build(vfm)
        note_channel_order(self.vfm, self._reverses_channels())
        samf = dict(prior_channels=self.vfm.channels) | samf
        samfs = [
            MODELS.build(dict(in_channels=channels) | samf)
            for channels in self._find_features()
        ]
        # one feature: the names of weights stay those of a single SAMF
        self.samf = samfs[0] if len(samfs) == 1 else nn.ModuleList(samfs)
        self._first_step = True

    def _find_features(self) -> list[int]:
        """Settle the indices of replaced features; give their channels."""
        side = getattr(self.backbone, 'image_size', 64)
        feats = self._probe(side)
        number = len(feats)
        name = self.index_name
        index = _by_area(getattr(self, name), feats)
        setattr(self, name, index)
        indices = [index] if isinstance(index, int) else index
        if not indices:
            raise ValueError(f'{name}={index}: name at least one feature')
        for index in indices:
            if not -number <= index < number:
                raise ValueError(
                    f'{name}={index} is out of range: the host gives '
                    f'{number} features'
                )
            print_log(
                f'FDEP replaces {name}={index} of {number} features: '
                f'{feats[index].shape[1]} channels, stride '
                f'{side // feats[index].shape[2]}',
                'current',
            )
        self._replaced = [*dict.fromkeys(i % number for i in indices)]
        return [feats[index].shape[1] for index in self._replaced]

    def _probe(self, side: int) -> Sequence[Tensor]:
        """Features of a black image, which are also those of training."""
        channels = getattr(self.backbone, 'in_channels', 3)
        image = torch.zeros(1, channels, side, side)
        training = self.training
        self.eval()
        with torch.no_grad():
            feats = self._host_feats(image)
            self._channels = _channels(feats)
            # of the encoder alone: its norms and dropout must not act here
            self.backbone.training = True
            self._compare_channels(self._host_feats(image))
        self.train(training)
        return feats[: len(self._channels)]

    def _compare_channels(self, feats: Sequence[Tensor]) -> None:
        """Refuse features that are not those of evaluation."""
        if _channels(feats) != self._channels:
            raise ValueError(
                f'{type(self.backbone).__name__} gives features of '
                f'{_channels(feats)} channels in training, of '
                f'{self._channels} in evaluation: what the prior teaches '
                'would not be what is deployed'
            )

    def loss(self, inputs: Tensor, data_samples: list) -> dict:
        """Losses of both branches; the batch is (B, C, H, W), preprocessed.

        The first step is checked.
        """
        if self._first_step:
            return self._checked_losses(inputs, data_samples)
        return self._branch_losses(inputs, data_samples)

    @torch.compiler.disable  # the checks read versions and gradient graphs
    def _checked_losses(self, inputs: Tensor, data_samples: list) -> dict:
        return self._branch_losses(inputs, data_samples)

    def _branch_losses(self, inputs: Tensor, data_samples: list) -> dict:
        """Losses of both branches, from one pass of what they share."""
        feats = list(self._host_feats(inputs))
        self._compare_channels(feats)
        priors = self._priors(inputs, data_samples)
        with_prior = self._with_prior(feats, priors)
        laterals = self._laterals(feats)
        with unchanged(feats) if self._first_step else nullcontext():
            light = self._host_loss(feats, laterals, data_samples)
        with kept_statistics(self):  # the light branch is what is deployed
            main = self._host_loss(with_prior, laterals, data_samples)
        fused = [with_prior[index] for index in self._replaced]
        if self._first_step and fused[0].requires_grad:
            self._check_reach(main, fused, feats, data_samples)
            self._first_step = False
        return self._weighted('main', main) | self._weighted('light', light)

    def _with_prior(
        self, feats: Sequence[Tensor], priors: Sequence[Tensor]
    ) -> list[Tensor]:
        """The host's features, those of the main branch fused."""
        several = isinstance(self.samf, nn.ModuleList)
        samfs = self.samf if several else [self.samf]
        fused = list(feats)
        for index, samf in zip(self._replaced, samfs, strict=True):
            fused[index] = samf(feats[index], priors)
        return fused

    def _priors(
        self, inputs: Tensor, data_samples: list
    ) -> tuple[Tensor, ...]:
        """Priors that came with the batch, or else the VFM's."""
        size = tuple(inputs.shape[-2:])
        given = batch_priors(data_samples, size, self.vfm)
        if given is None or isinstance(self.vfm, ZeroPriors):
            return self.vfm(self._pixels(inputs))
        return given

    def _weighted(self, branch: str, losses: dict) -> dict:
        weight = self.loss_weights[branch]
        return {
            f'{branch}.{key}': _scale(value, weight)
            if 'loss' in key
            else value
            for key, value in losses.items()
        }

    def _pixels(self, inputs: Tensor) -> Tensor:
        """What the VFM sees of a preprocessed batch: values in 0..255."""
        return denormalized(self.data_preprocessor, inputs)

    def _reverses_channels(self) -> bool:
        """Whether the VFM sees an image's channels in reverse order."""
        return swaps_channels(self.data_preprocessor)

    def _deployed(self, losses: dict) -> dict:
        """Losses of what is deployed, among those of the host."""
        return losses

    def _check_reach(
        self,
        losses: dict,
        fused: list[Tensor],
        feats: list[Tensor],
        data_samples: list,
    ) -> None:
        """Refuse a replaced feature that changes nothing deployed."""
        total, _ = self.parse_losses(self._deployed(losses))
        if all(depends_on(total, feature) for feature in fused):
            return
        leaves = [
            f.detach().requires_grad_() if isinstance(f, Tensor) else f
            for f in feats
        ]
        with kept_statistics(self):
            losses = self._host_loss(
                leaves, self._laterals(leaves), data_samples
            )
        total, _ = self.parse_losses(self._deployed(losses))
        grads = torch.autograd.grad(
            total, list(tensors_in(leaves)), allow_unused=True
        )
        read = [i for i, grad in enumerate(grads) if grad is not None]
        raise ValueError(
            f'{self.index_name}={getattr(self, self.index_name)}: what is '
            'deployed does not read this feature, so the prior would teach '
            f'it nothing. It reads {read}'
        )


def _by_area(
    index: int | str | Sequence[int], feats: Sequence[Tensor]
) -> int | Sequence[int]:
    """Index of the feature that 'deepest' or 'finest' means."""
    areas = [feat.shape[2:].numel() for feat in feats]
    if index == 'deepest':  # the last of the smallest
        return len(areas) - 1 - areas[::-1].index(min(areas))
    return areas.index(max(areas)) if index == 'finest' else index


def _channels(feats: Sequence[Tensor]) -> list[int]:
    return [f.shape[1] for f in feats if isinstance(f, Tensor)]


def _scale(loss: Tensor | list[Tensor], weight: float) -> Tensor | list:
    """Weight a loss as mmengine knows it: a tensor or a list of tensors."""
    if isinstance(loss, Tensor):
        return loss * weight
    return [item * weight for item in loss]
