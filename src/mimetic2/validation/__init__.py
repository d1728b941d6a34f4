"""The simulation study."""
