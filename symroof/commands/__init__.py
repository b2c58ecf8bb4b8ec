"""The commands, one a module of its name. What a command needs beyond its options it imports when it runs."""
