"""The commands of `horde-reference`: each module offers `add_arguments(parser)` and `run(arguments)`."""
