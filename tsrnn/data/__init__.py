"""Tables in, panels out, and back."""
