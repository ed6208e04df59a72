"""Suffixes of the files that are read, in lower case."""

TIFF_SUFFIXES = ('.tif', '.tiff')
# the preferred first, where an image has several files
IMAGE_SUFFIXES = ('.png', '.bmp', '.jpg', '.jpeg', *TIFF_SUFFIXES)
VIDEO_SUFFIXES = ('.avi', '.mp4', '.mkv', '.mov', '.mpg', '.mpeg', '.webm')
