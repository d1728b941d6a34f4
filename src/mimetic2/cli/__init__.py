"""The command line: one thin module a verb, which parses, calls the library and prints."""
