"""Training pictures: folders, cache, low-resolution pairs, crops, augmentation."""
