"""The recurrent encoders on other sequences: classification, tagging and text."""
