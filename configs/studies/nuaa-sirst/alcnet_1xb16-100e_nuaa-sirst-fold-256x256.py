# every fifth training image validates: choices are not made on the test split
_base_ = '../../alcnet/alcnet_1xb16-100e_nuaa-sirst-256x256.py'
train_dataloader = dict(dataset=dict(ann_file='{{fileDirname}}/fit.txt'))
val_dataloader = dict(dataset=dict(ann_file='{{fileDirname}}/val.txt'))
test_dataloader = val_dataloader
