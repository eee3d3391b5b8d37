"""How files of models get onto the disk: the asynchronous core of `download_engine`."""
