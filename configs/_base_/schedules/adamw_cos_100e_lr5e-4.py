# half the rate: more stable for ALCL-Net and GGL-Net, says the PAL recipe
_base_ = './adamw_cos_100e.py'
optim_wrapper = dict(optimizer=dict(lr=5e-4))
