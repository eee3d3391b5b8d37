"""The domain core: journal, fold, blobs, checkpoints, seeding and the follower."""
