_base_ = './ipi_sirstv2.py'
model = dict(method='nipps')
