_base_ = '../_base_/classical.py'
model = dict(method='lcm')
